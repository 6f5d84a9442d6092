// Argument constraints: what must hold of every leaf at a pointer, with exact JSON type. Rules §2.11.
// They read a value as its target does: paths after normalisation, URLs by WHATWG rules, numbers as exact decimals.

import { inCidr } from '../std/cidr.ts';
import { compareDecimal, parseDecimal } from '../std/decimal.ts';
import { canonicalJson, type JsonObject, type JsonValue } from '../std/json.ts';
import { compilePattern } from '../std/pattern.ts';
import { leavesAt, pointerCovers, pointersOf } from '../std/pointer.ts';
import type { Constraint, Detail } from './chain.ts';

/** Does the constraint hold of this one leaf? An unknown or malformed constraint holds of nothing. */
export function constraintHolds(constraint: Constraint, value: JsonValue): boolean {
  const kinds = Object.keys(constraint);
  if (kinds.length !== 1) return false;
  if ('any' in constraint) return constraint.any === true;
  if ('oneOf' in constraint) return constraint.oneOf.some((one) => sameJson(one, value));
  if ('subpath' in constraint) return typeof value === 'string' && isSubpath(value, constraint.subpath);
  if ('urlHost' in constraint) return typeof value === 'string' && hasHost(value, constraint.urlHost);
  if ('cidr' in constraint) return typeof value === 'string' && constraint.cidr.some((block) => inCidr(value, block));
  if ('range' in constraint) return inRange(value, constraint.range);
  if ('matches' in constraint) return typeof value === 'string' && matches(value, constraint.matches);
  return false;
}

/**
 * Null when the entry admits these arguments, else the pointer that broke it.
 * With constraints, an absent argument and one that no pointer covers are not admitted.
 */
export function argumentFault(detail: Detail, args: JsonObject): string | null {
  const constraints = detail.arguments;
  if (constraints === undefined) return null;
  for (const [pointer, constraint] of Object.entries(constraints)) {
    const leaves = leavesAt(args, pointer);
    if (leaves === null) return pointer;
    if (!leaves.every((leaf) => constraintHolds(constraint, leaf))) return pointer;
  }
  const known = Object.keys(constraints);
  return pointersOf(args).find((pointer) => !known.some((covering) => pointerCovers(covering, pointer))) ?? null;
}

/** Is everything `child` admits also admitted by `parent`? False when it cannot be shown. */
export function constraintContained(child: Constraint, parent: Constraint): boolean {
  if ('any' in parent) return true;
  if (sameJson(child as JsonValue, parent as JsonValue)) return true;
  // A finite set is contained exactly when each member is admitted, whatever the parent's kind.
  if ('oneOf' in child) return child.oneOf.every((one) => isLeaf(one) && constraintHolds(parent, one));
  if ('subpath' in child && 'subpath' in parent) {
    return child.subpath.separator === parent.subpath.separator && isSubpath(child.subpath.root, parent.subpath);
  }
  if ('urlHost' in child && 'urlHost' in parent) {
    return child.urlHost.every((host) => parent.urlHost.includes(host));
  }
  if ('range' in child && 'range' in parent) return rangeContained(child.range, parent.range);
  // `cidr` and `matches` narrow by equality only, which was tried above.
  return false;
}

function isLeaf(value: JsonValue): boolean {
  return value === null || typeof value !== 'object';
}

function sameJson(a: JsonValue, b: JsonValue): boolean {
  try {
    return canonicalJson(a) === canonicalJson(b);
  } catch {
    return false; // what canonical JSON cannot carry is equal to nothing
  }
}

/** Lexical: `..` may not climb out, and a relative path has no root to be under. */
function isSubpath(path: string, { root, separator }: { root: string; separator: '/' | '\\' }): boolean {
  const wanted = normalisePath(root, separator);
  const seen = normalisePath(path, separator);
  if (wanted === null || seen === null || wanted.prefix !== seen.prefix) return false;
  return wanted.segments.every((segment, i) => seen.segments[i] === segment);
}

function normalisePath(path: string, separator: '/' | '\\'): { prefix: string; segments: string[] } | null {
  // A NUL ends the path for C libraries and for nobody else.
  if (path.includes('\0')) return null;
  // Windows reads both separators; a POSIX name may hold a backslash.
  const text = separator === '\\' ? path.replaceAll('/', '\\') : path;
  const prefix = separator === '/' ? /^\//.exec(text) : /^[A-Za-z]:\\/.exec(text);
  if (!prefix) return null;
  const segments: string[] = [];
  for (const segment of text.slice(prefix[0].length).split(separator)) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') {
      if (segments.pop() === undefined) return null;
    } else segments.push(segment);
  }
  return { prefix: prefix[0].toUpperCase(), segments };
}

function hasHost(text: string, hosts: readonly string[]): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  // What another parser might take for the host.
  if (url.username !== '' || url.password !== '' || /[\s\\]/.test(text)) return false;
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return false;
  return hosts.includes(url.hostname) || hosts.includes(url.host);
}

function inRange(value: JsonValue, range: { readonly min?: string; readonly max?: string }): boolean {
  if (typeof value !== 'number') return false;
  const seen = parseDecimal(String(value));
  if (seen === null) return false;
  const low = range.min === undefined ? null : parseDecimal(range.min);
  const high = range.max === undefined ? null : parseDecimal(range.max);
  if ((range.min !== undefined && low === null) || (range.max !== undefined && high === null)) return false;
  return (low === null || compareDecimal(seen, low) >= 0) && (high === null || compareDecimal(seen, high) <= 0);
}

function rangeContained(child: { min?: string; max?: string }, parent: { min?: string; max?: string }): boolean {
  const within = (own: string | undefined, outer: string | undefined, sign: 1 | -1): boolean => {
    if (outer === undefined) return true;
    if (own === undefined) return false;
    const a = parseDecimal(own);
    const b = parseDecimal(outer);
    return a !== null && b !== null && compareDecimal(a, b) * sign >= 0;
  };
  return within(child.min, parent.min, 1) && within(child.max, parent.max, -1);
}

/** The whole value. What cannot be decided within bounds does not match. */
function matches(value: string, pattern: string): boolean {
  const compiled = compilePattern(`^(?:${pattern})$`);
  return 'pattern' in compiled && compiled.pattern.test(value) === true;
}
