// One operation as this plane knows it: a tool, a prompt, the resources of a server, or the messages an agent takes.
// Everything check 3 says about a target starts from here; where operations come from is definitions.ts.

import {
  type Definition,
  type JsonObject,
  pointerCovers,
  pointersOf,
  type Target,
  type ToolTrust,
  valueAt,
} from '@writ/core';
import { argumentsFault } from './arguments/check.ts';
import type { Shape } from './arguments/shape.ts';

export type Risk = 0 | 1 | 2 | 3 | 4 | 5;

export interface Operation {
  readonly target: { readonly kind: 'server' | 'agent' | 'upstream'; readonly server: string; readonly name: string };
  /** Id of its Cedar action: `files/read_file`, `db/agent/send`. Unique among all operations. */
  readonly action: string;
  /** Pin of the definition the callee gives now, `sha256:<hex>`. */
  readonly digest: string;
  /** A person reviewed a definition of it. Policy is written against that one, so that a callee which changes its own
   * cannot make the operator's policy unreadable. */
  readonly pinned: boolean;
  /** What it gives now is what was reviewed; anything else is not callable. Rules §3.7. */
  readonly reviewed: boolean;
  /** The highest risk any arguments can give it. Rules §3.6. */
  readonly risk: Risk;
  /** The risk comes from a reviewed manifest. */
  readonly manifest: boolean;
  readonly shape: Shape;
  /** Without any of `riskWhen`. */
  readonly baseRisk: Risk;
  readonly riskWhen: readonly RiskWhen[];
  /** Effect, roles and output levels. */
  readonly trust: ToolTrust;
}

/** An argument that raises the risk where it says something. Contract §8. */
export interface RiskWhen {
  readonly arg: string;
  readonly present: true;
  readonly risk: Risk;
}

export function actionId(target: Target): string | null {
  return target.name === null ? null : `${target.server}/${target.name}`;
}

/** The risk with these arguments; never above `operation.risk`. */
export function riskOf({ baseRisk, riskWhen }: Operation, args: JsonObject): Risk {
  const pointers = pointersOf(args).filter((pointer) => !isEmpty(args, pointer));
  const raised = riskWhen.filter(({ arg }) => pointers.some((pointer) => pointerCovers(arg, pointer)));
  return Math.max(baseRisk, ...raised.map(({ risk }) => risk)) as Risk;
}

/** Null and empty say nothing (rules §3.10): no guest is invited by an empty list. */
function isEmpty(args: JsonObject, pointer: string): boolean {
  const value = valueAt(args, pointer);
  // A leaf that is an object or a list is an empty one.
  return value === undefined || value === null || value === '' || typeof value === 'object';
}

/** What core sees of it. */
export function definitionOf(operation: Operation): Definition {
  const { digest, reviewed, risk, manifest, trust, shape } = operation;
  return { digest, reviewed, risk, manifest, trust, checkArguments: (args) => argumentsFault(shape, args) };
}
