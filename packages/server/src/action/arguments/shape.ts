// The form a tool asks of its arguments, as one shape that both the argument check and the Cedar schema are made from.
// It is read from JSON Schema by read-shape.ts; here is only what it is.

import type { JsonValue, Pattern } from '@writ/core';

export type JsonType = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object';

export interface Shape {
  /** Null: any type. */
  readonly types: readonly JsonType[] | null;
  /** `enum` or `const`; null: any value. */
  readonly values: readonly JsonValue[] | null;
  /** Null: the schema does not speak of names here. */
  readonly properties: ReadonlyMap<string, Shape> | null;
  readonly required: readonly string[];
  /** Null: the schema is silent, which closes it (rules §3.6); otherwise what further members must be. */
  readonly additional: Shape | boolean | null;
  readonly propertyNames: Shape | null;
  readonly members: Bounds;
  readonly items: Shape | null;
  readonly prefixItems: readonly Shape[];
  readonly itemCount: Bounds;
  readonly uniqueItems: boolean;
  readonly length: Bounds;
  readonly pattern: Pattern | null;
  readonly number: NumberBounds;
  readonly allOf: readonly Shape[];
  readonly anyOf: readonly Shape[];
  readonly oneOf: readonly Shape[];
  readonly not: Shape | null;
  /** Target of a `$ref`; a function, because schemas may be recursive. */
  readonly ref: (() => Shape) | null;
  /** `false` as a schema. */
  readonly never: boolean;
}

export interface Bounds {
  readonly min: number | null;
  readonly max: number | null;
}

export interface NumberBounds extends Bounds {
  readonly above: number | null;
  readonly below: number | null;
  readonly multipleOf: number | null;
}

const NONE: Bounds = { min: null, max: null };

/** The schema `true`. */
export const ANYTHING: Shape = {
  types: null,
  values: null,
  properties: null,
  required: [],
  additional: null,
  propertyNames: null,
  members: NONE,
  items: null,
  prefixItems: [],
  itemCount: NONE,
  uniqueItems: false,
  length: NONE,
  pattern: null,
  number: { ...NONE, above: null, below: null, multipleOf: null },
  allOf: [],
  anyOf: [],
  oneOf: [],
  not: null,
  ref: null,
  never: false,
};
