// Asking witnesses to cosign, beside the log and never in its way: appends and checkpoints do not wait for them. Each round
// asks all that are free about one and the same checkpoint, because a quorum has to sign one; the next takes the newest.

import { isQuorum, type NoteSignature, type PolicyWitness, type WitnessPolicy } from '@writ/core';
import type { Published } from './publisher.ts';
import { askWitness, type WitnessPorts, type WitnessTrouble } from './witness-desk.ts';

export interface WitnessStatus {
  readonly name: string;
  readonly url: string;
  /** Records under the newest checkpoint that it has cosigned; null for none since the start. */
  readonly size: number | null;
  /** Null while all is well. */
  readonly trouble: WitnessTrouble | null;
  /** One sentence for the operator that names the witness. */
  readonly says: string | null;
}

export interface Cosigned {
  readonly published: Published;
  /** Signature lines for its note, one per witness. */
  readonly lines: readonly string[];
  /** Enough of them, by the policy. */
  readonly isQuorum: boolean;
}

export interface Witnesses {
  /** There is a newer checkpoint. */
  offer(published: Published): void;
  status(): readonly WitnessStatus[];
  /** Abandons what is under way. */
  close(): Promise<void>;
}

export interface WitnessesOptions extends WitnessPorts {
  readonly policy: WitnessPolicy;
  readonly clock: { nowMillis(): number };
  /** After a failure, doubled with each further one up to `retryMillisMax`. */
  readonly retryMillis: number;
  readonly retryMillisMax: number;
  /** A checkpoint has one more signature. Called in order, one at a time; must not reject. */
  readonly onCosigned: (cosigned: Cosigned) => Promise<void>;
  /** A witness is in trouble, in another kind of it, or well again. */
  readonly onChange: (status: WitnessStatus) => void;
}

interface Desk {
  readonly witness: PolicyWitness;
  size: number | null;
  /** What the next question takes for the size it has cosigned. */
  knownSize: number;
  trouble: WitnessTrouble | null;
  says: string | null;
  failures: number;
  freeAtMillis: number;
  busy: Promise<void> | null;
}

export function startWitnesses(options: WitnessesOptions): Witnesses {
  const { policy, clock, onChange } = options;
  const desks = policy.witnesses.filter(({ url }) => url !== null).map(newDesk);
  const collected = collector(options);
  const stopped = new AbortController();
  let newest: Published | null = null;
  let rounds: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;

  function wake(): void {
    if (stopped.signal.aborted || rounds) return;
    rounds = runRounds().finally(() => {
      rounds = null;
      wakeLater();
    });
  }

  async function runRounds(): Promise<void> {
    for (;;) {
      const asked = due();
      const round = newest;
      if (!round || asked.length === 0 || stopped.signal.aborted) return;
      const all = asked.map((desk) => begin(desk, round));
      await Promise.race([collected.quorumOf(round), Promise.all(all)]);
    }
  }

  function due(): Desk[] {
    const now = clock.nowMillis();
    return desks.filter((desk) => !desk.busy && isBehind(desk) && desk.freeAtMillis <= now);
  }

  function isBehind({ size }: Desk): boolean {
    return newest !== null && (size === null || size < newest.size);
  }

  /** For those that failed: nobody else may come by when the log is idle. */
  function wakeLater(): void {
    if (timer) clearTimeout(timer);
    timer = null;
    const waiting = desks.filter((desk) => !desk.busy && isBehind(desk));
    if (waiting.length === 0 || stopped.signal.aborted) return;
    const soonest = Math.min(...waiting.map(({ freeAtMillis }) => freeAtMillis)) - clock.nowMillis();
    timer = setTimeout(wake, Math.min(Math.max(0, soonest), options.retryMillisMax));
    timer.unref();
  }

  function begin(desk: Desk, round: Published): Promise<void> {
    const asking = ask(desk, round).finally(() => {
      desk.busy = null;
      // One that was too slow for its round goes on with the newest checkpoint.
      wake();
    });
    desk.busy = asking;
    return asking;
  }

  async function ask(desk: Desk, round: Published): Promise<void> {
    const { witness, knownSize } = desk;
    const question = { witness, published: round, knownSize, signal: stopped.signal };
    const answer = await askWitness(options, question).catch((error: unknown) => ownFault(witness, error));
    if (stopped.signal.aborted) return;
    if (answer.ok) {
      desk.knownSize = round.size;
      desk.failures = 0;
      desk.freeAtMillis = 0;
      await collected.take(round, answer.lines);
      desk.size = round.size;
      change(desk, null, null);
      return;
    }
    // Two replicas' checkpoints may cross on the way; only a log that ends before its own past is in trouble.
    const crossed = answer.trouble === 'behind' && answer.knownSize! <= newest!.size;
    desk.knownSize = answer.knownSize ?? 0;
    if (crossed) return;
    const waitMillis = Math.min(options.retryMillis * 2 ** desk.failures, options.retryMillisMax);
    desk.failures += 1;
    desk.freeAtMillis = clock.nowMillis() + waitMillis;
    change(desk, answer.trouble, answer.says);
  }

  function change(desk: Desk, trouble: WitnessTrouble | null, says: string | null): void {
    const changed = desk.trouble !== trouble;
    desk.trouble = trouble;
    desk.says = says;
    if (changed) onChange(statusOf(desk));
  }

  return {
    offer(published) {
      // Nothing to see yet.
      if (published.size === 0) return;
      newest = published;
      wake();
    },
    status: () => desks.map(statusOf),
    async close() {
      stopped.abort();
      if (timer) clearTimeout(timer);
      await Promise.allSettled([rounds, ...desks.map(({ busy }) => busy)]);
    },
  };
}

function ownFault({ name }: PolicyWitness, error: unknown) {
  const says = `the witness \`${name}\` was not asked: ${error instanceof Error ? error.message : error}`;
  return { ok: false, trouble: 'down', says, knownSize: 0 } as const;
}

/** What has come together for each checkpoint. Those before one with a quorum are of no more interest. */
function collector({ policy, onCosigned }: Pick<WitnessesOptions, 'policy' | 'onCosigned'>) {
  const held = new Map<number, { signatures: NoteSignature[]; lines: string[]; done: PromiseWithResolvers<void> }>();
  let writing = Promise.resolve();

  function at(published: Published) {
    const known = held.get(published.size);
    if (known) return known;
    const made = { signatures: [], lines: [], done: Promise.withResolvers<void>() };
    if (held.size >= roundsHeldMax) held.delete(held.keys().next().value!);
    held.set(published.size, made);
    return made;
  }

  return {
    /** Resolves when enough have signed. */
    quorumOf: (published: Published): Promise<void> => at(published).done.promise,
    take(published: Published, lines: readonly { line: string; signature: NoteSignature }[]): Promise<void> {
      const of = at(published);
      of.signatures.push(...lines.map(({ signature }) => signature));
      of.lines.push(...lines.map(({ line }) => line));
      const enough = isQuorum(policy, of.signatures);
      const cosigned = { published, lines: [...of.lines], isQuorum: enough };
      writing = writing.then(() => onCosigned(cosigned));
      if (enough) {
        of.done.resolve();
        for (const size of held.keys()) if (size < published.size) held.delete(size);
      }
      return writing;
    },
  };
}

/** Rounds that a slow witness may still answer to. */
const roundsHeldMax = 8;

function newDesk(witness: PolicyWitness): Desk {
  return {
    ...{ witness, size: null, knownSize: 0, trouble: null, says: null },
    ...{ failures: 0, freeAtMillis: 0, busy: null },
  };
}

function statusOf({ witness: { name, url }, size, trouble, says }: Desk): WitnessStatus {
  return { name, url: url!, size, trouble, says };
}
