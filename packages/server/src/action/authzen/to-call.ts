// An AuthZEN evaluation as a call of the plane. The asking gateway vouches for one thing, whom it saw on its own wire
// (`context.peer`); everything about the chain is in the raw token (`context.token`) and judged like any other (rules §7.5).

import { type Call, isJsonObject, type JsonObject, type PeerOnWire, parseSpiffeId, type SpiffeId } from '@writ/core';
import { digestOf } from '../digest.ts';
import type { Entity, Evaluation, Malformed } from './request.ts';

/** The gateway that asks, as the plane authenticated it. */
export interface AuthzenCaller {
  /** For the record. */
  readonly id: string;
  /** Null for a client without an SVID. */
  readonly spiffeId: SpiffeId | null;
  /** Is it the enforcement point of this callee? Server key or agent path. */
  mayAsk(callee: string): boolean;
}

export interface CallPorts {
  nowSeconds(): number;
  newId(): string;
  /** The audience of this callee for callers of that listener; null for a callee that does not exist. */
  endpointOf(kind: 'server' | 'agent', callee: string, listener: 'mtls' | 'oauth'): string | null;
}

export type Asked =
  | { readonly call: Call; readonly callee: string }
  | Malformed
  /** Not an operation this plane has. */
  | { readonly unknown: string };

export interface Operation {
  readonly kind: 'server' | 'agent';
  readonly callee: string;
  readonly name: string;
  readonly protocol: 'mcp' | 'a2a';
}

/** By type of resource: the one action it has here. */
export const ACTIONS: { readonly [type: string]: string } = {
  tool: 'tools/call',
  prompt: 'prompts/get',
  agent: 'SendMessage',
};

/** The callee a resource belongs to, before anything else about it is judged. */
export function operationOf({
  resource,
  action,
}: {
  readonly resource: Pick<Entity, 'type' | 'id'>;
  readonly action: { readonly name: string };
}): Operation | null {
  const { type, id } = resource;
  if (!Object.hasOwn(ACTIONS, type) || ACTIONS[type] !== action.name) return null;
  if (type === 'agent') return { kind: 'agent', callee: id, name: 'send', protocol: 'a2a' };
  const slash = id.indexOf('/');
  if (slash <= 0 || slash === id.length - 1) return null;
  const [callee, own] = [id.slice(0, slash), id.slice(slash + 1)];
  return { kind: 'server', callee, name: type === 'prompt' ? `prompts/${own}` : own, protocol: 'mcp' };
}

export function toCall(evaluation: Evaluation, operation: Operation, caller: AuthzenCaller, ports: CallPorts): Asked {
  const { action, context } = evaluation;
  const { kind, callee, name, protocol } = operation;
  const peer = peerOf(context, caller, ports.nowSeconds());
  if ('malformed' in peer) return peer;
  const args = action.properties.arguments ?? {};
  if (!isJsonObject(args)) return { malformed: '`action.properties.arguments` is no JSON object' };
  const { token = null } = context;
  if (token !== null && typeof token !== 'string') return { malformed: '`context.token` is no text' };
  const resource = ports.endpointOf(kind, callee, peer.listener === 'oauth' ? 'oauth' : 'mtls');
  if (resource === null) return { unknown: callee };
  return {
    callee,
    call: {
      decisionId: ports.newId(),
      protocol,
      operation: action.name,
      target: { kind, server: callee, name },
      resource,
      scopes: [`${callee}:${name}`],
      anyScopeOf: null,
      arguments: args,
      isAction: true,
      credential: token === null ? { kind: 'none' } : { kind: 'jwt', scheme: 'Bearer', value: token },
      peer,
      judgedDigest: digestOf(args),
      trace: null,
    },
  };
}

/**
 * `context.peer`: `{"id": "spiffe://…", "x5t#S256"?: "…"}`. Without it nobody was seen, and only a client that may use unbound
 * tokens can be meant. The gateway speaks for this very moment, so the identity is good for no second longer.
 */
function peerOf({ peer }: JsonObject, caller: AuthzenCaller, nowSeconds: number): PeerOnWire | Malformed {
  const remote = `authzen:${caller.id}`;
  if (peer === undefined || peer === null) return { listener: 'oauth', remote };
  const spiffeId = isJsonObject(peer) && typeof peer.id === 'string' ? parseSpiffeId(peer.id) : null;
  const thumbprint = isJsonObject(peer) ? (peer['x5t#S256'] ?? '') : '';
  if (spiffeId === null || typeof thumbprint !== 'string') {
    return { malformed: '`context.peer` is not `{"id": "spiffe://…"}`' };
  }
  return {
    listener: 'envoy',
    spiffeId,
    notAfterSeconds: nowSeconds + 1,
    serialHex: '',
    thumbprint,
    boundary: 'none',
    assertedBy: caller.spiffeId,
    remote,
  };
}
