// A configuration file as a tree that remembers where everything stands. What the readers make and the rules point into.

export type Node = MapNode | ListNode | TextNode | PlainNode;

interface Span {
  /** Offsets into the text of the file, `end` exclusive; quotes belong to a text. */
  readonly start: number;
  readonly end: number;
}

export interface MapNode extends Span {
  readonly kind: 'map';
  /** In file order. A name that stands twice is here twice: programs differ in which one they take. */
  readonly members: readonly Member[];
}

export interface Member {
  readonly name: string;
  readonly nameStart: number;
  readonly value: Node;
}

export interface ListNode extends Span {
  readonly kind: 'list';
  readonly items: readonly Node[];
}

export interface TextNode extends Span {
  readonly kind: 'text';
  readonly value: string;
}

/** Numbers, booleans, null; dates of TOML as they were written. */
export interface PlainNode extends Span {
  readonly kind: 'plain';
  readonly value: number | boolean | null | string;
}

export type Reading =
  | { readonly ok: true; readonly root: Node }
  | { readonly ok: false; readonly says: string; readonly offset: number };

/** What readers throw at a fault of form, and turn into a `Reading`. */
export class Unreadable extends Error {
  readonly offset: number;
  constructor(says: string, offset: number) {
    super(says);
    this.offset = offset;
  }
}

export function readingOf(read: () => Node): Reading {
  try {
    return { ok: true, root: read() };
  } catch (fault) {
    if (fault instanceof Unreadable) return { ok: false, says: fault.message, offset: fault.offset };
    throw fault;
  }
}

/** The value under a name; the last one where it stands twice. */
export function member(node: Node | null | undefined, name: string): Node | null {
  if (node?.kind !== 'map') return null;
  return node.members.findLast((one) => one.name === name)?.value ?? null;
}

/** All values at a path; `*` is any name. */
export function valuesAt(
  node: Node,
  path: readonly string[],
): readonly { readonly names: string[]; readonly value: Node }[] {
  const [head, ...rest] = path;
  if (head === undefined) return [{ names: [], value: node }];
  if (node.kind !== 'map') return [];
  return node.members
    .filter(({ name }) => head === '*' || name === head)
    .flatMap(({ name, value }) =>
      valuesAt(value, rest).map((found) => ({ names: [name, ...found.names], value: found.value })),
    );
}

export interface Leaf {
  readonly node: TextNode | PlainNode;
  /** Names on the way, list positions as digits. */
  readonly path: readonly string[];
}

export function* leaves(node: Node, path: readonly string[] = []): Generator<Leaf> {
  if (node.kind === 'map') for (const { name, value } of node.members) yield* leaves(value, [...path, name]);
  else if (node.kind === 'list')
    for (const [i, item] of node.items.entries()) yield* leaves(item, [...path, String(i)]);
  else yield { node, path };
}

export function textOf(node: Node | null): string | null {
  return node?.kind === 'text' ? node.value : null;
}

/** Counted from 1, in UTF-16 units, as SARIF and editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export function positionsIn(text: string): (offset: number) => Position {
  const starts = [0];
  for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low]! + 1 };
  };
}
