// The fields of a task, in the order in which they were read. A list never changes for who holds it, and adding to the newest one
// copies nothing: versions share one log, of which each sees its beginning, and one index over it (evidence-index.ts).

import type { Field } from './evidence.ts';
import { EvidenceIndex } from './evidence-index.ts';

interface Log {
  readonly fields: Field[];
  /** Positions of the secret ones. */
  readonly secretsAt: number[];
  readonly index: EvidenceIndex;
}

export class FieldList implements Iterable<Field> {
  static readonly empty = new FieldList(logOf([]), 0, 0);
  readonly length: number;
  readonly secretCount: number;
  readonly #log: Log;

  private constructor(log: Log, length: number, secretCount: number) {
    this.#log = log;
    this.length = length;
    this.secretCount = secretCount;
  }

  with(added: readonly Field[]): FieldList {
    if (added.length === 0) return this;
    // Somebody has already gone on from here, or will from the empty list: then this one begins a log of its own.
    const isNewest = this.length > 0 && this.#log.fields.length === this.length;
    const log = isNewest ? this.#log : logOf([...this]);
    for (const field of added) {
      if (field.secret) log.secretsAt.push(log.fields.length);
      log.fields.push(field);
    }
    return new FieldList(log, log.fields.length, log.secretsAt.length);
  }

  at(position: number): Field | undefined {
    return position < this.length ? this.#log.fields[position] : undefined;
  }

  *[Symbol.iterator](): Generator<Field> {
    for (let i = 0; i < this.length; i++) yield this.#log.fields[i]!;
  }

  secrets(): readonly Field[] {
    return this.#log.secretsAt.slice(0, this.secretCount).map((at) => this.#log.fields[at]!);
  }

  /** May name fields that this list does not reach: who asks stops there. */
  get index(): EvidenceIndex {
    return this.#log.index;
  }
}

function logOf(fields: Field[]): Log {
  const secretsAt = fields.flatMap(({ secret }, at) => (secret ? [at] : []));
  return { fields, secretsAt, index: new EvidenceIndex(fields) };
}
