// A capability for people and programs: what each party of the chain holds, and what was taken away on the way to it.

import { type AuthorizationDetail, type Chain, cap, type Denial, isoSeconds, type Link, parseJws } from '@writ/core';
import { type Terminal, table, visible } from './terminal.ts';

export type Encoding = cap.AipEncoding | 'macaroon' | 'jwt';

/** One party; the shape of a decision's chain (contract §6). */
export interface Row {
  readonly actor: string;
  readonly audience: string | null;
  readonly scopes: readonly string[];
  /** What the one before still had. */
  readonly removed: readonly string[];
  readonly constraints: readonly AuthorizationDetail[];
  readonly expires: string | null;
  readonly budget: readonly { readonly unit: string; readonly max: number }[];
  readonly purpose: string | null;
  /** Who signed it over: `root`, `delegator`, or `possession` when whoever held the bytes could have written it. */
  readonly proof: 'root' | 'delegator' | 'possession';
}

/** What kind of capability the text claims to be; nothing is believed. Null: none that is known. */
export function encodingOf(text: string): Encoding | null {
  if (cap.parseMacaroons(text)) return 'macaroon';
  if (parseJws(text)) return 'jwt';
  const encoding = cap.aipEncodingOf(text);
  if (encoding === 'aip-chained') return cap.parseChained(text) ? encoding : null;
  return text.split('~').every((part) => part.split('.').length === 3) ? encoding : null;
}

/** Rows of AIP links. A JSON link names two parties, of which the issuer comes first. */
export function rowsOfLinks(links: readonly cap.AipLink[]): readonly Row[] {
  const rows: Row[] = [];
  const [first] = links;
  if (first?.delegate) rows.push({ ...rowOf(first, undefined, 'root'), actor: first.issuer });
  for (const [i, link] of links.entries()) {
    const proof = i === 0 ? 'root' : link.signedBy ? 'delegator' : 'possession';
    rows.push(rowOf(link, rows.at(-1), proof));
  }
  return rows;
}

function rowOf(link: cap.AipLink, before: Row | undefined, proof: Row['proof']): Row {
  const scopes = link.tools ?? before?.scopes ?? [];
  const own = [
    ...(link.budgetCents === null ? [] : [{ unit: 'USD cents', max: link.budgetCents }]),
    ...(link.writ.budget ?? []),
  ];
  return {
    actor: cap.holderOf(link),
    audience: link.writ.audience ?? before?.audience ?? null,
    scopes,
    removed: (before?.scopes ?? []).filter((one) => !scopes.includes(one)),
    constraints: link.writ.details ?? before?.constraints ?? [],
    expires: link.untilSeconds === null ? (before?.expires ?? null) : isoSeconds(link.untilSeconds),
    budget: own.length > 0 ? own : (before?.budget ?? []),
    purpose: link.context,
    proof,
  };
}

/** Rows of the chain that a JWT of a plane or a macaroon holds. `own`: links from here on rest on possession. */
export function rowsOfChain(links: readonly Link[], own: number): readonly Row[] {
  return links.map((link, i) => ({
    actor: link.actor.sub,
    audience: link.audience,
    scopes: link.scopes,
    removed: (links[i - 1]?.scopes ?? []).filter((one) => !link.scopes.includes(one)),
    constraints: link.details ?? [],
    expires: isoSeconds(link.untilSeconds),
    budget: link.budget,
    purpose: link.purpose ?? null,
    proof: i >= own ? 'possession' : 'root',
  }));
}

/** The chain of a macaroon with its own conditions applied, checked or not. Null: it is not one of Writ's. */
export function chainInMacaroon(
  root: cap.Macaroon,
): { readonly chain: Chain | Denial /** Links it was minted with. */; readonly minted: number } | null {
  const read = cap.readIdentifier(root.identifier);
  if (!read) return null;
  const conditions = root.caveats.flatMap(({ verificationId, identifier }) => (verificationId ? [] : [identifier]));
  const ids = ['', ...conditions.map((_, i) => String(i))];
  return { chain: cap.applyConditions(read.chain, conditions, ids), minted: read.chain.links.length };
}

/** The links as they stand, checked or not; null where a block cannot be read. */
export function linksIn(text: string): readonly cap.AipLink[] | null {
  if (cap.aipEncodingOf(text) !== 'aip-chained') return cap.readJsonLinks(text);
  const token = cap.parseChained(text);
  const blocks = token && cap.readBlocks(token);
  const links = blocks?.map((block, i) =>
    block ? cap.linkOfBlock(block, i, token!.blocks[i]!.external?.key ?? null) : 'unreadable',
  );
  return links?.every((link): link is cap.AipLink => typeof link !== 'string') ? links : null;
}

export function chainText(rows: readonly Row[], paint: Terminal['paint']): string {
  const lines = rows.flatMap((row, i) => {
    const facts = [
      ['may', row.scopes.join(', ') || 'nothing'],
      ...(row.removed.length > 0 ? [['lost', row.removed.join(', ')]] : []),
      ...row.constraints.map((one) => ['where', JSON.stringify(one.arguments ?? {})]),
      ...(row.audience === null ? [] : [['at', row.audience]]),
      ...row.budget.map(({ unit, max }) => ['up to', `${max} ${unit}`]),
      ...(row.expires === null ? [] : [['until', row.expires]]),
      ...(row.purpose === null ? [] : [['for', row.purpose]]),
      [
        'said by',
        { root: 'the root', delegator: 'its delegator’s key', possession: 'whoever held the token' }[row.proof],
      ],
    ];
    return [
      `${'  '.repeat(i)}${i === 0 ? '' : '└─ '}${paint('bold', visible(row.actor))}`,
      indent(table(facts), i + 1),
    ];
  });
  return lines.join('\n');
}

function indent(text: string, depth: number): string {
  return text.replaceAll(/^/gm, `${'  '.repeat(depth)}${depth > 1 ? '   ' : ''}`);
}
