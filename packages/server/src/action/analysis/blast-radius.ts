// Everything a holder could do, alone or by handing its authority on: enumerated over edges, entitlements and policy, with what
// only policy's unknown facts decide marked as such. It may name too much (an argument that no tool would take); never too little.

import { anyScopeCovers, canonicalJson, type JsonValue } from '@writ/core';
import { digestOf } from '../digest.ts';
import { type Caller, type OperationView, type PlaneView, subjectOf, userOf } from './plane-view.ts';
import { type Known, type Weighed, type Weight, weigh, weightOf } from './weigh.ts';

/** One action that can happen on the holder's authority. */
export interface Reach {
  /** Who makes the call: the holder, or who it hands on to. */
  readonly actor: string;
  /** From the holder to the actor, both included: the shortest way there is. */
  readonly through: readonly string[];
  /** `files/write_file`, `db/agent/send`. */
  readonly action: string;
  readonly kind: 'server' | 'agent' | 'upstream';
  readonly risk: number;
  readonly effect: string | null;
  /** A person reviewed what it is now; otherwise nothing calls it before somebody does. */
  readonly reviewed: boolean;
  readonly when: Exclude<Weight, 'never'>;
  /** People who can stand behind it. */
  readonly users: readonly string[];
  /** Policies that hold or may hold for it. */
  readonly policies: readonly string[];
  /** Over what those policies say, without their ids: another digest is another condition. */
  readonly conditions: string;
}

export interface BlastRadius {
  readonly holder: string;
  /** Version of the policy it was worked out under. */
  readonly policy: string;
  readonly reach: readonly Reach[];
}

/** Null for a holder that is not configured. */
export function blastRadius(plane: PlaneView, holder: string): BlastRadius | null {
  const first = plane.callers.get(holder);
  if (!first) return null;
  const reach = plane.operations.flatMap((operation) => reachOf(plane, first, operation));
  return {
    holder,
    policy: plane.policy.version,
    reach: reach.toSorted(
      (a, b) =>
        b.risk - a.risk ||
        compare(a.action, b.action) ||
        a.through.length - b.through.length ||
        compare(a.actor, b.actor),
    ),
  };
}

/**
 * A scope travels only through parties that hold it, whoever delegates to whom (rules §2.1), so the ways are those of the graph of
 * its holders. Whether policy lets a message through is not asked on the way: a token can be handed over outside the gateway, and
 * the exchange asks for edge and scope alone.
 */
function reachOf(plane: PlaneView, holder: Caller, operation: OperationView): readonly Reach[] {
  const holds = ({ scopes }: Caller): boolean => anyScopeCovers(scopes, operation.scope);
  if (!holds(holder)) return [];
  const holders = [...plane.callers.values()].filter(holds);
  return holders
    .filter(({ calls }) => calls.has(operation.target.server))
    .flatMap((actor) => {
      const passes = (between: Caller) => !forbids(plane, between, actor, operation);
      const through = wayBetween(holder, actor, holders, passes);
      const found = through && judged(plane, actor, operation);
      return found ? [{ ...found, actor: actor.key, through }] : [];
    });
}

/** Rules §3.13: whoever is in the chain and not acting can only take away. */
function forbids(plane: PlaneView, between: Caller, actor: Caller, operation: OperationView): boolean {
  const { forbids, fails } = weigh(plane, between.asker, operation, { actor: subjectOf(actor) });
  return forbids === 'yes' || fails === 'yes';
}

/** Breadth first, so the shortest. Nobody is in a chain twice (rules §2.5), which a shortest way never wants. */
function wayBetween(
  from: Caller,
  to: Caller,
  holders: readonly Caller[],
  passes: (between: Caller) => boolean,
): readonly string[] | null {
  if (from === to) return [from.key];
  const cameFrom = new Map<Caller, Caller | null>([[from, null]]);
  const waiting = passes(from) ? [from] : [];
  for (let here = waiting.shift(); here; here = waiting.shift()) {
    for (const next of holders) {
      if (cameFrom.has(next) || !here.calls.has(next.key)) continue;
      cameFrom.set(next, here);
      if (next === to) return wayBack(next, cameFrom);
      if (passes(next)) waiting.push(next);
    }
  }
  return null;
}

function wayBack(end: Caller, cameFrom: ReadonlyMap<Caller, Caller | null>): readonly string[] {
  const keys: string[] = [];
  for (let here: Caller | null = end; here; here = cameFrom.get(here) ?? null) keys.unshift(here.key);
  return keys;
}

function judged(plane: PlaneView, actor: Caller, operation: OperationView): Omit<Reach, 'actor' | 'through'> | null {
  const { target, action, definition, effect } = operation;
  // Rules §3.4: who does not state its memory stays below risk 3.
  if (definition.risk >= 3 && actor.memory === null) return null;
  const known: Known = { actor: subjectOf(actor) };
  const asActor = weigh(plane, actor.asker, operation, known);
  if (weightOf(asActor) === 'never') return null;
  const people = plane.users
    .map((name) => ({ name, weighed: asRoot(plane, name, operation, known) }))
    .filter(({ weighed }) => weightOf(weighed) !== 'never');
  if (people.length === 0) return null;
  const all = [asActor, ...people.map(({ weighed }) => weighed)];
  const policies = [...new Set(all.flatMap((one) => one.policies))].sort();
  return {
    action,
    kind: target.kind,
    risk: definition.risk,
    effect,
    reviewed: definition.reviewed,
    when:
      actor.unbound && definition.risk > 1
        ? 'asks'
        : together(
            weightOf(asActor),
            people.map(({ weighed }) => weightOf(weighed)),
          ),
    users: people.map(({ name }) => name),
    policies,
    conditions: conditionsOf(plane, policies),
  };
}

export function asRoot(plane: PlaneView, name: string, operation: OperationView, known: Known): Weighed {
  return weigh(plane, { kind: 'user', principal: userOf(plane, name) }, operation, known);
}

/** Both have to permit; of several people the one who may most counts. */
function together(actor: Weight, roots: readonly Weight[]): Reach['when'] {
  const order: readonly Weight[] = ['never', 'asks', 'maybe', 'always'];
  const most = order[Math.max(...roots.map((one) => order.indexOf(one)))]!;
  return order[Math.min(order.indexOf(actor), order.indexOf(most))] as Reach['when'];
}

function conditionsOf(plane: PlaneView, ids: readonly string[]): string {
  const said = plane.policies
    .filter(({ id }) => ids.includes(id))
    .map(({ json, effect }) => canonicalJson({ ...json, annotations: { effect } } as unknown as JsonValue));
  return digestOf(said.sort());
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
