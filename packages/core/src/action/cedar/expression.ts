// From an expression in Cedar's JSON policy format to a closure. An expression of a form that is not known here makes the
// whole policy unsupported; there is no nearest guess.

import { CALLS } from './calls.ts';
import { isObject, isTypeName, valueFromJson } from './json.ts';
import { all, both, choice, constant, either, type Node, one, oneInScene, reading, two, twoInScene } from './node.ts';
import { attributeOf, BINARY, BINARY_IN_SCENE, hasPath, isIn, isLike, isOfType, UNARY } from './operators.ts';
import { type PatternElement, patternOf } from './pattern.ts';
import { cedarRecord, cedarSet, type EntityUid, fault, isFault } from './value.ts';

/** What compiling an expression needs beside it. */
export interface Compiling {
  /** By slot name, `?principal` or `?resource`. */
  readonly slots: ReadonlyMap<string, EntityUid>;
  /** Hears what is not supported; the node that comes back then is never run. */
  unsupported(what: string): void;
}

type Members = { readonly [name: string]: unknown };
type To = (json: unknown) => Node;

/** Deeper than any policy a person writes; a chain of `&&` or `||` counts once. */
const depthMax = 500;

export function compileExpression(json: unknown, compiling: Compiling, depth = 0): Node {
  const [operation, ...more] = isObject(json) ? Object.entries(json) : [];
  if (!operation || more.length > 0) return refuse(compiling, 'an expression');
  if (depth > depthMax) return refuse(compiling, 'a deeply nested expression');
  const [operator, operands] = operation;
  const to: To = (operand) => compileExpression(operand, compiling, depth + 1);

  const leaf = LEAVES.get(operator);
  if (leaf) return leaf(operands, compiling) ?? refuse(compiling, `this \`${operator}\``);
  if (Array.isArray(operands)) {
    const call = CALLS.get(operator);
    if (call) return all(operands.map(to), call);
    return operator === 'Set' ? all(operands.map(to), cedarSet) : refuse(compiling, `\`${operator}\``);
  }
  if (!isObject(operands)) return refuse(compiling, `\`${operator}\``);
  const unary = UNARY.get(operator);
  if (unary) return one(to(operands.arg), unary);
  const binary = BINARY.get(operator);
  if (binary) return two(to(operands.left), to(operands.right), binary);
  const inScene = BINARY_IN_SCENE.get(operator);
  if (inScene) return twoInScene(to(operands.left), to(operands.right), inScene);
  return FORMS.get(operator)?.(operands, to) ?? refuse(compiling, `this \`${operator}\``);
}

function refuse(compiling: Compiling, what: string): Node {
  compiling.unsupported(what);
  return constant(fault('unreadable', what));
}

const LEAVES: ReadonlyMap<string, (json: unknown, compiling: Compiling) => Node | null> = new Map([
  ['Value', literal],
  ['Var', variable],
  ['Slot', slot],
]);

function literal(json: unknown): Node | null {
  const value = valueFromJson(json);
  // A number that has lost digits on the way here comes back as a failure too.
  return isFault(value) ? null : constant(value);
}

function variable(name: unknown): Node | null {
  switch (name) {
    case 'principal':
      return reading((scene) => scene.principal);
    case 'action':
      return reading((scene) => scene.action);
    case 'resource':
      return reading((scene) => scene.resource);
    case 'context':
      return reading((scene) => scene.context);
    default:
      return null;
  }
}

function slot(name: unknown, { slots }: Compiling): Node | null {
  const uid = typeof name === 'string' ? slots.get(name) : undefined;
  return uid ? constant(uid) : null;
}

const FORMS: ReadonlyMap<string, (parts: Members, to: To) => Node | null> = new Map([
  ['&&', (parts: Members, to: To) => both(chain('&&', parts).map(to))],
  ['||', (parts: Members, to: To) => either(chain('||', parts).map(to))],
  ['if-then-else', (parts: Members, to: To) => choice(to(parts.if), to(parts.then), to(parts.else))],
  ['Record', record],
  ['.', attribute],
  ['has', has],
  ['like', like],
  ['is', is],
]);

function record(parts: Members, to: To): Node {
  // Cedar keeps a record by name, so of two members that fail the first by name is the one that is told.
  const names = Object.keys(parts).sort(byCodePoint);
  const fields = names.map((name) => to(parts[name]));
  return all(fields, (values) => cedarRecord(new Map(names.map((name, i) => [name, values[i]!]))));
}

/** The order of UTF-8, which is not that of UTF-16. */
function byCodePoint(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  const at = left.findIndex((char, i) => char !== right[i]);
  if (at < 0) return left.length - right.length;
  return (left[at]?.codePointAt(0) ?? -1) - (right[at]?.codePointAt(0) ?? -1);
}

function attribute({ left, attr }: Members, to: To): Node | null {
  if (typeof attr !== 'string') return null;
  const missing = fault('no_attribute', `the attribute \`${attr}\` does not exist`);
  return oneInScene(to(left), (value, scene) => attributeOf(value, attr, missing, scene));
}

function has({ left, attr }: Members, to: To): Node | null {
  const path: readonly unknown[] = Array.isArray(attr) ? attr : [attr];
  if (path.length === 0 || !path.every((name) => typeof name === 'string')) return null;
  return oneInScene(to(left), (value, scene) => hasPath(value, path, scene));
}

function like({ left, pattern }: Members, to: To): Node | null {
  if (!isPattern(pattern)) return null;
  const matches = patternOf(pattern);
  return one(to(left), (value) => isLike(value, matches));
}

function isPattern(json: unknown): json is readonly PatternElement[] {
  return (
    Array.isArray(json) &&
    json.every((element) => element === 'Wildcard' || (isObject(element) && typeof element.Literal === 'string'))
  );
}

function is({ left, entity_type: type, in: group }: Members, to: To): Node | null {
  if (typeof type !== 'string' || !isTypeName(type)) return null;
  const isType = one(to(left), (value) => isOfType(value, type));
  return group === undefined ? isType : both([isType, twoInScene(to(left), to(group), isIn)]);
}

/** A chain of one operator as one list: `a && b && c` nests as deep as it is long. */
function chain(operator: '&&' | '||', { left, right }: Members): readonly unknown[] {
  const operands: unknown[] = [];
  const waiting = [right, left];
  while (waiting.length > 0) {
    const json = waiting.pop();
    const inner = isObject(json) && Object.keys(json).length === 1 ? json[operator] : undefined;
    if (isObject(inner)) waiting.push(inner.right, inner.left);
    else operands.push(json);
  }
  return operands;
}
