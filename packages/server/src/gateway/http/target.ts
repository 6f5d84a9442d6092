// Which operation a request means. A path has one reading here: what a proxy, a framework or a file system might read in another
// way (dots, doubled slashes, encoded slashes, what is encoded twice) is no path at all.

import { utf8Text } from '@writ/core';
import type { Api, Layout, Segment } from './api.ts';

/** A request target below the upstream's URL, decoded once. */
export interface Target {
  readonly segments: readonly string[];
  /** In order; names decoded, values as they came. */
  readonly query: readonly { readonly name: string; readonly raw: string }[];
}

export interface Matched {
  readonly layout: Layout;
  /** Decoded, by parameter. */
  readonly inPath: ReadonlyMap<string, string>;
}

const targetCharsMax = 8 * 1024;
const pairsMax = 256;
const SEGMENT = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*$/;
// RFC 3986 §3.4, and the brackets that clients put in names of lists.
const QUERY = /^(?:[A-Za-z0-9\-._~!$'()*+,;:@/?[\]]|%[0-9A-Fa-f]{2})*$/;
// A slash of either kind, an escape inside an escape, or a control character.
const TWO_READINGS = /[/\\\p{Cc}]|%[0-9A-Fa-f]{2}/u;

/** `below` begins where the upstream's URL ends. The sentence is for the caller. */
export function readTarget(below: string): Target | { readonly says: string } {
  if (below.length > targetCharsMax) return { says: 'the request target is too long' };
  const mark = below.indexOf('?');
  const path = mark < 0 ? below : below.slice(0, mark);
  const segments = path === '' ? [] : path.slice(1).split('/').map(segmentIn);
  const last = segments.length - 1;
  if (segments.some((segment, i) => segment === null || (segment === '' && i !== last))) {
    return { says: 'the path can be read in more than one way' };
  }
  const query = mark < 0 ? [] : pairsIn(below.slice(mark + 1));
  if (query === null) return { says: 'the query can be read in more than one way' };
  return { segments: segments as string[], query };
}

function segmentIn(raw: string): string | null {
  const text = SEGMENT.test(raw) ? decoded(raw) : null;
  return text === null || text === '.' || text === '..' || TWO_READINGS.test(text) ? null : text;
}

function pairsIn(raw: string): Target['query'] | null {
  if (raw === '') return [];
  const parts = raw.split('&');
  if (parts.length > pairsMax) return null;
  const pairs = parts.map((part) => {
    const equals = part.indexOf('=');
    const name = queryText(equals < 0 ? part : part.slice(0, equals));
    const value = equals < 0 ? '' : part.slice(equals + 1);
    return name === null || name === '' || queryText(value) === null ? null : { name, raw: value };
  });
  return pairs.some((pair) => pair === null) ? null : (pairs as Target['query']);
}

/** A name or value of a query, decoded once; null when it is not one. A plus is a space, as forms write it. */
export function queryText(raw: string): string | null {
  return QUERY.test(raw.replaceAll('=', '')) ? decoded(raw.replaceAll('+', ' ')) : null;
}

function decoded(raw: string): string | null {
  if (!raw.includes('%')) return raw;
  const bytes: number[] = [];
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] !== '%') {
      bytes.push(raw.charCodeAt(i));
      continue;
    }
    bytes.push(Number.parseInt(raw.slice(i + 1, i + 3), 16));
    i += 2;
  }
  return utf8Text(Uint8Array.from(bytes));
}

/** Null: no operation that is offered. The first path that fits decides, whatever its methods. */
export function match(api: Api, method: string, { segments }: Target): Matched | null {
  const path = api.paths.find(
    (one) => one.segments.length === segments.length && one.segments.every((segment, i) => fits(segment, segments[i]!)),
  );
  const layout = path?.operations.get(method);
  if (!layout) return null;
  const inPath = layout.segments.flatMap((segment, i) =>
    segment.kind === 'parameter' ? [[segment.name, segments[i]!] as const] : [],
  );
  return { layout, inPath: new Map(inPath) };
}

function fits(segment: Segment, text: string): boolean {
  if (segment.kind === 'text') return segment.text === text;
  if (segment.kind === 'parameter') return text !== '';
  return text.startsWith(segment.prefix) && text.endsWith(segment.suffix);
}
