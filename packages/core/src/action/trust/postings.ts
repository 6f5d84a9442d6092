// Which fields have a term? For so many different terms; where there are more, a field may have any, so that no output takes a multiple
// of itself in memory, nor a long time to read.

/** Different terms that are told apart. */
export const termsMax = 131_072;

/** Both ascending. */
export interface Posted {
  readonly sure: readonly number[];
  /** Fields that may have it. */
  readonly perhaps: readonly number[];
}

export class Postings<Term extends string | number> {
  readonly #byTerm = new Map<Term, number[]>();
  readonly #unfinished: number[] = [];

  /** Fields come in ascending order. False: no more terms of this field are wanted, it may have any. */
  add(term: Term, field: number): boolean {
    const known = this.#byTerm.get(term);
    if (known !== undefined) append(known, field);
    else if (this.#byTerm.size < termsMax) this.#byTerm.set(term, [field]);
    else {
      append(this.#unfinished, field);
      return false;
    }
    return true;
  }

  of(term: Term): Posted {
    return { sure: this.#byTerm.get(term) ?? [], perhaps: this.#unfinished };
  }
}

function append(fields: number[], field: number): void {
  if (fields.at(-1) !== field) fields.push(field);
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
