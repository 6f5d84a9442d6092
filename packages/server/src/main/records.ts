// Records other than a call's own: events of the plane, and refusals of what never became a call.

import {
  type Denial,
  decisionRecord,
  type JsonObject,
  type PeerOnWire,
  type Protocol,
  refusal,
  type Target,
} from '@writ/core';
import type { AuditLog } from '../audit/log.ts';
import type { RefusalCounter } from '../gateway/refusal-counter.ts';

export interface Unread {
  readonly decisionId: string;
  readonly denial: Denial;
  readonly peer: PeerOnWire;
  readonly protocol: Protocol;
  readonly target: Target;
}

export interface Records {
  /** Appended; resolves when it is on disk. `id`: where somebody has been told one already. */
  event(name: string, members: JsonObject, id?: string): Promise<void>;
  /** A refusal of what was never read as a call: written like a decision, or counted (rules §1.7). */
  unread(refused: Unread): Promise<void>;
}

export interface RecordDeps {
  readonly log: Pick<AuditLog, 'append'>;
  readonly clock: { nowMillis(): number };
  newId(): string;
  readonly refusals: RefusalCounter;
  readonly frame: { readonly replica: string; readonly mode: 'enforce' };
  versions(): { readonly [part: string]: string };
}

const nothing = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export function createRecords(deps: RecordDeps): Records {
  const time = () => new Date(deps.clock.nowMillis()).toISOString();
  return {
    async event(name, members, id = deps.newId()) {
      await deps.log.append({ ...members, kind: 'event', id, time: time(), event: name }).durable;
    },
    async unread({ decisionId, denial, peer, protocol, target }) {
      const call = {
        decisionId,
        protocol,
        operation: 'request',
        target,
        resource: '',
        scopes: [],
        anyScopeOf: null,
        arguments: {},
        isAction: false,
        credential: { kind: 'none' },
        peer,
        judgedDigest: nothing,
        trace: null,
      } as const;
      const decision = refusal(decisionId, denial);
      if (deps.refusals.countsInstead(call, decision)) return;
      const record = decisionRecord(call, decision, {
        time: time(),
        argumentsDigest: nothing,
        memory: 'persistent',
        versions: deps.versions(),
        ...deps.frame,
      });
      await deps.log.append(record).durable;
    },
  };
}
