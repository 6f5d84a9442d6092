// What the gateway has to know of an HTTP upstream: its operations, as its OpenAPI document has them. Read in the action room;
// connected by main.

/** One part of a path template between slashes. `mixed` is partly text, partly parameter: known, so that it is not mistaken. */
export type Segment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'mixed'; readonly prefix: string; readonly suffix: string };

export interface Parameter {
  /** Header names are in lower case. */
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly type: 'string' | 'integer' | 'number' | 'boolean';
  /** How several values are written: not at all, by repeating the name, or with commas between. */
  readonly list: 'none' | 'repeated' | 'commas';
}

export interface Layout {
  readonly name: string;
  readonly method: string;
  readonly segments: readonly Segment[];
  readonly parameters: readonly Parameter[];
  /** The one JSON media type its body may have; null: it takes none. */
  readonly bodyType: string | null;
  /** By `200`, `2XX` or `default`. */
  readonly answers: ReadonlyMap<string, { readonly types: readonly string[]; readonly headers: readonly string[] }>;
}

export interface Api {
  /** The first path that fits is the one that is meant. */
  readonly paths: readonly {
    readonly segments: readonly Segment[];
    readonly operations: ReadonlyMap<string, Layout>;
  }[];
}
