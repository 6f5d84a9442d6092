// The part of Biscuit's Datalog that capabilities are written in: facts and checks over constants, with comparison, membership
// and prefix. A value is always a term, never text that is put into a sentence: a quotation mark in a tool's name stays one.

import { toHex } from '../../../std/bytes.ts';
import { isoSeconds } from '../../../std/time.ts';

export type Term =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  /** Seconds since 1970, at most `secondsMax`. */
  | { readonly kind: 'date'; readonly value: number }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'bool'; readonly value: boolean }
  /** Of strings, numbers and the like; never of variables or further lists. */
  | { readonly kind: 'set'; readonly values: readonly Term[] }
  | { readonly kind: 'array'; readonly values: readonly Term[] };

export interface Predicate {
  readonly name: string;
  readonly terms: readonly Term[];
}

export type BinaryOperator = 'lessOrEqual' | 'contains' | 'startsWith';

/** In the order of Biscuit's stack machine: operands first. */
export type Operation =
  | { readonly kind: 'value'; readonly term: Term }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator };

export interface Query {
  readonly body: readonly Predicate[];
  readonly expressions: readonly (readonly Operation[])[];
}

/** Holds when one of its queries does: `check if … or …`. */
export interface Check {
  readonly queries: readonly Query[];
}

export interface Block {
  readonly facts: readonly Predicate[];
  readonly checks: readonly Check[];
}

export const text = (value: string): Term => ({ kind: 'string', value });
export const integer = (value: number): Term => ({ kind: 'integer', value });
export const variable = (name: string): Term => ({ kind: 'variable', name });

/** For people: the block as Biscuit's own language has it. Text of others is quoted as JSON quotes it. */
export function datalogText({ facts, checks }: Block): string {
  return [
    ...facts.map(predicateText),
    ...checks.map((check) => `check if ${check.queries.map(queryText).join(' or ')}`),
  ]
    .map((line) => `${line};`)
    .join('\n');
}

function predicateText({ name, terms }: Predicate): string {
  return `${name}(${terms.map(termText).join(', ')})`;
}

function termText(term: Term): string {
  if (term.kind === 'variable') return `$${term.name}`;
  if (term.kind === 'string') return JSON.stringify(term.value);
  if (term.kind === 'date') return isoSeconds(term.value);
  if (term.kind === 'bytes') return `hex:${toHex(term.value)}`;
  if (term.kind === 'integer' || term.kind === 'bool') return String(term.value);
  const inner = term.values.map(termText).join(', ');
  return term.kind === 'set' ? `{${inner}}` : `[${inner}]`;
}

const SPELLED: { readonly [operator in BinaryOperator]: (left: string, right: string) => string } = {
  lessOrEqual: (left, right) => `${left} <= ${right}`,
  contains: (left, right) => `${left}.contains(${right})`,
  startsWith: (left, right) => `${left}.starts_with(${right})`,
};

function queryText({ body, expressions }: Query): string {
  return [...body.map(predicateText), ...expressions.map(expressionText)].join(', ');
}

function expressionText(operations: readonly Operation[]): string {
  const stack: string[] = [];
  for (const operation of operations) {
    if (operation.kind === 'value') stack.push(termText(operation.term));
    else {
      const right = stack.pop() ?? '?';
      stack.push(SPELLED[operation.operator](stack.pop() ?? '?', right));
    }
  }
  return stack.join(' ');
}
