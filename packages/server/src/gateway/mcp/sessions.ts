// Sessions of legacy callers. A session is never authority: each call is judged by its own token, and the session must then
// belong to the same caller and the same person. Unknown, ended and foreign ids look alike. MCP 2025-11-25, rules §4 of its security.

import type { Decision } from '@writ/core';
import type { RpcId } from './words.ts';

export interface CallerSession {
  readonly id: string;
  readonly server: string;
  /** Cancels a call that is under way, by the caller's id for it. */
  readonly underWay: Map<RpcId, () => void>;
}

export interface Sessions {
  open(server: string, decision: Decision): CallerSession;
  /** The session, when it is this caller's. */
  find(id: string, server: string, decision: Decision): CallerSession | null;
  end(session: CallerSession): void;
}

export interface SessionOptions {
  readonly newId: () => string;
  readonly nowSeconds: () => number;
  readonly idleSecondsMax?: number;
  /** For one caller and person; opening another ends the oldest. */
  readonly perOwnerMax?: number;
}

interface Held extends CallerSession {
  readonly owner: string;
  usedSeconds: number;
}

export function createSessions(options: SessionOptions): Sessions {
  const { idleSecondsMax = 3600, perOwnerMax = 32 } = options;
  // Insertion order is age of use: a session that is used moves to the end.
  const byId = new Map<string, Held>();

  const sweep = () => {
    for (const held of byId.values()) {
      if (options.nowSeconds() - held.usedSeconds < idleSecondsMax) return;
      byId.delete(held.id);
    }
  };

  return {
    open(server, decision) {
      sweep();
      const owner = ownerOf(server, decision);
      const own = [...byId.values()].filter((held) => held.owner === owner);
      if (own.length >= perOwnerMax) byId.delete(own[0]!.id);
      const usedSeconds = options.nowSeconds();
      const held: Held = { id: options.newId(), server, owner, underWay: new Map(), usedSeconds };
      byId.set(held.id, held);
      return held;
    },
    find(id, server, decision) {
      sweep();
      const held = byId.get(id);
      if (!held || held.owner !== ownerOf(server, decision)) return null;
      held.usedSeconds = options.nowSeconds();
      byId.delete(id);
      byId.set(id, held);
      return held;
    },
    end(session) {
      byId.delete(session.id);
    },
  };
}

/** Server, peer on the wire and root of the chain: what a renewed token still has in common with the one before. */
function ownerOf(server: string, decision: Decision): string {
  const token = decision.token.facts!;
  return JSON.stringify([server, token.actorKey, token.root.iss, token.root.sub]);
}
