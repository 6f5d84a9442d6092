// A regular expression as a tree. What RegExp accepts is read here; what cannot be matched in bounded time (look-behind,
// back-references) is refused by name.

export type Test = (char: string) => boolean;
export type Edge = 'start' | 'end' | 'word' | 'inside';

export type Node =
  | { readonly kind: 'char'; readonly test: Test }
  | { readonly kind: 'edge'; readonly edge: Edge }
  | { readonly kind: 'look'; readonly negative: boolean; readonly body: Node }
  | { readonly kind: 'both'; readonly parts: readonly Node[] }
  | { readonly kind: 'either'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly body: Node; readonly min: number; readonly max: number | null };

/** Why a pattern is not used, as the beginning of a sentence. */
export class Unsupported extends Error {}

/** Reads what RegExp has already accepted, so only meaning is at stake here, not syntax. */
export function parse(source: string): Node {
  let at = 0;

  const alternatives = (): Node => {
    const parts = [sequence()];
    while (source[at] === '|') {
      at++;
      parts.push(sequence());
    }
    return parts.length === 1 ? parts[0]! : { kind: 'either', parts };
  };

  const sequence = (): Node => {
    const parts: Node[] = [];
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(quantified(atom()));
    return { kind: 'both', parts };
  };

  const quantified = (body: Node): Node => {
    const found = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/.exec(source.slice(at));
    if (!found) return body;
    at += found[0].length;
    const [, sign, low, comma, high] = found;
    if (sign !== undefined) return { kind: 'repeat', body, min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : null };
    const min = Number(low);
    return { kind: 'repeat', body, min, max: comma === undefined ? min : high === '' ? null : Number(high) };
  };

  const group = (): Node => {
    const head = /^\((?:\?(?::|=|!|<=|<!|<[^>]*>|[a-z-]*:))?/.exec(source.slice(at))![0];
    if (head.startsWith('(?<=') || head.startsWith('(?<!')) throw new Unsupported('look-behind');
    if (/^\(\?[a-z-]+:/.test(head)) throw new Unsupported('a flag group');
    at += head.length;
    const body = alternatives();
    at++;
    return head === '(?=' || head === '(?!' ? { kind: 'look', negative: head === '(?!', body } : body;
  };

  const atom = (): Node => {
    const char = source[at]!;
    if (char === '(') return group();
    if (char === '^' || char === '$') {
      at++;
      return { kind: 'edge', edge: char === '^' ? 'start' : 'end' };
    }
    const text = char === '[' ? classText(source, at) : char === '\\' ? escapeText(source, at) : pointAt(source, at);
    at += text.length;
    if (text === '\\b' || text === '\\B') return { kind: 'edge', edge: text === '\\b' ? 'word' : 'inside' };
    if (/^\\[1-9k]/.test(text)) throw new Unsupported('a back-reference');
    return { kind: 'char', test: charTest(text) };
  };

  return alternatives();
}

/** One character is matched by RegExp itself: no repetition, so nothing to run away. */
function charTest(text: string): Test {
  if (text.length === 1 && !'.[]{}()*+?|^$\\/'.includes(text)) return (char) => char === text;
  const single = new RegExp(`^(?:${text})$`, 'u');
  return (char) => single.test(char);
}

function classText(source: string, start: number): string {
  let at = start + 1;
  while (source[at] !== ']') at += source[at] === '\\' ? 2 : 1;
  return source.slice(start, at + 1);
}

function escapeText(source: string, start: number): string {
  const surrogates = /^\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}/;
  const one =
    /^\\(?:u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\}|k<[^>]*>|[0-9]+|[\s\S])/u;
  const rest = source.slice(start);
  return (surrogates.exec(rest) ?? one.exec(rest))![0];
}

function pointAt(source: string, at: number): string {
  return String.fromCodePoint(source.codePointAt(at)!);
}
