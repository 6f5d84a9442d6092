// When keys of an authority come and go: the next is published well before it signs, the last stays until what it signed is over.
// A pure reading of generations and a time; making, storing and removing them is ca.ts's and ca-files.ts's.

/** One key of an authority, from the moment it is published. */
export interface Generation {
  /** Counts from 1, never reused. */
  readonly number: number;
  /** From then on it signs, unless a later one does. */
  readonly signsFromSeconds: number;
  readonly notAfterSeconds: number;
}

export interface LifePolicy {
  /** Life of a new generation. */
  readonly ttlSeconds: number;
  /** The longest life of what is signed: so long the last generation is still needed by those who verify. */
  readonly signedSecondsMax: number;
  /** How long a generation is published before it signs, so that everybody has seen it. Federation §5.2.3: 3 to 5 refresh intervals. */
  readonly noticeSeconds: number;
}

/** The generation that signs now: the newest whose time has come; before the time of every one (a clock set back), the oldest. */
export function signerOf<G extends Generation>(generations: readonly G[], nowSeconds: number): G | null {
  const alive = generations.filter(({ notAfterSeconds }) => notAfterSeconds > nowSeconds);
  const due = alive.filter(({ signsFromSeconds }) => signsFromSeconds <= nowSeconds);
  const newest = due.toSorted((a, b) => a.signsFromSeconds - b.signsFromSeconds || a.number - b.number).at(-1);
  return newest ?? alive.toSorted((a, b) => a.number - b.number)[0] ?? null;
}

/** When the successor that has to be made now begins to sign; null while none is due. */
export function successorDue(
  generations: readonly Generation[],
  { ttlSeconds, noticeSeconds }: LifePolicy,
  nowSeconds: number,
): number | null {
  const last = generations.toSorted((a, b) => a.notAfterSeconds - b.notAfterSeconds).at(-1);
  if (last === undefined || last.notAfterSeconds - nowSeconds > ttlSeconds / 3) return null;
  const wanted = last.notAfterSeconds - ttlSeconds / 6;
  return Math.floor(Math.max(nowSeconds, Math.min(last.notAfterSeconds, Math.max(wanted, nowSeconds + noticeSeconds))));
}

/** Generations that nothing valid hangs on any more: expired, or so long after their successor's start that all they signed is over. */
export function overOf<G extends Generation>(
  generations: readonly G[],
  { signedSecondsMax }: Pick<LifePolicy, 'signedSecondsMax'>,
  nowSeconds: number,
): readonly G[] {
  const signer = signerOf(generations, nowSeconds);
  return generations.filter((one) => {
    if (one === signer) return false;
    if (one.notAfterSeconds <= nowSeconds) return true;
    return (
      signer !== null &&
      one.signsFromSeconds <= signer.signsFromSeconds &&
      nowSeconds >= signer.signsFromSeconds + signedSecondsMax
    );
  });
}
