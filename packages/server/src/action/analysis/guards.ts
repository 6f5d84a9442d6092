// `writ policy prove`: guards that must hold for every request there can be, as data beside the policy. All pairs of caller and
// operation that a guard speaks of are weighed with everything else unknown; what policy does not certainly refuse stays open
// and is listed. Proven means: no person, no chain, no argument and no time gives such a call its permit.

import { type Asker, isJsonObject, type JsonValue, type Principal } from '@writ/core';
import * as z from 'zod';
import { asRoot } from './blast-radius.ts';
import { type DataFile, type DataResult, readData } from './data-file.ts';
import { type Caller, type OperationView, type PlaneView, subjectOf } from './plane-view.ts';
import { anybody, type Known, type Weighed, weigh, weightOf } from './weigh.ts';

const names = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional();

const Selector = z.strictObject({
  /** Agent keys or `client:<id>`; absent: every caller. */
  agent: names,
  /** Configured people; absent: anybody at all. */
  user: names,
  /** `files/write_file`, `files/*`, or an agent key for messages to it; absent: everything. */
  call: names,
  /** As reviewed manifests say it. */
  effect: names,
  riskAtLeast: z.int().min(0).max(5).optional(),
});

/** Facts of the request that are taken as given, of the type they have there: a wrong one would make policies fail, and prove. */
const Given = z.strictObject({
  via: z.array(z.string()).optional(),
  depth: z.int().optional(),
  task: z.string().optional(),
  scopes: z.array(z.string()).optional(),
  protocol: z.string().optional(),
  operation: z.string().optional(),
  now: z.iso.datetime().optional(),
  risk: z.int().optional(),
});

/** Names of the facts that a guard may give. */
export const givenNames: readonly string[] = Object.keys(Given.shape);

const Guard = z.strictObject({
  name: z.string().min(1),
  /** Not even with a person's yes. */
  never: Selector.optional(),
  /** At most with a person's yes. */
  neverUnasked: Selector.optional(),
  given: Given.optional(),
});

const GuardFile = z.strictObject({
  guards: z
    .array(
      Guard.refine(({ never, neverUnasked }) => (never === undefined) !== (neverUnasked === undefined), {
        error: 'a guard has either `never` or `neverUnasked`',
      }),
    )
    .min(1),
});

export type PolicyGuard = z.output<typeof Guard>;

/** A request that policy does not certainly refuse. */
export interface OpenRequest {
  readonly caller: string;
  /** Null: somebody whom neither configuration nor policy names. */
  readonly user: string | null;
  readonly action: string;
  readonly weight: 'maybe' | 'asks' | 'always';
  readonly policies: readonly string[];
}

export interface GuardResult {
  readonly name: string;
  readonly proven: boolean;
  /** Pairs of caller and operation. Zero proves nothing. */
  readonly weighed: number;
  readonly open: readonly OpenRequest[];
  /** Names in the guard that nothing here answers to: a guard with a misspelt name proves nothing. */
  readonly unknown: readonly string[];
}

export function readGuards(file: DataFile): DataResult<readonly PolicyGuard[]> {
  const read = readData(file, GuardFile, 'guards with `name`, one of `never` and `neverUnasked`, and perhaps `given`');
  return 'problems' in read ? read : { value: read.value.guards };
}

export function proveGuard(plane: PlaneView, guard: PolicyGuard): GuardResult {
  const selected = (guard.never ?? guard.neverUnasked)!;
  const callers = [...plane.callers.values()].filter(({ key }) => isAmong(selected.agent, (wanted) => wanted === key));
  const operations = plane.operations.filter((operation) => isSelected(selected, operation));
  const given: Known = Object.fromEntries(Object.entries(guard.given ?? {}).filter(isSaid));
  const mayAsk = guard.neverUnasked !== undefined;
  const open = callers.flatMap((caller) =>
    operations.flatMap((operation) => openFor(plane, caller, operation, selected, given, mayAsk)),
  );
  const weighed = callers.length * operations.length;
  const unknown = unknownIn(plane, selected);
  const proven = weighed > 0 && open.length === 0 && unknown.length === 0;
  return { name: guard.name, proven, weighed, open, unknown };
}

/** A call needs the permit of its actor and of its root (rules §3.13): one that never comes is enough. */
function openFor(
  plane: PlaneView,
  caller: Caller,
  operation: OperationView,
  { user }: z.output<typeof Selector>,
  given: Known,
  mayAsk: boolean,
): readonly OpenRequest[] {
  const known = { ...given, actor: subjectOf(caller) };
  const asActor = weigh(plane, caller.asker, operation, known);
  if (isClosed(asActor, mayAsk)) return [];
  const roots: readonly (readonly [string | null, Weighed])[] = [
    ...plane.users
      .filter((name) => isAmong(user, (wanted) => wanted === name))
      .map((name) => [name, asRoot(plane, name, operation, known)] as const),
    ...(user === undefined ? strangers(plane) : []).map(
      ({ name, who }) => [name, weigh(plane, who, operation, known)] as const,
    ),
  ];
  return roots
    .filter(([, weighed]) => !isClosed(weighed, mayAsk))
    .map(([name, weighed]) => ({
      caller: caller.key,
      user: name,
      action: operation.action,
      weight: leastOf(asActor, weighed),
      policies: [...new Set([...asActor.policies, ...weighed.policies])].sort(),
    }));
}

function isClosed(weighed: Weighed, mayAsk: boolean): boolean {
  const weight = weightOf(weighed);
  return weight === 'never' || (mayAsk && weight === 'asks');
}

function leastOf(...both: readonly Weighed[]): OpenRequest['weight'] {
  const weights = both.map(weightOf);
  return (['asks', 'maybe'] as const).find((one) => weights.includes(one)) ?? 'always';
}

/** People whom only a policy names, by (iss, sub), and everybody else as one. */
function strangers(
  plane: PlaneView,
): readonly { readonly name: string | null; readonly who: Asker | typeof anybody }[] {
  const named = new Map<string, Principal>();
  for (const { json } of plane.policies) {
    for (const id of usersNamedIn(json as unknown as JsonValue)) {
      const space = id.indexOf(' ');
      const principal = { iss: id.slice(0, space), sub: id.slice(space + 1) };
      const isConfigured = principal.iss === plane.issuer && plane.users.includes(principal.sub);
      if (space > 0 && !isConfigured) named.set(id, principal);
    }
  }
  return [
    ...[...named].map(([name, principal]) => ({ name, who: { kind: 'user', principal } as const })),
    { name: null, who: anybody },
  ];
}

/** Ids of every `Writ::User::"…"` in a policy, wherever it stands. */
function usersNamedIn(node: JsonValue): readonly string[] {
  if (Array.isArray(node)) return node.flatMap(usersNamedIn);
  if (!isJsonObject(node)) return [];
  const own = node.type === 'Writ::User' && typeof node.id === 'string' ? [node.id] : [];
  return [...own, ...Object.values(node).flatMap(usersNamedIn)];
}

function isSaid<Value>(entry: readonly [string, Value | undefined]): entry is [string, Value] {
  return entry[1] !== undefined;
}

type Names = string | readonly string[] | undefined;

function unknownIn(plane: PlaneView, { agent, user, call, effect }: z.output<typeof Selector>): readonly string[] {
  const strange = (names: Names, isKnown: (one: string) => boolean) => listed(names).filter((one) => !isKnown(one));
  const some = (names: (operation: OperationView, one: string) => boolean) => (one: string) =>
    plane.operations.some((operation) => names(operation, one));
  return [
    ...strange(agent, (one) => plane.callers.has(one)),
    ...strange(user, (one) => plane.users.includes(one)),
    ...strange(call, some(isCalled)),
    ...strange(
      effect,
      some((operation, one) => operation.effect === one),
    ),
  ];
}

function isSelected({ call, effect, riskAtLeast = 0 }: z.output<typeof Selector>, operation: OperationView): boolean {
  return (
    isAmong(call, (one) => isCalled(operation, one)) &&
    isAmong(effect, (one) => one === operation.effect) &&
    operation.definition.risk >= riskAtLeast
  );
}

/** By `server/tool`, by `server/*`, or by an agent's key. */
function isCalled({ target, action }: OperationView, name: string): boolean {
  if (target.kind === 'agent') return name === target.server;
  return name === action || name === `${target.server}/*`;
}

/** Absent means every one there is. */
function isAmong(names: Names, matches: (one: string) => boolean): boolean {
  return names === undefined || listed(names).some(matches);
}

function listed(names: Names): readonly string[] {
  return names === undefined ? [] : typeof names === 'string' ? [names] : names;
}
