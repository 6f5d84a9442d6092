// Keeps the generations of one kind of key: makes the first, prepares the next in time, lets the former go. The same for roots and
// for JWT keys; when is ca-life.ts's, where ca-files.ts's.

import type { KeyFile, KeyFiles } from './ca-files.ts';
import { type Generation, type LifePolicy, overOf, signerOf, successorDue } from './ca-life.ts';

export interface Generations<G extends Generation> {
  /** Those that verifiers must know, by number. */
  published(): readonly G[];
  /** Throws when every one has expired. */
  signer(): G;
  /** Raised by every generation that comes and by every one that goes, across restarts. */
  sequence(): number;
  /** Makes a successor now; it signs after the notice, or at once. With `revoke` all others go at once too. */
  rotate(how: Rotation): Promise<void>;
  /** Does what the time asks for. True when something is published, signs or has gone that did not before. */
  maintain(): Promise<boolean>;
}

export interface Rotation {
  /** Without notice: whoever has not fetched the bundle meanwhile refuses what is signed. */
  readonly atOnce: boolean;
  /** Nothing that the former keys signed is valid any more. Implies `atOnce`. */
  readonly revoke: boolean;
}

export interface GenerationsOptions<G extends Generation> {
  readonly files: KeyFiles;
  read(file: KeyFile): Promise<G>;
  /** PEM of a new key. */
  make(times: { readonly nowSeconds: number; readonly ttlSeconds: number }): Promise<string>;
  readonly policy: LifePolicy;
  readonly clock: { nowSeconds(): number };
  /** For names of drafts; never repeats. */
  suffix(): string;
  /** What an operator is told when every key has expired while the plane was away. Null: a new one is made. */
  expired: ((last: G, file: KeyFile) => string) | null;
}

/** Throws a sentence for the operator. */
export async function openGenerations<G extends Generation>(options: GenerationsOptions<G>): Promise<Generations<G>> {
  const { files, policy, clock, suffix } = options;
  let held: readonly G[] = [];
  let highest = 0;
  let signing = 0;

  async function load(): Promise<void> {
    const found = await files.list();
    held = await Promise.all(found.map(options.read));
    highest = Math.max(highest, ...held.map(({ number }) => number));
    const last = held.at(-1);
    if (last && options.expired && signerOf(held, clock.nowSeconds()) === null)
      throw new Error(options.expired(last, found.at(-1)!));
  }

  async function add(number: number, signsFromSeconds: number): Promise<void> {
    const pem = await options.make({ nowSeconds: clock.nowSeconds(), ttlSeconds: policy.ttlSeconds });
    // False: another process was quicker, and its key is the one to load.
    await files.add(number, pem, signsFromSeconds, suffix());
    await load();
  }

  async function remove(gone: readonly G[]): Promise<void> {
    for (const { number } of gone) await files.remove(number);
    if (gone.length > 0) await load();
  }

  let last: Promise<unknown> = Promise.resolve();
  /** Each reads what is held, changes files and reads again: two at once would take one number, or read what just went. */
  function inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = last.then(act);
    last = done.catch(() => {});
    return done;
  }

  function signer(): G {
    const found = signerOf(held, clock.nowSeconds());
    if (found === null) throw new Error('the root of this trust domain has expired and signs nothing more');
    return found;
  }

  await load();
  if (signerOf(held, clock.nowSeconds()) === null) await add(highest + 1, clock.nowSeconds());
  signing = signer().number;
  return {
    published: () => held,
    signer,
    sequence: () => highest + (highest - held.length),
    rotate: ({ atOnce, revoke }) =>
      inTurn(async () => {
        const now = clock.nowSeconds();
        const signsFrom = atOnce || revoke ? now : now + policy.noticeSeconds;
        const waiting = held.filter((one) => one.signsFromSeconds > now);
        const next = waiting.at(-1);
        // A successor that everybody has seen already is better than one that nobody has; a leak may have taken both.
        if (next && !revoke) {
          if (signsFrom < next.signsFromSeconds) await files.reschedule(next.number, signsFrom, suffix());
          await load();
        } else await add(highest + 1, signsFrom);
        if (revoke) await remove(held.filter(({ number }) => number !== highest));
        signing = signer().number;
      }),
    maintain: () =>
      inTurn(async () => {
        const now = clock.nowSeconds();
        const before = `${highest} ${held.length} ${signing}`;
        const due = successorDue(held, policy, now);
        if (due !== null) await add(highest + 1, due);
        await remove(overOf(held, policy, now));
        signing = signer().number;
        return `${highest} ${held.length} ${signing}` !== before;
      }),
  };
}
