// Path templates: read into segments, and put into an order in which the first that fits is the only one that can be meant.

import { NotOffered, type Segment } from './document.ts';

/** RFC 3986 §3.3 without percent-encoding: text that has one spelling only. */
const TEXT = /^[A-Za-z0-9\-._~!$&'()*+,;=:@]*$/;
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** The segments of `/contacts/{id}`. Throws NotOffered for what can be spelled in two ways. */
export function segmentsOf(template: string): readonly Segment[] {
  if (!template.startsWith('/')) throw new NotOffered(`the path \`${template}\` does not begin with a slash`);
  const texts = template.slice(1).split('/');
  return texts.map((text, i) => segmentOf(text, template, i === texts.length - 1));
}

function segmentOf(text: string, template: string, isLast: boolean): Segment {
  const open = text.indexOf('{');
  const close = text.lastIndexOf('}');
  if (open === 0 && close === text.length - 1 && NAME.test(text.slice(1, -1))) {
    return { kind: 'parameter', name: text.slice(1, -1) };
  }
  const literal = open < 0 && close < 0;
  const parts = literal ? [text] : [text.slice(0, open), text.slice(close + 1)];
  const isPlain = parts.every((part) => TEXT.test(part)) && (literal || (open >= 0 && open < close));
  if (!isPlain || (text === '' && !isLast) || text === '.' || text === '..') {
    throw new NotOffered(`the path \`${template}\` has a segment \`${text}\` that cannot be matched exactly`);
  }
  return literal ? { kind: 'text', text } : { kind: 'mixed', prefix: parts[0]!, suffix: parts[1]! };
}

/** OpenAPI: a concrete path is matched before a templated one. */
const WEIGHT = { text: 2, mixed: 1, parameter: 0 } as const;

/** The more exact first. Throws NotOffered where one path could mean two templates of which neither is the more exact. */
export function inOrder<Path extends { readonly segments: readonly Segment[]; readonly template: string }>(
  paths: readonly Path[],
): readonly Path[] {
  for (const [i, one] of paths.entries()) {
    for (const other of paths.slice(i + 1)) {
      if (isAmbiguous(one.segments, other.segments)) {
        throw new NotOffered(`one path could mean both \`${one.template}\` and \`${other.template}\``);
      }
    }
  }
  const weight = ({ segments }: Path): number => segments.reduce((sum, { kind }) => sum + WEIGHT[kind], 0);
  return [...paths].sort((a, b) => weight(b) - weight(a));
}

function isAmbiguous(a: readonly Segment[], b: readonly Segment[]): boolean {
  if (a.length !== b.length || !a.every((segment, i) => canMeet(segment, b[i]!))) return false;
  // Neither takes part in any call, so it does not matter which of the two is meant.
  if ([a, b].every((segments) => segments.some(({ kind }) => kind === 'mixed'))) return false;
  const within = (inner: readonly Segment[], outer: readonly Segment[]) =>
    inner.every((segment, i) => isWithin(segment, outer[i]!));
  return within(a, b) === within(b, a);
}

function canMeet(a: Segment, b: Segment): boolean {
  if (a.kind === 'parameter') return b.kind !== 'text' || b.text !== '';
  if (b.kind === 'parameter') return canMeet(b, a);
  if (a.kind === 'text') return matches(b, a.text);
  if (b.kind === 'text') return matches(a, b.text);
  const [long, short] = a.prefix.length > b.prefix.length ? [a.prefix, b.prefix] : [b.prefix, a.prefix];
  const [longEnd, shortEnd] = a.suffix.length > b.suffix.length ? [a.suffix, b.suffix] : [b.suffix, a.suffix];
  return long.startsWith(short) && longEnd.endsWith(shortEnd);
}

function isWithin(inner: Segment, outer: Segment): boolean {
  if (outer.kind === 'parameter') return true;
  if (inner.kind === 'text') return matches(outer, inner.text);
  return (
    inner.kind === 'mixed' && outer.kind === 'mixed' && inner.prefix === outer.prefix && inner.suffix === outer.suffix
  );
}

function matches(segment: Segment, text: string): boolean {
  if (segment.kind === 'text') return segment.text === text;
  if (segment.kind === 'parameter') return text !== '';
  return text.startsWith(segment.prefix) && text.endsWith(segment.suffix);
}
