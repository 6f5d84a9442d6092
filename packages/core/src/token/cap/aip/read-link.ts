// A Biscuit block to a link: exactly the canonical Datalog of draft-prakash-aip-01 §3.4.1, in any order, and Writ's own checks.
// A fact twice, a fact or check of another shape, text that could bend Datalog: refused, so that no reader sees another token.
// A block's tools are read from its check; `right` facts describe and grant nothing.

import type { Block, Check, Operation, Predicate, Term } from '../biscuit/datalog.ts';
import { parseAipId } from './id.ts';
import type { AipLink, WritDimensions } from './link.ts';
import { isSafeText } from './patterns.ts';
import { isWritCheck, readWritCheck } from './writ-checks.ts';

interface Draft {
  readonly texts: Map<string, string>;
  readonly numbers: Map<string, number>;
  readonly domains: string[];
  tools: readonly string[] | null;
  untilSeconds: number | null;
  writ: WritDimensions;
}

const TEXTS = {
  authority: ['identity', 'principal'],
  delegation: ['delegator', 'delegate', 'context', 'principal'],
} as const;
const NUMBERS = { authority: ['max_depth', 'budget_ceiling'], delegation: ['budget_ceiling'] } as const;

/** The link, or what about the block is not canonical, in a few words for the record. */
export function linkOfBlock(block: Block, index: number, signedBy: Uint8Array | null): AipLink | string {
  const kind = index === 0 ? 'authority' : 'delegation';
  const draft: Draft = {
    texts: new Map(),
    numbers: new Map(),
    domains: [],
    tools: null,
    untilSeconds: null,
    writ: {},
  };
  for (const fact of block.facts) {
    const fault = takeFact(fact, kind, draft);
    if (fault !== null) return fault;
  }
  for (const check of block.checks) {
    const fault = takeCheck(check, draft);
    if (fault !== null) return fault;
  }
  const issuer = draft.texts.get(kind === 'authority' ? 'identity' : 'delegator');
  const delegate = draft.texts.get('delegate') ?? null;
  if (issuer === undefined || (kind === 'delegation' && delegate === null)) return 'a party is missing';
  for (const id of delegate === null ? [issuer] : [issuer, delegate])
    if (parseAipId(id) === null) return 'a party is not an AIP identifier';
  return {
    issuer,
    delegate,
    tools: draft.tools,
    domains: draft.domains.length === 0 ? null : draft.domains,
    budgetCents: draft.numbers.get('budget_ceiling') ?? null,
    untilSeconds: draft.untilSeconds,
    context: draft.texts.get('context') ?? null,
    principal: draft.texts.get('principal') ?? null,
    maxDepth: draft.numbers.get('max_depth') ?? null,
    signedBy,
    delegateKey: null,
    writ: draft.writ,
  };
}

function takeFact({ name, terms }: Predicate, kind: keyof typeof TEXTS, draft: Draft): string | null {
  const [term, ...more] = terms;
  if (term === undefined || more.length > 0) return `a fact \`${name.slice(0, 40)}\` of another shape`;
  if ((TEXTS[kind] as readonly string[]).includes(name) && term.kind === 'string') {
    if (draft.texts.has(name)) return `\`${name}\` twice`;
    // Step V5 speaks of a blank context.
    if (name === 'context' ? !isSafeText(`x${term.value}`) : !isSafeText(term.value))
      return `unsafe text in \`${name}\``;
    draft.texts.set(name, term.value);
    return null;
  }
  if ((NUMBERS[kind] as readonly string[]).includes(name) && term.kind === 'integer') {
    if (draft.numbers.has(name)) return `\`${name}\` twice`;
    draft.numbers.set(name, term.value);
    return null;
  }
  const listed = name === 'domain' || (name === 'right' && kind === 'authority');
  if (!listed || term.kind !== 'string') return `a fact \`${name.slice(0, 40)}\` that is not known here`;
  if (!isSafeText(term.value)) return `unsafe text in \`${name}\``;
  if (name === 'domain') draft.domains.push(term.value);
  return null;
}

function takeCheck(check: Check, draft: Draft): string | null {
  const about = check.queries[0]?.body[0]?.name ?? '';
  if (isWritCheck(about)) {
    const dimensions = readWritCheck(check, draft.writ);
    if (typeof dimensions === 'string') return dimensions;
    draft.writ = dimensions;
    return null;
  }
  if (about === 'tool') {
    if (draft.tools !== null) return 'two scope checks';
    draft.tools = toolsOf(check);
    return draft.tools === null ? 'a scope check of another shape' : null;
  }
  if (about !== 'time') return 'a check that is not known here';
  if (draft.untilSeconds !== null) return 'two time checks';
  draft.untilSeconds = untilOf(check);
  return draft.untilSeconds === null ? 'a time check of another shape' : null;
}

/** `check if tool($t), ["a", "b"].contains($t) or tool($t), $t.starts_with("c:") or tool($t)`. */
function toolsOf({ queries }: Check): readonly string[] | null {
  const tools: string[] = [];
  for (const [i, { body, expressions }] of queries.entries()) {
    const asked = onlyVariable(body, 'tool');
    if (asked === null || expressions.length > 1) return null;
    const [expression] = expressions;
    if (expression === undefined) tools.push('*');
    else {
      const found = binary(expression, 'contains', i === 0) ?? binary(expression, 'startsWith', true);
      if (found === null) return null;
      const [left, right, operator] = found;
      if (operator === 'contains') {
        if ((left.kind !== 'array' && left.kind !== 'set') || !isVariable(right, asked)) return null;
        for (const value of left.values) {
          // A star in a list of names is a letter, and reads like a prefix: nobody should have to guess.
          if (value.kind !== 'string' || value.value.endsWith('*') || !isSafeText(value.value)) return null;
          tools.push(value.value);
        }
      } else {
        if (!isVariable(left, asked) || right.kind !== 'string' || !isSafeText(right.value)) return null;
        tools.push(`${right.value}*`);
      }
    }
  }
  return tools;
}

/** `check if time($t), $t <= 2099-01-01T00:00:00Z`. */
function untilOf({ queries }: Check): number | null {
  const [query, ...more] = queries;
  const asked = query && onlyVariable(query.body, 'time');
  if (!query || more.length > 0 || !asked || query.expressions.length !== 1) return null;
  const found = binary(query.expressions[0]!, 'lessOrEqual', true);
  if (!found || !isVariable(found[0], asked) || found[1].kind !== 'date') return null;
  return found[1].value;
}

function onlyVariable(body: readonly Predicate[], name: string): string | null {
  const [predicate, ...more] = body;
  const [term, ...others] = predicate?.terms ?? [];
  if (more.length > 0 || others.length > 0 || predicate?.name !== name || term?.kind !== 'variable') return null;
  return term.name;
}

function isVariable(term: Term, name: string): boolean {
  return term.kind === 'variable' && term.name === name;
}

type Operator = Extract<Operation, { kind: 'binary' }>['operator'];

function binary(operations: readonly Operation[], wanted: Operator, allowed: boolean): [Term, Term, Operator] | null {
  const [left, right, operation, ...more] = operations;
  if (!allowed || more.length > 0 || left?.kind !== 'value' || right?.kind !== 'value') return null;
  if (operation?.kind !== 'binary' || operation.operator !== wanted) return null;
  return [left.term, right.term, wanted];
}
