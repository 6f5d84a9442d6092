// Telemetry as the plane holds it: off until somebody asks, and then no more than was asked for.

import type { Metrics } from './metrics.ts';
import { createNames, type Known } from './names.ts';
import type { Traces } from './traces.ts';
import type { Counted, Handed, Readings, Watched } from './types.ts';
import { createWatch } from './watch.ts';

export interface TelemetryOptions {
  /** `asked`: counted from the first scrape on; `started`: from the start; `off`: there is nothing to scrape. */
  readonly metrics: 'asked' | 'started' | 'off';
  /** Null: no traces. */
  readonly traces: {
    readonly url: string;
    readonly percent: number;
    headers(): Promise<Record<string, string>>;
    readonly ca: string | null;
    readonly delayMillis?: number;
  } | null;
  readonly service: { readonly version: string; readonly instance: string };
  readonly known: Known;
  readonly readings: Readings;
  /** Calls back with each durable record, in order; answers how to stop. */
  onRecord(listener: (record: Counted) => void): () => void;
  report(what: string, error: unknown): void;
  /** A sentence for the operator. */
  say(sentence: string): void;
}

export interface Telemetry {
  /** The exchange for the spine; `done` once the spine is done. The exchange itself while nobody watches. */
  around<Exchange extends Watched<unknown>>(exchange: Exchange): { readonly exchange: Exchange; done(): void };
  /** A decision was handed to the log. */
  handed(decisionId: string, receipt: Handed): void;
  /** Trace headers for the callee of the call under way. */
  outgoing(): { readonly [name: string]: string };
  /** Null: there is nothing to scrape. The first call starts the counting. */
  scrape(): Promise<{ readonly type: string; readonly body: string }> | null;
  close(): Promise<void>;
}

const nothing = () => {};

export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const names = createNames(options.known);
  let metrics: Metrics | null = null;
  let opening: Promise<Metrics> | null = null;
  let traces: Traces | null = null;
  let stopListening = nothing;
  let arriving = true;

  const watch = createWatch({
    nowMillis: () => performance.timeOrigin + performance.now(),
    trace: (call, atMillis) => traces?.begin(call, atMillis) ?? null,
    ended: (course) => metrics?.counted(course),
    report: options.report,
  });

  async function startCounting(): Promise<Metrics> {
    const { createMetrics } = await import('./metrics.ts');
    const made = createMetrics(names, options.readings);
    stopListening = options.onRecord((record) => made.recorded(record));
    metrics = made;
    return made;
  }

  function exported(error: Error | null): void {
    metrics?.exported(error === null);
    // Said once for each time it begins and ends, whatever the number of batches.
    if ((error === null) === arriving) return;
    arriving = error === null;
    if (arriving) options.say('traces reach their collector again');
    else options.say(`traces do not reach \`${options.traces!.url}\`: ${error?.message}. Calls are not affected`);
  }

  if (options.metrics === 'started') await startCounting();
  if (options.traces) {
    const { createTraces } = await import('./traces.ts');
    traces = createTraces({ ...options.traces, service: options.service, names, exported });
  }

  return {
    around(exchange) {
      if (!metrics && !traces) return { exchange, done: nothing };
      return watch.around(exchange);
    },
    handed: watch.handed,
    outgoing: () => traces?.outgoing() ?? {},
    scrape() {
      if (options.metrics === 'off') return null;
      opening ??= metrics ? Promise.resolve(metrics) : startCounting();
      return opening.then((open) => open.text());
    },
    async close() {
      stopListening();
      await traces?.close();
    },
  };
}
