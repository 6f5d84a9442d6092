// Which fields have a term? Exact for the first terms; whoever writes many different ones gets them in coarse buckets, so that no
// output takes a multiple of itself in memory.

/** Different terms that are told apart. */
export const termsMax = 65_536;
const bucketsMax = 4096;

export interface Posted {
  /** Ascending. */
  readonly fields: readonly number[];
  /** False: only fields that may have it. */
  readonly isSure: boolean;
}

const none: Posted = { fields: [], isSure: true };

export class Postings<Term extends string | number> {
  readonly #exact = new Map<Term, number[]>();
  readonly #coarse = new Map<number, number[]>();

  /** Fields come in ascending order. */
  add(term: Term, field: number): void {
    const known = this.#exact.get(term);
    if (known !== undefined) append(known, field);
    else if (this.#exact.size < termsMax) this.#exact.set(term, [field]);
    else {
      const bucket = bucketOf(term);
      const shared = this.#coarse.get(bucket);
      if (shared === undefined) this.#coarse.set(bucket, [field]);
      else append(shared, field);
    }
  }

  of(term: Term): Posted {
    const known = this.#exact.get(term);
    if (known !== undefined) return { fields: known, isSure: true };
    const shared = this.#coarse.get(bucketOf(term));
    return shared === undefined ? none : { fields: shared, isSure: false };
  }
}

function append(fields: number[], field: number): void {
  if (fields.at(-1) !== field) fields.push(field);
}

function bucketOf(term: string | number): number {
  if (typeof term === 'number') return term % bucketsMax;
  let hash = 0;
  for (let i = Math.max(0, term.length - 64); i < term.length; i++)
    hash = (Math.imul(hash, 31) + term.charCodeAt(i)) | 0;
  return (hash >>> 0) % bucketsMax;
}

/** Of ascending lists; the shortest decides how long it takes. */
export function inAll(lists: readonly (readonly number[])[]): readonly number[] {
  const [shortest, ...others] = lists.toSorted((a, b) => a.length - b.length);
  return others.reduce((left, other) => left.filter((field) => has(other, field)), shortest ?? []);
}

function has(ascending: readonly number[], wanted: number): boolean {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return ascending[low] === wanted;
}
