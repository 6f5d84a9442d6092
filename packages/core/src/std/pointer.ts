// JSON Pointer (RFC 6901) over values, with `*` for one name or index where a caller asks for patterns.

import { isJsonObject, type JsonValue } from './json.ts';

function steps(pointer: string): readonly string[] | null {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) return null;
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

export function pointerStep(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** The value at a pointer, or undefined. */
export function valueAt(value: JsonValue, pointer: string): JsonValue | undefined {
  const path = steps(pointer);
  if (path === null) return undefined;
  let here: JsonValue | undefined = value;
  for (const step of path) {
    if (Array.isArray(here))
      here = /^(0|[1-9]\d*)$/.test(step) ? (here[Number(step)] as JsonValue | undefined) : undefined;
    else if (isJsonObject(here)) here = Object.hasOwn(here, step) ? here[step] : undefined;
    else return undefined;
    if (here === undefined) return undefined;
  }
  return here;
}

/** Every leaf (anything but a non-empty object or array) at or below a pointer; null when nothing is there. */
export function leavesAt(value: JsonValue, pointer: string): readonly JsonValue[] | null {
  const here = valueAt(value, pointer);
  if (here === undefined) return null;
  const leaves: JsonValue[] = [];
  collect(here, '', (leaf) => leaves.push(leaf));
  return leaves;
}

/** Pointers of every leaf, in document order. */
export function pointersOf(value: JsonValue): readonly string[] {
  const pointers: string[] = [];
  if (isJsonObject(value) && Object.keys(value).length === 0) return pointers;
  collect(value, '', (_leaf, pointer) => pointers.push(pointer));
  return pointers;
}

/** Does the pointer name this place or one above it? `*` stands for one step. */
export function pointerCovers(covering: string, pointer: string): boolean {
  const outer = steps(covering);
  const inner = steps(pointer);
  if (outer === null || inner === null || outer.length > inner.length) return false;
  return outer.every((step, i) => step === '*' || step === inner[i]);
}

function collect(value: JsonValue, pointer: string, take: (leaf: JsonValue, pointer: string) => void): void {
  if (Array.isArray(value) && value.length > 0) {
    for (const [i, item] of value.entries()) collect(item as JsonValue, `${pointer}/${i}`, take);
  } else if (isJsonObject(value) && Object.keys(value).length > 0) {
    for (const name of Object.keys(value)) collect(value[name]!, `${pointer}/${pointerStep(name)}`, take);
  } else take(value, pointer);
}
