// The newest checkpoint that enough witnesses have cosigned, in a file of its own: the newest of all is often a second too
// young for them. Proofs are made under it where it reaches, and `writ audit verify` starts from it.

import { join } from 'node:path';
import {
  type Engine,
  onlySignaturesOf,
  openCheckpoint,
  proveConsistency,
  type VerifierKey,
  type WitnessPolicy,
  withSignatures,
} from '@writ/core';
import { readIfThere, writeDurably } from './disk.ts';
import type { Published, Publisher } from './publisher.ts';
import type { TileReader } from './tile-reader.ts';
import { startWitnesses, type Witnesses, type WitnessStatus } from './witnesses.ts';

export const witnessedFile = 'checkpoint.witnessed';

export interface WitnessSettings {
  /** Its witnesses with a URL are asked. */
  readonly policy: WitnessPolicy;
  /** A witness is in trouble, in another kind of it, or well again. */
  readonly onChange?: (status: WitnessStatus) => void;
  readonly timeoutMillis?: number;
  readonly retryMillis?: number;
  readonly retryMillisMax?: number;
  readonly fetch?: typeof fetch;
}

export interface Witnessed extends Pick<Witnesses, 'offer' | 'status' | 'close'> {
  /** Null while no checkpoint has its quorum. */
  newest(): Published | null;
}

export interface WitnessedOptions {
  readonly dir: string;
  readonly engine: Engine;
  readonly origin: string;
  readonly keys: readonly VerifierKey[];
  readonly clock: { nowMillis(): number };
  readonly tiles: TileReader;
  readonly publisher: Pick<Publisher, 'addSignatures'>;
  readonly onError: (error: unknown) => void;
}

/** Without settings, none is asked; what earlier runs were given is read all the same. */
export async function openWitnessed(options: WitnessedOptions, settings: WitnessSettings | null): Promise<Witnessed> {
  const { dir, engine, origin, clock, tiles, publisher, onError } = options;
  const path = join(dir, witnessedFile);
  let newest = await readWitnessed(options, path);
  if (!settings) return { offer() {}, status: () => [], newest: () => newest, close: async () => {} };

  async function keep(published: Published, lines: readonly string[]): Promise<void> {
    if (newest && newest.size > published.size) return;
    const note = withSignatures(published.note, lines);
    await writeDurably(path, note);
    newest = { ...published, note };
  }

  const witnesses = startWitnesses({
    ...{ engine, origin, clock, policy: settings.policy },
    prove: (from, to) => proveConsistency(engine, tiles.reader(engine, to), from, to),
    fetch: settings.fetch ?? fetch,
    timeoutMillis: settings.timeoutMillis ?? 10_000,
    retryMillis: settings.retryMillis ?? 1000,
    retryMillisMax: settings.retryMillisMax ?? 60_000,
    onChange: settings.onChange ?? (() => {}),
    async onCosigned({ published, lines, isQuorum }) {
      try {
        await publisher.addSignatures(published.size, lines);
        if (isQuorum) await keep(published, lines);
      } catch (error) {
        onError(error);
      }
    },
  });
  return {
    ...witnesses,
    // Others' signatures would only make the question larger than some witnesses read.
    offer: (published) => witnesses.offer({ ...published, note: onlySignaturesOf(published.note, origin) }),
    newest: () => newest,
  };
}

async function readWitnessed({ engine, keys, origin }: WitnessedOptions, path: string): Promise<Published | null> {
  const note = await readIfThere(path);
  const opened = note && openCheckpoint(engine, note, keys);
  if (!opened?.ok || opened.value.origin !== origin) return null;
  return { size: opened.value.size, root: opened.value.root, note: note! };
}
