import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveDecisions } from './live.ts';
import type { DecisionSummary } from './ports.ts';

function source() {
  const rows: DecisionSummary[] = [];
  const listeners = new Set<() => void>();
  let broken = false;
  return {
    listeners,
    break: () => {
      broken = true;
    },
    add() {
      const sequence = rows.length;
      const rest = {
        time: '',
        outcome: 'deny',
        code: null,
        principal: null,
        actor: null,
        task: null,
        server: null,
        name: null,
      };
      rows.push({ sequence, decisionId: `d${sequence}`, ...rest });
      for (const listener of listeners) listener();
    },
    options: {
      decisions: {
        decisions({ since, limit }: { since?: number; limit: number }) {
          if (broken) throw new Error('the index is gone');
          if (since === undefined) return rows.slice(-limit).reverse();
          return rows.filter(({ sequence }) => sequence > since).slice(0, limit);
        },
      },
      log: {
        onRecord(listener: () => void) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
      checkMillis: 60_000,
      mayRead: async () => true,
    },
  };
}

test('a reader that leaves is listened for no more', async () => {
  const { listeners, options, add } = source();
  const reader = liveDecisions({ ...options, after: null }).getReader();
  assert.equal(listeners.size, 1);
  await reader.cancel();
  assert.equal(listeners.size, 0);
  add();
});

test('a reader that does not keep up is not written to without end, and misses nothing later', async () => {
  const { options, add } = source();
  const stream = liveDecisions({ ...options, after: -1 });
  for (let i = 0; i < 5_000; i++) add();
  const reader = stream.getReader();
  const ids: number[] = [];
  while (ids.length < 5_000) {
    const { value } = await reader.read();
    ids.push(
      ...[
        ...Buffer.from(value!)
          .toString()
          .matchAll(/^id: (\d+)$/gm),
      ].map(([, id]) => Number(id)),
    );
  }
  assert.deepEqual(
    ids,
    Array.from({ length: 5_000 }, (_, i) => i),
  );
  await reader.cancel();
});

test('what goes wrong in a stream ends the stream, and not the log that called', async () => {
  const { listeners, options, add, ...broken } = source();
  const reader = liveDecisions({ ...options, after: -1 }).getReader();
  broken.break();
  assert.doesNotThrow(add);
  await assert.rejects(reader.read(), /the index is gone/);
  assert.equal(listeners.size, 0);
});
