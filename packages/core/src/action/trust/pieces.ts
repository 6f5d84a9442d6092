// Do two heaps of text have a piece of a given length in common? The smaller one is cut into all its pieces, the larger one is read past
// them once, so that it takes as long as both together and never their product.

interface Pieces {
  readonly texts: ReadonlySet<string>;
  /** Bits by rolling number: nearly every place that is no piece is passed by without cutting it out. */
  readonly marks: Uint32Array;
}

/** Of the smaller heap at a time; bounds the memory for its pieces. */
const batchChars = 1_000_000;

export function sharePiece(one: readonly string[], other: readonly string[], length: number): boolean {
  const [small, large] = charsOf(one) < charsOf(other) ? [one, other] : [other, one];
  for (const batch of batchesOf(small, length)) if (isIn(large, piecesOf(batch, length), length)) return true;
  return false;
}

function charsOf(texts: readonly string[]): number {
  return texts.reduce((sum, { length }) => sum + length, 0);
}

function* batchesOf(texts: readonly string[], length: number): Generator<readonly string[]> {
  let batch: string[] = [];
  let chars = 0;
  for (const text of texts) {
    // Parts overlap, so that each piece is whole in one of them.
    for (let at = 0; at + length <= text.length; at += batchChars - length + 1) {
      const part = text.slice(at, at + batchChars);
      if (part.length < length) break;
      batch.push(part);
      chars += part.length;
      if (chars < batchChars) continue;
      yield batch;
      [batch, chars] = [[], 0];
    }
  }
  if (batch.length > 0) yield batch;
}

function piecesOf(texts: readonly string[], length: number): Pieces {
  const bits = 2 ** (Math.ceil(Math.log2(charsOf(texts) + 1)) + 4);
  const marks = new Uint32Array(Math.max(1, bits / 32));
  const pieces = new Set<string>();
  for (const text of texts) {
    roll(text, length, (at, number) => {
      const bit = bitOf(number, marks);
      marks[bit >>> 5]! |= 1 << (bit & 31);
      pieces.add(text.slice(at, at + length));
      return false;
    });
  }
  return { texts: pieces, marks };
}

function isIn(texts: readonly string[], pieces: Pieces, length: number): boolean {
  return texts.some((text) =>
    roll(text, length, (at, number) => {
      const bit = bitOf(number, pieces.marks);
      return (pieces.marks[bit >>> 5]! & (1 << (bit & 31))) !== 0 && pieces.texts.has(text.slice(at, at + length));
    }),
  );
}

function bitOf(number: number, marks: Uint32Array): number {
  return (number ^ (number >>> 15)) & (marks.length * 32 - 1);
}

const base = 0x01000193;

/** The number of each piece in turn, made from the one before it; stops at the first that is looked for. */
function roll(text: string, length: number, isIt: (at: number, number: number) => boolean): boolean {
  let leading = 1;
  for (let i = 0; i < length; i++) leading = Math.imul(leading, base);
  let number = 0;
  for (let end = 0; end < text.length; end++) {
    number = (Math.imul(number, base) + text.charCodeAt(end)) | 0;
    if (end >= length) number = (number - Math.imul(text.charCodeAt(end - length), leading)) | 0;
    if (end >= length - 1 && isIt(end - length + 1, number)) return true;
  }
  return false;
}
