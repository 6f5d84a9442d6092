// Writ's own dimensions in a Biscuit: one check each, over a fact that only a Writ verifier supplies, so that a plain AIP verifier
// refuses what it cannot read (rules §2.13). `check if writ_task(hex:…)`: the constant is canonical JSON (RFC 8785) as bytes, which
// no printer of Datalog can misquote.

import { utf8 } from '../../../std/bytes.ts';
import { canonicalJson, type JsonValue } from '../../../std/json.ts';
import { type Level, type Link, linksMax } from '../../chain.ts';
import { budgetsFrom, detailsFrom, linkFromClaim, linkToClaim } from '../../wc.ts';
import type { Check, Term } from '../biscuit/datalog.ts';
import { canonicalValue } from '../canonical.ts';
import { parseAipId } from './id.ts';
import type { WritDimensions } from './link.ts';

const PREFIX = 'writ_';
/** The authority is a link too. */
const ancestorsMax = linksMax - 1;

type Dimension = keyof WritDimensions;
type Reader = (value: JsonValue) => WritDimensions | null;

const READERS: { readonly [dimension in Dimension]: Reader } = {
  task: (value) => (isText(value) ? { task: value } : null),
  audience: (value) => (isText(value) ? { audience: value } : null),
  holder: (value) => (isText(value) && parseAipId(value) ? { holder: value } : null),
  ceiling: (value) => (isLevel(value) ? { ceiling: value } : null),
  details: (value) => {
    const details = detailsFrom(value);
    return details && { details };
  },
  budget: (value) => {
    const budget = budgetsFrom(value);
    return budget && { budget };
  },
  purpose: (value) => (isText(value) && value.length <= 200 ? { purpose: value } : null),
  row: (value) => (isText(value) ? { row: value } : null),
  ancestors: (value) => {
    if (!Array.isArray(value) || value.length === 0 || value.length > ancestorsMax) return null;
    const links = (value as readonly JsonValue[]).map(linkFromClaim);
    return links.every((link): link is Link => typeof link !== 'string') ? { ancestors: links } : null;
  },
};

export function isWritCheck(predicate: string): boolean {
  return predicate.startsWith(PREFIX);
}

/** The dimensions so far and the one of this check, or what is wrong with it. */
export function readWritCheck(check: Check, before: WritDimensions): WritDimensions | string {
  const constant = constantOf(check);
  if (constant === null) return 'a check of Writ of another shape';
  const name = constant.name.slice(PREFIX.length);
  if (!Object.hasOwn(READERS, name)) return `a restriction \`${name.slice(0, 40)}\` that is not known here`;
  if (Object.hasOwn(before, name)) return `\`${constant.name}\` twice`;
  const value = constant.term.kind === 'bytes' ? canonicalValue(constant.term.value) : undefined;
  const read = value === undefined ? null : READERS[name as Dimension](value);
  return read === null ? `\`${constant.name}\` of another form` : { ...before, ...read };
}

/** The checks of these dimensions, in one order. */
export function writChecks(dimensions: WritDimensions): readonly Check[] {
  return (Object.keys(READERS) as Dimension[])
    .filter((name) => dimensions[name] !== undefined)
    .map((name) => {
      const value = name === 'ancestors' ? dimensions.ancestors!.map(linkToClaim) : dimensions[name];
      const term: Term = { kind: 'bytes', value: utf8(canonicalJson(value as JsonValue)) };
      return { queries: [{ body: [{ name: `${PREFIX}${name}`, terms: [term] }], expressions: [] }] };
    });
}

function constantOf({ queries }: Check): { readonly name: string; readonly term: Term } | null {
  const [query, ...more] = queries;
  const [predicate, ...others] = query?.body ?? [];
  const [term, ...further] = predicate?.terms ?? [];
  if (more.length + others.length + further.length > 0 || query?.expressions.length !== 0) return null;
  return predicate && term ? { name: predicate.name, term } : null;
}

function isText(value: JsonValue): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 2048;
}

function isLevel(value: JsonValue): value is Level {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 4;
}
