// What a reviewed manifest says of one tool (contract §8), as the judges of this folder need it. Reading and checking the file is
// the server's; without an entry a tool is judged as the worst that is still plausible (rules §3.6).

import { isJsonObject, type JsonObject, type JsonValue } from '../../std/json.ts';
import { valueAt } from '../../std/pointer.ts';
import type { Level } from './levels.ts';
import type { ValueType } from './typed-value.ts';

export type Role = 'target' | 'value' | 'date' | 'payload' | 'ignored';

export type Effect =
  | 'read'
  | 'network'
  | 'write'
  | 'message'
  | 'money'
  | 'membership'
  | 'publish'
  | 'account'
  | 'destroy'
  /** Nobody said. */
  | 'unknown';

export interface ArgumentRule {
  readonly role: Role;
  readonly type?: ValueType | undefined;
  /** The value is an amount of money: in this currency (ISO 4217), or in the one that another argument names. */
  readonly currency?: string | { readonly arg: string } | undefined;
  /** Arguments of one group are joined and judged as one target. */
  readonly compose?: string | undefined;
}

export interface OutputRule {
  /** `*` stands for one key or index; covers everything below. */
  readonly at: string;
  /** Where the whole field equals the value. */
  readonly handle?: Level | undefined;
  /** Where the field contains it; absent = 1. */
  readonly text?: Level | undefined;
  /** Of member names the manifest does not spell out; absent = as `text`. */
  readonly keys?: Level | undefined;
  readonly secret?: boolean | undefined;
  readonly when?:
    | { readonly sibling: string; readonly in?: readonly string[] | undefined; readonly endsWith?: string | undefined }
    | undefined;
}

export interface ToolTrust {
  /** 0–5. */
  readonly risk: number;
  readonly riskWhen?: readonly { readonly arg: string; readonly risk: number }[] | undefined;
  readonly effect: Effect;
  /** Words of which one must stand in the prompt; absent = any prompt. */
  readonly intent?: readonly string[] | undefined;
  readonly args?: { readonly [pointer: string]: ArgumentRule } | undefined;
  /**
   * Every member name that the tool's own schema spells. Any other name below the top was chosen by the caller and is judged like a
   * value; absent where there is no schema to look at.
   */
  readonly spelt?: readonly string[] | undefined;
  /** First match wins; no match = level 1. */
  readonly outputs?: readonly OutputRule[] | undefined;
}

/** A tool without a reviewed manifest: every argument a target, outputs from outside. */
export const unknownTool: ToolTrust = { risk: 4, effect: 'unknown' };

/** What a manifest says of everything, without a condition: all that counts for what stands beside an output. */
export function blanketRules(rules: readonly OutputRule[]): readonly OutputRule[] {
  return rules.filter(({ at, when }) => at === '' && when === undefined);
}

/** An error is text of the tool's side, and anybody may have caused what stands in it (contract §9). */
export const errorOutputs: readonly OutputRule[] = [{ at: '', text: 1 }];

/** Raised by arguments that are there, never lowered. */
export function riskOfCall(tool: ToolTrust, args: JsonObject): number {
  const raised = (tool.riskWhen ?? []).filter(({ arg }) => !isNothing(valueAt(args, arg))).map(({ risk }) => risk);
  return Math.max(tool.risk, ...raised);
}

/** Null and empty carry nothing, at any depth. */
function isNothing(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (Array.isArray(value)) return value.every((one) => isNothing(one as JsonValue));
  return isJsonObject(value) && Object.values(value).every(isNothing);
}
