// Which level does each leaf of a tool's output have? The manifest says so by pointer, first match wins; what it does not speak
// of is external (contract §8). Member names count like text unless the manifest itself spells them.

import { isJsonObject, type JsonValue } from '../../std/json.ts';
import { pointerCovers, pointerStep, valueAt } from '../../std/pointer.ts';
import { EXTERNAL, type Level, lower, OUTPUT_MAX } from './levels.ts';
import type { OutputRule } from './manifest.ts';
import { isScalar, type Scalar } from './typed-value.ts';

export interface LabelledLeaf {
  readonly pointer: string;
  readonly value: Scalar;
  /** A member name is text too when somebody could choose it. */
  readonly kind: 'value' | 'key';
  /** Level of the whole field as a handle; null where it is none. */
  readonly handle: Level | null;
  /** Level of what stands in it. */
  readonly text: Level;
  readonly secret: boolean;
}

/** Every leaf that says something, in document order. Null and empty strings say nothing. */
export function labelOutput(rules: readonly OutputRule[], output: JsonValue): readonly LabelledLeaf[] {
  const leaves: LabelledLeaf[] = [];
  const spelt = speltSteps(rules);
  const visit = (value: JsonValue, pointer: string): void => {
    if (Array.isArray(value)) {
      for (const [i, item] of value.entries()) visit(item as JsonValue, `${pointer}/${i}`);
    } else if (isJsonObject(value)) {
      for (const name of Object.keys(value)) {
        const below = `${pointer}/${pointerStep(name)}`;
        if (!spelt.some((one) => pointerCovers(one, below) && isAsDeep(one, below)))
          leaves.push(keyLeaf(rules, output, below, name));
        visit(value[name]!, below);
      }
    } else if (isScalar(value) && value !== '') leaves.push(valueLeaf(rules, output, pointer, value));
  };
  visit(output, '');
  return leaves;
}

function valueLeaf(rules: readonly OutputRule[], output: JsonValue, pointer: string, value: Scalar): LabelledLeaf {
  const rule = ruleAt(rules, output, pointer);
  return {
    pointer,
    value,
    kind: 'value',
    handle: rule?.handle === undefined ? null : lower(rule.handle, OUTPUT_MAX),
    text: lower(rule?.text ?? EXTERNAL, OUTPUT_MAX),
    secret: rule?.secret === true,
  };
}

function keyLeaf(rules: readonly OutputRule[], output: JsonValue, pointer: string, name: string): LabelledLeaf {
  const rule = ruleAt(rules, output, pointer);
  const level = lower(rule?.keys ?? rule?.text ?? EXTERNAL, OUTPUT_MAX);
  return { pointer, value: name, kind: 'key', handle: level, text: level, secret: false };
}

function ruleAt(rules: readonly OutputRule[], output: JsonValue, pointer: string): OutputRule | undefined {
  return rules.find((rule) => pointerCovers(rule.at, pointer) && holds(rule, output, pointer));
}

/** A condition reads a sibling of the place that the rule names; for a rule about whole items, a member of the item. */
function holds({ at, when }: OutputRule, output: JsonValue, pointer: string): boolean {
  if (when === undefined) return true;
  const depth = at.split('/').length - 1;
  const steps = pointer.split('/');
  const around = depth === 0 ? undefined : valueAt(output, steps.slice(0, depth).join('/'));
  const sibling =
    memberOf(around, when.sibling) ?? memberOf(valueAt(output, steps.slice(0, depth + 1).join('/')), when.sibling);
  if (typeof sibling !== 'string') return false;
  if (when.in !== undefined) return when.in.includes(sibling);
  return when.endsWith !== undefined && isOneToken(sibling) && sibling.endsWith(when.endsWith);
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** `evil@x.example, boss@ours.example` ends like one of ours and is not. */
function isOneToken(text: string): boolean {
  return !/[\s,;<>"']/u.test(text) && text.indexOf('@') === text.lastIndexOf('@');
}

// Every place down to a member that a rule names itself: a rule for the `sender` of each item spells `sender`.
function speltSteps(rules: readonly OutputRule[]): readonly string[] {
  return rules.flatMap(({ at }) => {
    const steps = at.split('/').slice(1);
    return steps.flatMap((step, i) => (step === '*' ? [] : [`/${steps.slice(0, i + 1).join('/')}`]));
  });
}

function isAsDeep(pattern: string, pointer: string): boolean {
  return pattern.split('/').length === pointer.split('/').length;
}

/**
 * For a placement that does not see responses (rules §1.6): the lowest level that outputs of this tool may have. Only a rule for
 * everything, without a condition, leaves nothing undescribed.
 */
export function lowestPossible(rules: readonly OutputRule[]): Level {
  if (!rules.some(({ at, when }) => at === '' && when === undefined)) return EXTERNAL;
  const levels = rules.flatMap(({ text, keys }) => [text ?? EXTERNAL, keys ?? text ?? EXTERNAL]);
  return levels.reduce(lower, OUTPUT_MAX);
}
