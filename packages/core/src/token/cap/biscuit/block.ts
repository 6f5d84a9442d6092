// A block's bytes to facts and checks, and back. Whatever is not made of the pieces in datalog.ts (rules, scopes, closures,
// maps, other operators) is refused: a restriction that cannot be understood is not a restriction that can be kept. Rules §2.1.
// Source: schema.proto of eclipse-biscuit/biscuit, messages Block, PredicateV2, TermV2, CheckV2, ExpressionV2.

import { utf8Text } from '../../../std/bytes.ts';
import { isSeconds } from '../../../std/time.ts';
import type { BinaryOperator, Block, Check, Operation, Predicate, Query, Term } from './datalog.ts';
import { readStrict, type Shape } from './strict-message.ts';
import type { SymbolTable } from './symbols.ts';

const BLOCK: Shape = { 1: 'messages', 3: 'varint', 4: 'messages', 6: 'messages' };
const FACT: Shape = { 1: 'bytes' };
const PREDICATE: Shape = { 1: 'varint', 2: 'messages' };
const TERM: Shape = {
  1: 'varint',
  2: 'varint',
  3: 'varint',
  4: 'varint',
  5: 'bytes',
  6: 'varint',
  7: 'bytes',
  9: 'bytes',
};
const TERM_LIST: Shape = { 1: 'messages' };
const CHECK: Shape = { 1: 'messages' };
const RULE: Shape = { 1: 'bytes', 2: 'messages', 3: 'messages' };
const EXPRESSION: Shape = { 1: 'messages' };
const OPERATION: Shape = { 1: 'bytes', 3: 'bytes' };
const BINARY: Shape = { 1: 'varint' };

export const OPERATORS = { lessOrEqual: 2, contains: 5, startsWith: 6 } as const satisfies {
  readonly [operator in BinaryOperator]: number;
};
const operatorOf: ReadonlyMap<number, BinaryOperator> = new Map(
  Object.entries(OPERATORS).map(([name, code]) => [code, name as BinaryOperator]),
);

/**
 * Versions of the block format: 3 is the first of Biscuit v2. The reference writes 3 for all that is read here, arrays included, and 5 for a
 * block that a third party signs, which nobody accepts below that. */
export const BLOCK_VERSION = { first: 3, thirdParty: 5, last: 6 } as const;

const symbolCharsMax = 4096;
const piecesMax = 128;

class Unreadable extends Error {}

/** Null when the bytes are malformed or hold anything this reader does not know. Adds the block's strings to `symbols`. */
export function readBlock(payload: Uint8Array, symbols: SymbolTable, signer: 'chain' | 'third'): Block | null {
  try {
    return read(payload, symbols, signer === 'third' ? BLOCK_VERSION.thirdParty : BLOCK_VERSION.first);
  } catch (error) {
    if (error instanceof Unreadable) return null;
    throw error;
  }
}

function needed<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Unreadable();
  return value;
}

function bounded<T>(list: readonly T[]): readonly T[] {
  if (list.length > piecesMax) throw new Unreadable();
  return list;
}

function read(payload: Uint8Array, symbols: SymbolTable, versionMin: number): Block {
  const fields = needed(readStrict(payload, BLOCK));
  const texts = bounded(fields.list(1)).map((bytes) => {
    const text = needed(utf8Text(bytes));
    return text.length <= symbolCharsMax ? text : needed<string>(null);
  });
  if (!symbols.add(texts)) throw new Unreadable();
  const version = needed(fields.int(3));
  if (version < versionMin || version > BLOCK_VERSION.last) throw new Unreadable();
  const facts = bounded(fields.list(4)).map((bytes) =>
    readPredicate(needed(needed(readStrict(bytes, FACT)).bytes(1)), symbols),
  );
  const checks = bounded(fields.list(6)).map((bytes) => readCheck(bytes, symbols));
  return { facts, checks };
}

function textOf(index: number | undefined, symbols: SymbolTable): string {
  return needed(symbols.textOf(needed(index)));
}

function readPredicate(bytes: Uint8Array, symbols: SymbolTable): Predicate {
  const fields = needed(readStrict(bytes, PREDICATE));
  return {
    name: textOf(fields.int(1), symbols),
    terms: bounded(fields.list(2)).map((term) => readTerm(term, symbols, true)),
  };
}

function readTerm(bytes: Uint8Array, symbols: SymbolTable, listed: boolean): Term {
  const fields = needed(readStrict(bytes, TERM));
  const present = [1, 2, 3, 4, 6].filter((number) => fields.int(number) !== undefined);
  const blobs = [5, 7, 9].filter((number) => fields.bytes(number) !== undefined);
  if (present.length + blobs.length !== 1) throw new Unreadable();
  if (blobs[0] === 5) return { kind: 'bytes', value: fields.bytes(5)! };
  if (blobs[0] !== undefined) {
    if (!listed) throw new Unreadable();
    const items = bounded(needed(readStrict(fields.bytes(blobs[0])!, TERM_LIST)).list(1));
    const values = items.map((item) => readTerm(item, symbols, false));
    if (values.some((value) => value.kind === 'variable')) throw new Unreadable();
    return { kind: blobs[0] === 7 ? 'set' : 'array', values };
  }
  const [number] = present;
  const value = fields.int(number!)!;
  if (number === 2) return { kind: 'integer', value };
  if (value < 0) throw new Unreadable();
  if (number === 1) return { kind: 'variable', name: textOf(value, symbols) };
  if (number === 3) return { kind: 'string', value: textOf(value, symbols) };
  if (number === 4) return isSeconds(value) ? { kind: 'date', value } : needed<Term>(null);
  if (value > 1) throw new Unreadable();
  return { kind: 'bool', value: value === 1 };
}

function readCheck(bytes: Uint8Array, symbols: SymbolTable): Check {
  const queries = bounded(needed(readStrict(bytes, CHECK)).list(1)).map((query) => readQuery(query, symbols));
  return queries.length > 0 ? { queries } : needed<Check>(null);
}

function readQuery(bytes: Uint8Array, symbols: SymbolTable): Query {
  const fields = needed(readStrict(bytes, RULE));
  const head = readPredicate(needed(fields.bytes(1)), symbols);
  // The head of a check is a name without meaning; every writer puts `query()` there.
  if (head.name !== 'query' || head.terms.length > 0) throw new Unreadable();
  return {
    body: bounded(fields.list(2)).map((predicate) => readPredicate(predicate, symbols)),
    expressions: bounded(fields.list(3)).map((expression) =>
      bounded(needed(readStrict(expression, EXPRESSION)).list(1)).map((op) => readOperation(op, symbols)),
    ),
  };
}

function readOperation(bytes: Uint8Array, symbols: SymbolTable): Operation {
  const fields = needed(readStrict(bytes, OPERATION));
  const value = fields.bytes(1);
  const binary = fields.bytes(3);
  if ((value === undefined) === (binary === undefined)) throw new Unreadable();
  if (value !== undefined) return { kind: 'value', term: readTerm(value, symbols, true) };
  const code = needed(needed(readStrict(binary!, BINARY)).int(1));
  return { kind: 'binary', operator: needed(operatorOf.get(code)) };
}
