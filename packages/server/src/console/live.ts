// Decisions as they happen, as server-sent events. A reader that comes back with `Last-Event-ID` misses nothing: the stream is read
// from the index by sequence, and the log only says that there is more.

import type { DecisionIndex, DecisionLog } from './ports.ts';

export interface LiveOptions {
  readonly decisions: Pick<DecisionIndex, 'decisions'>;
  readonly log: Pick<DecisionLog, 'onRecord'>;
  /** Sequence of the last one that the reader has; null: only new ones. */
  readonly after: number | null;
  readonly checkMillis: number;
  /** Is the reader still signed in? */
  mayRead(): Promise<boolean>;
}

const batch = 100;

/** WHATWG HTML §9.2.5 event stream; ends when the reader leaves or may not read any more. */
export function liveDecisions({
  decisions,
  log,
  after,
  checkMillis,
  mayRead,
}: LiveOptions): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let last = after ?? decisions.decisions({ limit: 1 })[0]?.sequence ?? -1;
  let stop = () => {};
  let sending = false;

  /** `enqueue` may ask for more while it is still being called: whoever sends already goes on by itself. */
  function send(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (sending) return;
    sending = true;
    try {
      // A reader that does not keep up is not written to; `pull` comes back here.
      while ((controller.desiredSize ?? 0) > 0) {
        const rows = decisions.decisions({ since: last, limit: batch });
        for (const row of rows) {
          controller.enqueue(encoder.encode(`id: ${row.sequence}\nevent: decision\ndata: ${JSON.stringify(row)}\n\n`));
          last = row.sequence;
        }
        if (rows.length < batch) return;
      }
    } catch (error) {
      // The log that called back has other listeners, and no part in what went wrong here.
      stop();
      controller.error(error);
    } finally {
      sending = false;
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(encoder.encode('retry: 1000\n\n'));
        const unsubscribe = log.onRecord(() => send(controller));
        const check = async () => {
          if (await mayRead().catch(() => false)) return controller.enqueue(encoder.encode(':\n\n'));
          stop();
          controller.close();
        };
        const timer = setInterval(() => void check().catch(stop), checkMillis).unref();
        stop = () => {
          clearInterval(timer);
          unsubscribe();
        };
        send(controller);
      },
      pull: send,
      cancel: () => stop(),
    },
    { highWaterMark: 2 * batch },
  );
}
