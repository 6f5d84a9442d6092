// Which definitions a person has reviewed (rules §3.7). A server describes its tools in words that a model will read, and may
// change them after somebody said yes; so what was reviewed is kept whole, and what is listed now is compared with it.
// Keeping pins is the store's; asking a server for its lists is the gateway's.

import { canonicalJson, isJsonObject, type JsonObject, type JsonValue, pointersOf, valueAt } from '@writ/core';
import { digestOf } from './digest.ts';

/** Everything a server says of itself, as it said it. */
export interface ServerListing {
  readonly instructions: string | null;
  /** Items of `tools/list`, all pages. */
  readonly tools: readonly JsonObject[];
  readonly prompts: readonly JsonObject[];
  readonly resourceTemplates: readonly JsonObject[];
  /** The server has resources at all. */
  readonly resources: boolean;
}

/** What a pin is over: one definition, whole, with the instructions of the server it belongs to. */
export interface PinnedDocument extends JsonObject {
  readonly kind: 'tool' | 'prompt' | 'resources';
  readonly definition: JsonObject;
  readonly instructions: string | null;
}

export interface Pin {
  /** As in scopes (contract §7a): `read_file`, `prompts/NAME`, `resources`. */
  readonly name: string;
  readonly digest: string;
  readonly document: PinnedDocument;
  readonly by: string;
  readonly atSeconds: number;
}

export interface PinStore {
  /** At most one pin per name. */
  get(server: string): Promise<readonly Pin[]>;
  /** Replaces all pins of the server, in one step. */
  put(server: string, pins: readonly Pin[], by: string): Promise<void>;
}

/** One definition that a server lists now. */
export interface Listed {
  readonly name: string;
  readonly digest: string;
  readonly document: PinnedDocument;
}

export interface Listing {
  readonly listed: readonly Listed[];
  /** Definitions that cannot be used, each with the reason. */
  readonly refused: readonly { readonly name: string; readonly says: string }[];
}

/** Each definition under its name, with its digest. A name that comes twice is nobody's. */
export function readListing(server: ServerListing): Listing {
  const { instructions } = server;
  const documents: { name: string; document: PinnedDocument; says: string | null }[] = [
    ...server.tools.map((tool) => named(tool, 'tool', instructions)),
    ...server.prompts.map((prompt) => named(prompt, 'prompt', instructions)),
  ];
  if (server.resources || server.resourceTemplates.length > 0) {
    const definition = { templates: server.resourceTemplates };
    documents.push({ name: 'resources', document: { kind: 'resources', definition, instructions }, says: null });
  }
  const listed: Listed[] = [];
  const refused: { name: string; says: string }[] = [];
  for (const { name, document, says } of documents) {
    const twice = documents.filter((other) => other.name === name).length > 1;
    const digest = digestOrNull(document);
    const fault =
      says ?? (twice ? 'is listed twice' : digest === null ? 'holds text or numbers that JSON cannot carry' : null);
    if (fault !== null) refused.push({ name, says: fault });
    else listed.push({ name, digest: digest!, document });
  }
  return { listed, refused };
}

function named(definition: JsonObject, kind: 'tool' | 'prompt', instructions: string | null) {
  const own = typeof definition.name === 'string' ? definition.name : '';
  const name = kind === 'prompt' ? `prompts/${own}` : own;
  // In a scope these names mean the prompts and resources of the server (contract §7a).
  const taken = kind === 'tool' && (own === 'resources' || own.startsWith('prompts/'));
  const says = own === '' ? 'has no name' : taken ? 'has a name that means something else in a scope' : null;
  return { name, document: { kind, definition, instructions }, says };
}

function digestOrNull(document: PinnedDocument): string | null {
  try {
    return digestOf(document);
  } catch {
    return null;
  }
}

/** What was reviewed, as if it were listed now: for questions that ask no server. */
export function listingOfPins(pins: readonly Pin[]): ServerListing {
  const documents = pins.map(({ document }) => document);
  const definitions = (kind: PinnedDocument['kind']) =>
    documents.filter((document) => document.kind === kind).map(({ definition }) => definition);
  return {
    instructions: documents[0]?.instructions ?? null,
    tools: definitions('tool'),
    prompts: definitions('prompt'),
    resourceTemplates: definitions('resources').flatMap(({ templates }) =>
      (Array.isArray(templates) ? templates : []).filter(isJsonObject),
    ),
    resources: documents.some(({ kind }) => kind === 'resources'),
  };
}

export type ReviewState = 'reviewed' | 'changed' | 'new' | 'gone';

export interface ReviewEntry {
  readonly name: string;
  readonly state: ReviewState;
  readonly digest: string;
  /** What is listed now; for `gone`, what was reviewed. */
  readonly document: PinnedDocument;
  /** Where a changed definition differs from the reviewed one. */
  readonly changes: readonly {
    readonly pointer: string;
    readonly was: JsonValue | null;
    readonly is: JsonValue | null;
  }[];
}

/** What a person is shown before they say yes. */
export interface Review {
  readonly server: string;
  /** Over everything shown: accepting it pins this and nothing that came later. */
  readonly digest: string;
  readonly entries: readonly ReviewEntry[];
  readonly refused: Listing['refused'];
}

function reviewOf(server: string, listing: ServerListing, pins: readonly Pin[]): Review {
  const { listed, refused } = readListing(listing);
  const pinned = new Map(pins.map((pin) => [pin.name, pin]));
  const entries = listed.map((now): ReviewEntry => {
    const pin = pinned.get(now.name);
    if (!pin) return { ...now, state: 'new', changes: [] };
    if (pin.digest === now.digest) return { ...now, state: 'reviewed', changes: [] };
    return { ...now, state: 'changed', changes: changesBetween(pin.document, now.document) };
  });
  const names = new Set(listed.map(({ name }) => name));
  const gone = pins
    .filter(({ name }) => !names.has(name))
    .map(({ name, digest, document }): ReviewEntry => ({ name, digest, document, state: 'gone', changes: [] }));
  const digest = digestOf({ server, listed: listed.map(({ name, digest }) => [name, digest]) });
  return { server, digest, entries: [...entries, ...gone], refused };
}

function changesBetween(was: JsonObject, is: JsonObject): ReviewEntry['changes'] {
  const pointers = new Set([...pointersOf(was), ...pointersOf(is)]);
  return [...pointers]
    .map((pointer) => ({ pointer, was: valueAt(was, pointer) ?? null, is: valueAt(is, pointer) ?? null }))
    .filter((change) => canonicalJson(change.was) !== canonicalJson(change.is));
}

export interface Pins {
  /** All the server lists now. Tells whether anything a person has not reviewed came up or something reviewed went. */
  observe(server: string, listing: ServerListing): Promise<{ readonly settled: boolean }>;
  /**
   * Part of a `tools/list` that passed on its way to a caller. Before the server was listed whole this says nothing,
   * because a definition belongs to the instructions it came with.
   */
  observeTools(server: string, tools: readonly JsonObject[]): Promise<void>;
  /** What the server listed last; null before it was listed whole. */
  listing(server: string): ServerListing | null;
  pins(server: string): Promise<readonly Pin[]>;
  /** Null before the server was listed whole. */
  review(server: string): Promise<Review | null>;
  /** Pins what was shown. `stale`: the server lists something else by now, and nothing was pinned. */
  accept(server: string, digest: string, by: string): Promise<'pinned' | 'stale'>;
}

/** `onChange` is called when what a server lists differs from what it listed before, and after an accepted review. */
export function createPins(ports: {
  readonly store: PinStore;
  readonly clock: { nowSeconds(): number };
  onChange(server: string): void;
}): Pins {
  const { store, clock, onChange } = ports;
  const observed = new Map<string, { readonly listing: ServerListing; readonly text: string }>();

  const note = (server: string, listing: ServerListing): void => {
    const text = JSON.stringify(listing);
    const before = observed.get(server);
    observed.set(server, { listing, text });
    if (before?.text !== text) onChange(server);
  };
  const review = async (server: string): Promise<Review | null> => {
    const now = observed.get(server);
    return now ? reviewOf(server, now.listing, await store.get(server)) : null;
  };

  return {
    async observe(server, listing) {
      note(server, listing);
      const found = await review(server);
      return { settled: found!.entries.every(({ state }) => state === 'reviewed') };
    },
    async observeTools(server, tools) {
      const now = observed.get(server);
      if (!now) return;
      const names = new Set(tools.filter(isJsonObject).map(({ name }) => name));
      note(server, { ...now.listing, tools: [...now.listing.tools.filter(({ name }) => !names.has(name!)), ...tools] });
    },
    listing: (server) => observed.get(server)?.listing ?? null,
    pins: (server) => store.get(server),
    review,
    async accept(server, digest, by) {
      const shown = await review(server);
      if (shown?.digest !== digest) return 'stale';
      const atSeconds = clock.nowSeconds();
      const before = new Map((await store.get(server)).map((pin) => [pin.name, pin]));
      const listed = shown.entries.filter(({ state }) => state !== 'gone');
      await store.put(
        server,
        listed.map(({ name, digest, document, state }) =>
          state === 'reviewed' ? before.get(name)! : { name, digest, document, by, atSeconds },
        ),
        by,
      );
      onChange(server);
      return 'pinned';
    },
  };
}
