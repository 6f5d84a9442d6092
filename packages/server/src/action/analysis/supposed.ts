// A chain nobody proved, for asking what policy would say of it. DANGER: a `TokenFacts` of these is a supposition; it is handed to
// core's action judge here and must never meet a call. The one place in the server that makes one.

import type { Call, Link, Principal, TokenFacts } from '@writ/core';
import type { Caller, OperationView } from './plane-view.ts';

export interface Supposition {
  readonly root: Principal;
  /** From the task's own agent to the one that acts. */
  readonly actors: readonly [Caller, ...Caller[]];
  readonly operation: OperationView;
  /** The protocol's own word; absent: the usual one of such a target. */
  readonly method?: string;
  readonly arguments: Call['arguments'];
  readonly task: string;
}

/** Everything the checks before would have proven: each link holds the one scope this is about. */
export function supposedToken({ root, actors, operation, task }: Supposition): TokenFacts {
  const link = (actor: Principal, depth: number): Link => ({
    actor,
    audience: '',
    scopes: [operation.scope],
    budget: [],
    depth,
    untilSeconds: Number.MAX_SAFE_INTEGER,
    ceiling: 4,
    row: 'supposed',
  });
  const acting = actors[actors.length - 1]!;
  const facts: Omit<TokenFacts, keyof { readonly [proven: symbol]: true }> = {
    encoding: 'jwt',
    tokenId: 'supposed',
    clientId: acting.principal.sub,
    chain: {
      task,
      links: [link(root, actors.length), ...actors.map(({ principal }, i) => link(principal, actors.length - 1 - i))],
    },
    root,
    actor: acting.principal,
    actorKey: acting.key,
    unbound: acting.unbound,
    untilSeconds: Number.MAX_SAFE_INTEGER,
    wildcard: false,
    claims: [],
  };
  return facts as TokenFacts;
}

export function supposedCall({ operation, method, arguments: args }: Supposition): Call {
  const { target, scope } = operation;
  const isAgent = target.kind === 'agent';
  return {
    decisionId: 'supposed',
    protocol: isAgent ? 'a2a' : 'mcp',
    operation: method ?? usualMethod(target),
    target,
    resource: '',
    scopes: [scope],
    anyScopeOf: null,
    arguments: args,
    isAction: true,
    credential: { kind: 'none' },
    peer: { listener: 'oauth', remote: 'supposed' },
    judgedDigest: '',
    trace: null,
  };
}

function usualMethod({ kind, name }: OperationView['target']): string {
  if (kind === 'agent') return 'SendMessage';
  if (name === 'resources') return 'resources/read';
  return name.startsWith('prompts/') ? 'prompts/get' : 'tools/call';
}
