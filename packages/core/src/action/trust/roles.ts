// Which role does each leaf of the arguments play? A role covers everything below its pointer; an argument without one is a target,
// since nobody has said that it may be anything (rules §3.10).

import { isJsonObject, type JsonObject, type JsonValue } from '../../std/json.ts';
import { pointerCovers, pointerStep } from '../../std/pointer.ts';
import { activeTokensIn } from './active.ts';
import type { ArgumentRule, Role } from './manifest.ts';
import { isScalar, type Scalar, type ValueType } from './typed-value.ts';

export interface ArgumentLeaf {
  readonly pointer: string;
  readonly value: Scalar;
  readonly role: Role;
  readonly type: ValueType;
  readonly compose: string | null;
  /** Place of its rule in the manifest: the order within a group. The order of the arguments is the caller's. */
  readonly order: number;
}

type Rules = { readonly [pointer: string]: ArgumentRule };

/** Null and empty are skipped. */
export function argumentLeaves(
  args: JsonObject,
  rules: Rules = {},
  spelt?: readonly string[],
): readonly ArgumentLeaf[] {
  const leaves: ArgumentLeaf[] = [];
  /** A member name is the tool's own word, unless the tool never spelt it, or it leads somewhere: `{ "eve@evil.example": "cc" }`. */
  const isChosen = (name: string): boolean =>
    name !== '' && (spelt ? !spelt.includes(name) : activeTokensIn(name).tokens.length > 0);
  const take = (value: Scalar, pointer: string): void => {
    const found = ruleFor(rules, pointer);
    const role = found?.rule.role ?? 'target';
    const type = found?.rule.type ?? usualType(role, value);
    leaves.push({ pointer, value, role, type, compose: found?.rule.compose ?? null, order: found?.order ?? 0 });
  };
  const visit = (value: JsonValue, pointer: string): void => {
    if (Array.isArray(value)) {
      for (const [i, item] of value.entries()) visit(item as JsonValue, `${pointer}/${i}`);
    } else if (isJsonObject(value)) {
      for (const name of Object.keys(value)) {
        const below = `${pointer}/${pointerStep(name)}`;
        if (pointer !== '' && isChosen(name)) take(name, below);
        visit(value[name]!, below);
      }
    } else if (isScalar(value) && value !== '') take(value, pointer);
  };
  visit(args, '');
  return leaves;
}

/** The closest rule above the leaf; of two equally close ones, the one that spells out more. */
function ruleFor(rules: Rules, pointer: string): { readonly order: number; readonly rule: ArgumentRule } | null {
  const pointers = Object.keys(rules);
  let best = -1;
  for (const [i, candidate] of pointers.entries()) {
    if (pointerCovers(candidate, pointer) && (best < 0 || closeness(candidate) > closeness(pointers[best]!))) best = i;
  }
  return best < 0 ? null : { order: best, rule: rules[pointers[best]!]! };
}

function closeness(pointer: string): number {
  const steps = pointer.split('/').slice(1);
  return steps.length + steps.filter((step) => step !== '*').length / 1000;
}

function usualType(role: Role, value: Scalar): ValueType {
  if (role === 'date') return 'date';
  if (typeof value !== 'number') return 'text';
  return role === 'target' ? 'id' : 'number';
}

/** Arguments at the first level that no rule speaks of, given the tool's own list of them. For `writ validate`. */
export function argumentsWithoutRole(names: readonly string[], rules: Rules = {}): readonly string[] {
  const spoken = new Set(Object.keys(rules).map((pointer) => pointer.split('/')[1]));
  return names
    .map(pointerStep)
    .filter((name) => !spoken.has(name) && !spoken.has('*'))
    .map((name) => `/${name}`);
}
