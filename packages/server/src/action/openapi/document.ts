// What an OpenAPI document comes to: its paths in the order in which they are tried, and for each operation what has to be known to
// read a request, to rebuild it, and to judge its answer. The gateway asks for the same shape (gateway/http/api.ts).

import type { JsonObject } from '@writ/core';

/** One part of a path template between slashes. `mixed` is partly text, partly parameter: known, so that it is not mistaken. */
export type Segment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'mixed'; readonly prefix: string; readonly suffix: string };

export type Scalar = 'string' | 'integer' | 'number' | 'boolean';

export interface Parameter {
  /** Header names are in lower case. */
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly type: Scalar;
  /** How several values are written: not at all, by repeating the name, or with commas between. */
  readonly list: 'none' | 'repeated' | 'commas';
}

/** What an answer of one status may be. */
export interface Answer {
  /** Media types in lower case, without parameters. */
  readonly types: readonly string[];
  /** Headers beside the content type, in lower case. */
  readonly headers: readonly string[];
}

export interface OperationLayout {
  /** `operationId`. */
  readonly name: string;
  /** Upper case. */
  readonly method: string;
  readonly segments: readonly Segment[];
  readonly parameters: readonly Parameter[];
  /** The one JSON media type that its body may have; null: it takes none. */
  readonly bodyType: string | null;
  /** By `200`, `2XX` or `default`. */
  readonly answers: ReadonlyMap<string, Answer>;
}

/** A path as the document has it. A method without an entry is not offered. */
export interface ApiPath {
  readonly segments: readonly Segment[];
  readonly operations: ReadonlyMap<string, OperationLayout>;
}

export interface ApiDocument {
  /** The first that fits is the one that is meant. */
  readonly paths: readonly ApiPath[];
  /** Definitions, as a tool server would list them: what is pinned. */
  readonly definitions: readonly JsonObject[];
  /** Operations that are not offered, each with the reason. */
  readonly refused: readonly { readonly name: string; readonly says: string }[];
}

/** Cannot be offered, with the reason. */
export class NotOffered extends Error {
  override readonly name = 'NotOffered';
}
