// Do these arguments have the form that the tool's definition asks for? JSON Schema, with one rule of Writ's own: a name
// the definition does not know is refused unless the definition itself says that more may come (rules §3.6).

import {
  type ArgumentFault,
  canonicalJson,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseDecimal,
  patternTextCharsMax,
  pointerStep,
} from '@writ/core';
import type { Bounds, JsonType, Shape } from './shape.ts';

/** Nested alternatives multiply, and references may lead back; past these the arguments are refused rather than weighed. */
const stepsMax = 100_000;
const depthMax = 500;

/** Null when the arguments fit. Deterministic and bounded. */
export function argumentsFault(shape: Shape, args: JsonObject): ArgumentFault | null {
  return checkPlace(shape, args, '', { steps: 0, depth: 0 }, true);
}

interface Work {
  steps: number;
  depth: number;
}

/** All a schema says of one place in the value, and the closing of names, which looks through every alternative. */
function checkPlace(shape: Shape, value: JsonValue, pointer: string, work: Work, top = false): ArgumentFault | null {
  if (isJsonObject(value)) {
    const known = namesOf(shape);
    if (!known.open && (top || known.spoken)) {
      const stranger = Object.keys(value).find((name) => !known.names.has(name));
      if (stranger !== undefined) return unknown(pointer, stranger, known.names);
    }
  }
  return check(shape, value, pointer, work);
}

function check(shape: Shape, value: JsonValue, pointer: string, work: Work): ArgumentFault | null {
  if (++work.steps > stepsMax || work.depth >= depthMax) {
    work.steps = Number.POSITIVE_INFINITY;
    return invalid(pointer, 'arguments that are simpler to check');
  }
  work.depth++;
  const fault = faultOf(shape, value, pointer, work);
  work.depth--;
  return fault;
}

function faultOf(shape: Shape, value: JsonValue, pointer: string, work: Work): ArgumentFault | null {
  if (shape.never) return invalid(pointer, 'nothing here');
  if (shape.types && !shape.types.some((type) => isOfType(value, type))) {
    return invalid(pointer, shape.types.map((type) => TYPE_WORDS[type]).join(' or '));
  }
  if (shape.values && !shape.values.some((one) => sameJson(one, value))) return invalid(pointer, oneOf(shape.values));
  return (
    checkKind(shape, value, pointer, work) ??
    (shape.ref ? check(shape.ref(), value, pointer, work) : null) ??
    checkAlternatives(shape, value, pointer, work)
  );
}

function checkKind(shape: Shape, value: JsonValue, pointer: string, work: Work): ArgumentFault | null {
  if (typeof value === 'string') return checkText(shape, value, pointer, work);
  if (typeof value === 'number') return checkNumber(shape, value, pointer);
  if (Array.isArray(value)) return checkList(shape, value as readonly JsonValue[], pointer, work);
  return isJsonObject(value) ? checkObject(shape, value, pointer, work) : null;
}

function checkText({ length, pattern }: Shape, value: string, pointer: string, work: Work): ArgumentFault | null {
  if ((length.min !== null || length.max !== null) && !within(characters(value), length)) {
    return invalid(pointer, `text of ${rangeWords(length)} characters`);
  }
  const matches = pattern?.test(value);
  if (matches === null) {
    // Undecided: refused as a whole, or a `not` around it would turn it into a yes.
    work.steps = Number.POSITIVE_INFINITY;
    return invalid(pointer, `text of at most ${patternTextCharsMax} characters that is simple to check`);
  }
  return matches === false ? invalid(pointer, `text that matches ${pattern!.source}`) : null;
}

/** JSON Schema counts characters, not UTF-16 units. */
function characters(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i += text.codePointAt(i)! > 0xffff ? 2 : 1) count++;
  return count;
}

function checkNumber({ number }: Shape, value: number, pointer: string): ArgumentFault | null {
  if (!within(value, number)) return invalid(pointer, `a number ${rangeWords(number)}`);
  if (number.above !== null && value <= number.above) return invalid(pointer, `a number above ${number.above}`);
  if (number.below !== null && value >= number.below) return invalid(pointer, `a number below ${number.below}`);
  if (number.multipleOf === null || isMultiple(value, number.multipleOf)) return null;
  return invalid(pointer, `a multiple of ${number.multipleOf}`);
}

function checkList(shape: Shape, items: readonly JsonValue[], pointer: string, work: Work): ArgumentFault | null {
  if (!within(items.length, shape.itemCount)) return invalid(pointer, `${rangeWords(shape.itemCount)} items`);
  if (shape.uniqueItems && new Set(items.map(textOf)).size !== items.length)
    return invalid(pointer, 'items that differ');
  for (const [i, item] of items.entries()) {
    const own = shape.prefixItems[i] ?? shape.items;
    const fault = own && checkPlace(own, item, `${pointer}/${i}`, work);
    if (fault) return fault;
  }
  return null;
}

function checkObject(shape: Shape, object: JsonObject, pointer: string, work: Work): ArgumentFault | null {
  const names = Object.keys(object);
  const missing = shape.required.find((name) => !Object.hasOwn(object, name));
  if (missing !== undefined) return invalid(`${pointer}/${pointerStep(missing)}`, 'a value');
  if (!within(names.length, shape.members)) return invalid(pointer, `${rangeWords(shape.members)} members`);
  for (const name of names) {
    const at = `${pointer}/${pointerStep(name)}`;
    if (shape.propertyNames && check(shape.propertyNames, name, at, work)) return invalid(at, 'another name');
    const own = shape.properties?.get(name);
    if (!own && shape.additional === false) return unknown(pointer, name, new Set(shape.properties?.keys()));
    const further = typeof shape.additional === 'object' ? shape.additional : null;
    const form = own ?? further;
    const fault = form && checkPlace(form, object[name]!, at, work);
    if (fault) return fault;
  }
  return null;
}

function checkAlternatives(shape: Shape, value: JsonValue, pointer: string, work: Work): ArgumentFault | null {
  const fits = (one: Shape): boolean => check(one, value, pointer, work) === null;
  for (const one of shape.allOf) {
    const fault = check(one, value, pointer, work);
    if (fault) return fault;
  }
  if (shape.anyOf.length > 0 && !shape.anyOf.some(fits)) return invalid(pointer, `one of ${shape.anyOf.length} forms`);
  if (shape.oneOf.length > 0 && shape.oneOf.filter(fits).length !== 1) {
    return invalid(pointer, `exactly one of ${shape.oneOf.length} forms`);
  }
  if (shape.not && fits(shape.not)) return invalid(pointer, 'another value');
  // Out of steps, "does not fit" above may have meant "was not looked at".
  return work.steps > stepsMax ? invalid(pointer, 'arguments that are simpler to check') : null;
}

interface Names {
  readonly names: ReadonlySet<string>;
  /** The definition says that members of any name may come. */
  readonly open: boolean;
  /** It speaks of names at all; an object it does not describe is free-form below the top. */
  readonly spoken: boolean;
}

const namesByShape = new WeakMap<Shape, Names>();

function namesOf(shape: Shape): Names {
  const cached = namesByShape.get(shape);
  if (cached) return cached;
  const names = new Set<string>();
  const seen = new Set<Shape>();
  let open = false;
  let spoken = false;
  const visit = (one: Shape): void => {
    if (seen.has(one)) return;
    seen.add(one);
    for (const name of one.properties?.keys() ?? []) names.add(name);
    for (const name of one.required) names.add(name);
    spoken ||= one.properties !== null || one.required.length > 0 || one.additional === false;
    open ||= one.additional === true || (typeof one.additional === 'object' && one.additional !== null);
    for (const other of [...one.allOf, ...one.anyOf, ...one.oneOf]) visit(other);
    if (one.ref) visit(one.ref());
  };
  visit(shape);
  const found = { names, open, spoken };
  namesByShape.set(shape, found);
  return found;
}

const TYPE_WORDS: { readonly [type in JsonType]: string } = {
  null: 'null',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  string: 'text',
  array: 'a list',
  object: 'an object',
};

function isOfType(value: JsonValue, type: JsonType): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isJsonObject(value);
  if (type === 'integer') return typeof value === 'number' && Number.isInteger(value);
  return typeof value === type;
}

/** Canonical text, or a text of its own kind for what has none: equal to nothing but itself. */
function textOf(value: JsonValue): string {
  try {
    return canonicalJson(value);
  } catch {
    return `?${String(value)}`;
  }
}

function sameJson(a: JsonValue, b: JsonValue): boolean {
  return textOf(a) === textOf(b);
}

/** Exact: 0.3 is a multiple of 0.1, which binary floats deny. */
function isMultiple(value: number, of: number): boolean {
  const a = parseDecimal(String(value));
  const b = parseDecimal(String(of));
  if (!a || !b) return false;
  const scale = Math.max(a.scale, b.scale);
  return (a.digits * 10n ** BigInt(scale - a.scale)) % (b.digits * 10n ** BigInt(scale - b.scale)) === 0n;
}

function within(value: number, { min, max }: Bounds): boolean {
  return (min === null || value >= min) && (max === null || value <= max);
}

function rangeWords({ min, max }: Bounds): string {
  if (min === null) return `at most ${max}`;
  return max === null ? `at least ${min}` : `${min} to ${max}`;
}

function oneOf(values: readonly JsonValue[]): string {
  const shown = values.slice(0, 8).map((value) => `\`${textOf(value)}\``);
  return `${values.length === 1 ? '' : 'one of '}${shown.join(', ')}${values.length > shown.length ? ', …' : ''}`;
}

function invalid(pointer: string, expected: string): ArgumentFault {
  return { code: 'action.argument_invalid', pointer, expected };
}

function unknown(pointer: string, name: string, names: ReadonlySet<string>): ArgumentFault {
  const expected = names.size === 0 ? 'no argument' : oneOf([...names]);
  return { code: 'action.argument_unknown', pointer: `${pointer}/${pointerStep(name)}`, expected };
}
