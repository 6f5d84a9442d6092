// The plane as analysis sees it: callers with what they may reach and delegate, operations with their risk, people, and the
// policies in force. A value made from configuration and loaded policy; nothing here asks a running plane.

import type { Asker, Definition, Policy, Principal, Target } from '@writ/core';
import { spiffeIdOf } from '../cedar/request.ts';
import { policiesIn, type StatedPolicy } from './policies.ts';

export interface PlaneView {
  readonly trustDomain: string;
  readonly issuer: string;
  readonly users: readonly string[];
  /** By agent path, or `client:<id>`. */
  readonly callers: ReadonlyMap<string, Caller>;
  readonly operations: readonly OperationView[];
  readonly policies: readonly StatedPolicy[];
  readonly policy: Policy;
}

export type Memory = 'task' | 'none' | 'persistent' | null;

export interface Caller {
  readonly key: string;
  readonly asker: Extract<Asker, { kind: 'agent' | 'client' }>;
  readonly principal: Principal;
  /** Keys of the callees that an edge leads to. */
  readonly calls: ReadonlySet<string>;
  /** Scopes it may use or hand on, `send` of its callees included. */
  readonly scopes: readonly string[];
  readonly memory: Memory;
  /** Its tokens are good for whoever holds them: above risk 1 a person is asked (rules §1.2). */
  readonly unbound: boolean;
}

export interface OperationView {
  readonly target: Target & { readonly name: string };
  /** `files/read_file`, `db/agent/send`: also the id of its Cedar action. */
  readonly action: string;
  readonly scope: string;
  readonly definition: Definition;
  /** What the reviewed manifest says it does; null where none does. */
  readonly effect: string | null;
}

export interface PlaneInput {
  readonly trustDomain: string;
  readonly issuer: string;
  readonly users: Iterable<string>;
  readonly agents: Iterable<readonly [path: string, memory: Memory]>;
  readonly clients: Iterable<readonly [id: string, bearer: boolean]>;
  readonly edges: ReadonlyMap<string, ReadonlySet<string>>;
  readonly entitlements: ReadonlyMap<string, readonly string[]>;
  /** Names of what each server offers, as in scopes. */
  readonly offered: Iterable<readonly [server: string, names: readonly string[]]>;
  readonly policy: Policy;
  /** `writ policy show`. */
  readonly policyText: string;
}

export function planeView(input: PlaneInput): PlaneView {
  const agents = [...input.agents];
  const caller = (key: string, asker: Caller['asker'], memory: Memory, unbound: boolean): [string, Caller] => [
    key,
    {
      key,
      asker,
      principal: principalOf(asker, input),
      calls: input.edges.get(key) ?? new Set(),
      scopes: input.entitlements.get(key) ?? [],
      memory,
      unbound,
    },
  ];
  const operation = (target: OperationView['target']): readonly OperationView[] => {
    const definition = input.policy.definition(target);
    if (!definition) return [];
    const { kind, server, name } = target;
    const effect = kind !== 'agent' && definition.manifest ? definition.trust.effect : null;
    return [{ target, action: `${server}/${name}`, scope: `${server}:${name}`, definition, effect }];
  };
  return {
    trustDomain: input.trustDomain,
    issuer: input.issuer,
    users: [...input.users].sort(),
    callers: new Map([
      ...agents.map(([path, memory]) =>
        caller(path, { kind: 'agent', spiffeId: spiffeIdOf(input.trustDomain, path) }, memory, false),
      ),
      // A client keeps what it reads (rules §1.2).
      ...[...input.clients].map(([id, bearer]) =>
        caller(`client:${id}`, { kind: 'client', clientId: id }, 'persistent', bearer),
      ),
    ]),
    operations: [
      ...[...input.offered].flatMap(([server, names]) =>
        names.flatMap((name) => [
          ...operation({ kind: 'server', server, name }),
          ...operation({ kind: 'upstream', server, name }),
        ]),
      ),
      ...agents.flatMap(([path]) => operation({ kind: 'agent', server: path, name: 'send' })),
    ],
    policies: policiesIn(input.policyText),
    policy: input.policy,
  };
}

function principalOf(asker: Caller['asker'], { issuer, trustDomain }: PlaneInput): Principal {
  return asker.kind === 'agent'
    ? { iss: `spiffe://${trustDomain}`, sub: asker.spiffeId }
    : { iss: issuer, sub: asker.clientId };
}

/** How a chain and `context.actor` name this caller. */
export function subjectOf(caller: Caller): string {
  return caller.principal.sub;
}

export function userOf({ issuer }: PlaneView, sub: string): Principal {
  return { iss: issuer, sub };
}
