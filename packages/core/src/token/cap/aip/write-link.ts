// A link to the canonical Datalog of its block: facts first, in the draft's order, then the scope check, the time check, and
// Writ's own. What cannot be written so that every reader reads it alike is not written.

import { isSeconds } from '../../../std/time.ts';
import type { Block, Check, Predicate, Query, Term } from '../biscuit/datalog.ts';
import { integer, text, variable } from '../biscuit/datalog.ts';
import { parseAipId } from './id.ts';
import type { AipLink } from './link.ts';
import { isPrefix, isSafeText } from './patterns.ts';
import { writChecks } from './writ-checks.ts';

/** Null when a name, a number or a party does not fit the form. `authority`: the first block. */
export function blockOfLink(link: AipLink, authority: boolean): Block | null {
  const { issuer, delegate, tools, domains, budgetCents, untilSeconds, context, principal, maxDepth } = link;
  const texts = [...(tools ?? []).map(nameOf), ...(domains ?? []), ...(principal === null ? [] : [principal])];
  if (!texts.every((one) => one === '' || isSafeText(one)) || parseAipId(issuer) === null) return null;
  if (authority ? tools === null || tools.length === 0 || maxDepth === null : !isDelegation(link)) return null;
  if (untilSeconds !== null && !isSeconds(untilSeconds)) return null;
  for (const number of [budgetCents, maxDepth])
    if (number !== null && (!Number.isSafeInteger(number) || number < 0)) return null;
  const fact = (name: string, value: string | number | null): Predicate[] =>
    value === null ? [] : [{ name, terms: [typeof value === 'string' ? text(value) : integer(value)] }];
  const facts = authority
    ? [
        ...fact('identity', issuer),
        ...fact('principal', principal),
        ...tools!.flatMap((tool) => fact('right', tool)),
        ...(domains ?? []).flatMap((domain) => fact('domain', domain)),
        ...fact('max_depth', maxDepth),
        ...fact('budget_ceiling', budgetCents),
      ]
    : [
        ...fact('delegator', issuer),
        ...fact('delegate', delegate),
        ...fact('context', context),
        ...(domains ?? []).flatMap((domain) => fact('domain', domain)),
        ...fact('principal', principal),
        ...fact('budget_ceiling', budgetCents),
      ];
  const checks = [
    ...(tools === null ? [] : [toolCheck(tools)]),
    ...(untilSeconds === null ? [] : [timeCheck(untilSeconds)]),
    ...writChecks(link.writ),
  ];
  return { facts, checks };
}

function isDelegation({ delegate, context, maxDepth, tools }: AipLink): boolean {
  if (delegate === null || parseAipId(delegate) === null || maxDepth !== null || tools?.length === 0) return false;
  return context !== null && isSafeText(context);
}

function nameOf(pattern: string): string {
  return isPrefix(pattern) ? pattern.slice(0, -1) : pattern;
}

/** Names in one list first, then prefixes in the order given: one self-contained check (draft §3.2). */
function toolCheck(tools: readonly string[]): Check {
  const asked = [{ name: 'tool', terms: [variable('t')] }];
  const names = tools.filter((tool) => !isPrefix(tool));
  const queries: Query[] = [];
  const query = (left: Term, right: Term, operator: 'contains' | 'startsWith') =>
    queries.push({
      body: asked,
      expressions: [
        [
          { kind: 'value', term: left },
          { kind: 'value', term: right },
          { kind: 'binary', operator },
        ],
      ],
    });
  if (names.length > 0) query({ kind: 'array', values: names.map(text) }, variable('t'), 'contains');
  for (const prefix of tools.filter(isPrefix)) {
    if (prefix === '*') queries.push({ body: asked, expressions: [] });
    else query(variable('t'), text(nameOf(prefix)), 'startsWith');
  }
  return { queries };
}

function timeCheck(untilSeconds: number): Check {
  const date: Term = { kind: 'date', value: untilSeconds };
  const expression = [
    { kind: 'value', term: variable('t') },
    { kind: 'value', term: date },
    { kind: 'binary', operator: 'lessOrEqual' },
  ] as const;
  return { queries: [{ body: [{ name: 'time', terms: [variable('t')] }], expressions: [expression] }] };
}
