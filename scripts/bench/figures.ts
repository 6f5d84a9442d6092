// What a bench reports: the median of several runs and how far they lie apart, beside a baseline measured in the same runs.
// Nothing is asserted: a machine is what it is, and the ratio of the two is what travels.

/** One run, or a rate of one run, which has no tail. */
export interface Run {
  readonly p50: number;
  readonly p99: number | null;
}

export interface Measured extends Run {
  /** Smallest and largest p50 of the runs. */
  readonly spread: readonly [number, number];
  readonly runs: number;
}

export interface Row {
  readonly figure: string;
  readonly unit: 'µs' | 'ms' | '/s' | 'MB';
  readonly measured: Measured;
  readonly baseline: string;
  readonly against: Measured;
  /** measured / against; null where one of them is nothing. */
  readonly ratio: number | null;
  /** Design §7, in words. */
  readonly goal: string;
}

export function runOf(samples: readonly number[]): Run {
  const sorted = Float64Array.from(samples).sort();
  const at = (q: number) => sorted[Math.floor(q * (sorted.length - 1))]!;
  return { p50: at(0.5), p99: at(0.99) };
}

/** Microseconds of each of many calls, one after the other. */
export function timed(samples: number, work: (i: number) => unknown): Run {
  const micros: number[] = [];
  for (let i = 0; i < samples; i++) {
    const started = performance.now();
    work(i);
    micros.push((performance.now() - started) * 1000);
  }
  return runOf(micros);
}

export function rate(perSecond: number): Run {
  return { p50: perSecond, p99: null };
}

export function measured(runs: readonly Run[]): Measured {
  const p50s = runs.map(({ p50 }) => p50).sort((a, b) => a - b);
  const p99s = runs.flatMap(({ p99 }) => (p99 === null ? [] : [p99])).sort((a, b) => a - b);
  const middle = (sorted: readonly number[]) => sorted[Math.floor(sorted.length / 2)]!;
  return {
    p50: middle(p50s),
    p99: p99s.length === 0 ? null : middle(p99s),
    spread: [p50s[0]!, p50s.at(-1)!],
    runs: runs.length,
  };
}

export function row(
  about: Pick<Row, 'figure' | 'unit' | 'baseline' | 'goal'>,
  ours: readonly Run[],
  theirs: readonly Run[],
): Row {
  const [one, other] = [measured(ours), measured(theirs)];
  return { ...about, measured: one, against: other, ratio: one.p50 > 0 && other.p50 > 0 ? one.p50 / other.p50 : null };
}

export function textOf({ figure, unit, measured: ours, baseline, against, ratio, goal }: Row): string {
  const tail = ({ p99 }: Measured) => (p99 === null ? '' : `, p99 ${number(p99)}`);
  const one = (m: Measured) =>
    `${number(m.p50)} ${unit}${tail(m)} (${number(m.spread[0])}–${number(m.spread[1])} in ${m.runs} runs)`;
  const times = ratio === null ? 'none' : ratio >= 1 ? `${number(ratio)} ×` : `1/${number(1 / ratio)}`;
  return `${figure}\n    ${one(ours)}\n    ${one(against)}: ${baseline}; ratio ${times}\n    goal: ${goal}`;
}

/** Three digits that count. */
function number(value: number): string {
  if (value >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}
