// Who holds which credential, and until when (design §5): a lease belongs to one server, one root and one task, names the decision
// that opened it, and is given back when the task ends, when what it was opened for is withdrawn, or when its time is over. What
// has to be given back at its source stands in the store before the source is asked, so that a crash leaves nothing behind.

import { type Chain, type Principal, type Revocations, withdrawnPart } from '@writ/core';
import { CredentialFault, type Held } from './held.ts';

/** In whose name; both null: the plane's own. */
export interface Use {
  readonly root: Principal | null;
  readonly task: string | null;
}

/** A call that was allowed and needs a credential. */
export interface LeaseAsk extends Use {
  readonly decision: string;
  readonly token: { readonly id: string; readonly chain: Chain };
  readonly untilSeconds: number;
}

export interface Lease extends Use {
  readonly id: string;
  readonly server: string;
  readonly decision: string | null;
  /** Scopes that were asked for beyond the first ones, and how often. OAuth only. */
  asked: { readonly scopes: readonly string[]; readonly times: number; readonly sinceSeconds: number } | null;
}

/** Where dynamic credentials come from. */
export interface Source {
  /** True: what it gives is revoked by its handle, also after a restart. */
  readonly durable: boolean;
  take(lease: Lease): Promise<Held>;
  /** The new end; null: it cannot be renewed, and is taken anew. */
  renew(held: Held): Promise<number | null>;
  /** After a restart only the handle is known. */
  giveBack(held: Pick<Held, 'handle'> & Partial<Held>): Promise<void>;
}

/** What is left of a lease in the store. */
export interface LeaseRow {
  readonly id: string;
  readonly server: string;
  readonly task: string | null;
  readonly decision: string | null;
  readonly handle: string | null;
}

export interface LeaseStore {
  opened(row: LeaseRow): Promise<void>;
  taken(id: string, handle: string | null): Promise<void>;
  closed(id: string): Promise<void>;
  open(): Promise<readonly LeaseRow[]>;
}

export interface LeasePorts {
  /** Null: the server's credential is read for every use, and there is nothing to take or give back. */
  sourceOf(server: string): Source | null;
  readonly store: LeaseStore;
  readonly clock: { nowSeconds(): number };
  newId(): string;
  /** A sentence for the operator. */
  say(sentence: string): void;
}

export interface Leases {
  /** The lease that the call will use; nothing is taken yet. */
  open(server: string, ask: LeaseAsk): Lease;
  /** The open lease of that server, root and task; for the plane itself one is made. Null: it ended, or never was. */
  find(server: string, use: Use): Lease | null;
  /** What the lease holds, taken or renewed as needed. Rejects with CredentialFault or WebError. */
  held(lease: Lease): Promise<Held>;
  /** What it holds is no longer good: the next use takes anew. */
  forget(lease: Lease): Promise<void>;
  /** A task that ended is withdrawn too. */
  endWithdrawn(view: Revocations): Promise<void>;
  /** Renews what is about to end and gives back what is over; called now and then. */
  tend(): Promise<void>;
  /** Gives back what a crash left. */
  recover(): Promise<void>;
  /** Gives back everything. */
  close(): Promise<void>;
}

interface Entry extends Lease {
  untilSeconds: number | null;
  readonly tokens: Map<string, LeaseAsk['token']>;
  ended: boolean;
  holding: Promise<Held> | null;
}

/** A credential is not used in its last seconds: it would end under way. */
const skewSeconds = 30;
/** A process keeps what it was given: its lease is renewed well before, whether it is used or not. */
const renewSeconds = 120;
const tokensMax = 64;

export function createLeases(ports: LeasePorts): Leases {
  const { store, clock } = ports;
  const open = new Map<string, Entry>();

  const entryFor = (server: string, { root, task }: Use, decision: string | null): Entry => {
    const key = keyOf(server, { root, task });
    const known = open.get(key);
    if (known) return known;
    const rest = { untilSeconds: null, tokens: new Map(), asked: null, ended: false, holding: null };
    const entry: Entry = { id: ports.newId(), server, root, task, decision, ...rest };
    open.set(key, entry);
    return entry;
  };

  const take = async (entry: Entry, source: Source): Promise<Held> => {
    const { id, server, task, decision } = entry;
    if (source.durable) await store.opened({ id, server, task, decision, handle: null });
    try {
      const held = await source.take(entry);
      if (source.durable) await store.taken(id, held.handle);
      return held;
    } catch (error) {
      if (source.durable) await store.closed(id);
      throw error;
    }
  };

  const giveBack = async (
    source: Source,
    lease: Pick<LeaseRow, 'id' | 'server'>,
    held: Parameters<Source['giveBack']>[0],
  ) => {
    try {
      await source.giveBack(held);
      if (source.durable) await store.closed(lease.id);
    } catch (error) {
      // Its row stays, and the next start tries again.
      ports.say(`the credential of \`${lease.server}\` was not given back: ${(error as Error).message}`);
    }
  };

  const renewed = async (source: Source, entry: Entry, held: Held): Promise<Held> => {
    const expiresSeconds = await source.renew(held).catch(() => null);
    if (expiresSeconds !== null) return { ...held, expiresSeconds };
    const next = await take(entry, source);
    if (held.handle !== null) await source.giveBack(held).catch(() => {});
    return next;
  };

  const due = ({ expiresSeconds }: Held, leadSeconds: number): boolean =>
    expiresSeconds !== null && clock.nowSeconds() >= expiresSeconds - leadSeconds;

  /** Whoever comes while something is taken or renewed waits for the same; what failed is tried anew by the next. */
  const kept = (entry: Entry, holding: Promise<Held>): Promise<Held> => {
    entry.holding = holding;
    holding.catch(() => {
      if (entry.holding === holding) entry.holding = null;
    });
    return holding;
  };

  const current = async (entry: Entry, leadSeconds = skewSeconds): Promise<Held> => {
    const source = ports.sourceOf(entry.server)!;
    const holding = entry.holding ?? kept(entry, take(entry, source));
    const held = await holding;
    if (!due(held, leadSeconds) || entry.ended) return held;
    if (entry.holding === holding) return kept(entry, renewed(source, entry, held));
    return entry.holding ?? kept(entry, take(entry, source));
  };

  const end = async (entry: Entry): Promise<void> => {
    if (entry.ended) return;
    entry.ended = true;
    open.delete(keyOf(entry.server, entry));
    const source = ports.sourceOf(entry.server);
    // What is being taken now is waited for: it must not outlive its task.
    const held = await (entry.holding ?? Promise.resolve(null)).catch(() => null);
    if (source && held) await giveBack(source, entry, held);
  };

  const endWhere = async (which: (entry: Entry) => boolean): Promise<void> => {
    await Promise.all([...open.values()].filter(which).map(end));
  };

  return {
    open(server, ask) {
      const entry = entryFor(server, ask, ask.decision);
      if (entry.task !== null) entry.untilSeconds = Math.max(entry.untilSeconds ?? 0, ask.untilSeconds);
      if (entry.tokens.size < tokensMax) entry.tokens.set(ask.token.id, ask.token);
      return entry;
    },
    find: (server, use) => (use.task === null ? entryFor(server, use, null) : (open.get(keyOf(server, use)) ?? null)),
    async held(lease) {
      const entry = lease as Entry;
      const over = () => new CredentialFault('its lease ended with its task');
      if (entry.ended) throw over();
      const held = await current(entry);
      if (entry.ended) throw over();
      return held;
    },
    async forget(lease) {
      const entry = lease as Entry;
      const held = await (entry.holding ?? Promise.resolve(null)).catch(() => null);
      entry.holding = null;
      const source = ports.sourceOf(entry.server);
      if (source && held) await source.giveBack(held).catch(() => {});
    },
    endWithdrawn: (view) =>
      endWhere((entry) => [...entry.tokens.values()].some((token) => withdrawnPart(token, view) !== null)),
    async tend() {
      const nowSeconds = clock.nowSeconds();
      await endWhere(({ untilSeconds }) => untilSeconds !== null && untilSeconds <= nowSeconds);
      const lasting = [...open.values()].filter(
        ({ server, holding }) => holding !== null && ports.sourceOf(server)?.durable,
      );
      await Promise.allSettled(lasting.map((entry) => current(entry, renewSeconds)));
    },
    async recover() {
      for (const row of await store.open()) {
        const source = ports.sourceOf(row.server);
        if (row.handle === null) {
          ports.say(`a credential of \`${row.server}\` may have been taken right before a crash; it ends by itself`);
          await store.closed(row.id);
        } else if (source?.durable) await giveBack(source, row, row);
        else
          ports.say(
            `the credential \`${row.handle}\` of \`${row.server}\` is still out, and the configuration no longer says where`,
          );
      }
    },
    close: () => endWhere(() => true),
  };
}

/** One text per server, root and task: as JSON, no two of them can be written alike. */
function keyOf(server: string, { root, task }: Use): string {
  return JSON.stringify([server, root?.iss ?? null, root?.sub ?? null, task]);
}
