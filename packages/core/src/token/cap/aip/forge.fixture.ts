// Tokens as an attacker makes them: any Datalog in any block, with real signatures of whatever keys the attacker holds.

import { ed25519KeyOf } from '../../../node/engine.ts';
import { appendBlock, mintBiscuit } from '../biscuit/build.ts';
import type { UnverifiedBiscuit } from '../biscuit/container.ts';
import { type Block, type Check, integer, type Predicate, type Term, text, variable } from '../biscuit/datalog.ts';
import { openSymbols } from '../biscuit/symbols.ts';
import { writeBlock } from '../biscuit/write-block.ts';
import type { SeedSigner } from '../engine.ts';
import { keyNamed } from '../keys.fixture.ts';
import { chainedText, parseChained, readBlocks } from './chained.ts';
import { idOf, untilSeconds } from './links.fixture.ts';

export function fact(name: string, ...values: readonly (string | number | Term)[]): Predicate {
  const term = (value: string | number | Term) =>
    typeof value === 'string' ? text(value) : typeof value === 'number' ? integer(value) : value;
  return { name, terms: values.map(term) };
}

export function toolCheck(...names: readonly string[]): Check {
  const expression = [
    { kind: 'value', term: { kind: 'array', values: names.map(text) } },
    { kind: 'value', term: variable('t') },
    { kind: 'binary', operator: 'contains' },
  ] as const;
  return { queries: [{ body: [fact('tool', variable('t'))], expressions: [expression] }] };
}

export function prefixCheck(...prefixes: readonly string[]): Check {
  const queries = prefixes.map((prefix) => ({
    body: [fact('tool', variable('t'))],
    expressions: [
      [
        { kind: 'value', term: variable('t') },
        { kind: 'value', term: text(prefix) },
        { kind: 'binary', operator: 'startsWith' },
      ] as const,
    ],
  }));
  return { queries };
}

export function timeCheck(seconds: number): Check {
  const expression = [
    { kind: 'value', term: variable('t') },
    { kind: 'value', term: { kind: 'date', value: seconds } },
    { kind: 'binary', operator: 'lessOrEqual' },
  ] as const;
  return { queries: [{ body: [fact('time', variable('t'))], expressions: [expression] }] };
}

export const plainAuthority: Block = {
  facts: [fact('identity', idOf('root')), fact('right', 'tool:search'), fact('max_depth', 3)],
  checks: [toolCheck('tool:search', 'tool:mail'), timeCheck(untilSeconds)],
};

export function plainDelegation(from: string, to: string, over: Partial<Block> = {}): Block {
  return {
    facts: [fact('delegator', idOf(from)), fact('delegate', idOf(to)), fact('context', 'find a flight')],
    checks: [toolCheck('tool:search')],
    ...over,
  };
}

export const plus = (block: Block, over: Partial<Block>): Block => ({
  facts: [...block.facts, ...(over.facts ?? [])],
  checks: [...block.checks, ...(over.checks ?? [])],
});

let fresh = 0;
const next = () => keyNamed(`forged next ${fresh++}`);

/** Signed by `root`, whatever the block says. */
export function forgeAuthority(block: Block, root: SeedSigner = keyNamed('root')): string {
  return chainedText(mintBiscuit(writeBlock(block, openSymbols(), 'chain'), root, next()));
}

/** Appended with nothing but the token in hand, or signed by somebody as a third party. */
export function forgeBlock(token: string, block: Block, third: SeedSigner | null = null): string {
  const parsed = parseChained(token)!;
  if (parsed.proof.kind !== 'secret') throw new Error('a sealed token');
  const symbols = openSymbols();
  if (!third) for (const [i, one] of parsed.blocks.entries()) if (!one.external) rewrite(parsed, i, symbols);
  const payload = writeBlock(block, symbols, third ? 'third' : 'chain');
  return chainedText(appendBlock(parsed, payload, ed25519KeyOf(parsed.proof.seed), next(), third));
}

function rewrite(token: UnverifiedBiscuit, index: number, symbols: ReturnType<typeof openSymbols>): void {
  writeBlock(readBlocks(token)[index]!, symbols, 'chain');
}

/** The token with something about its outer form changed. */
export function tamper(token: string, change: (parsed: UnverifiedBiscuit) => UnverifiedBiscuit): string {
  return chainedText(change(parseChained(token)!));
}
