import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@writ/core';
import { createRefusalCounter } from '../gateway/refusal-counter.ts';
import { createStrangerEvents } from './stranger-events.ts';

test('a process that asks for ever is written down a few times and then counted', () => {
  const counts: JsonObject[] = [];
  const written: string[] = [];
  const append = (record: JsonObject) => {
    counts.push(record);
    return { durable: Promise.resolve() };
  };
  const clock = { nowMillis: () => 60_000 };
  const refusals = createRefusalCounter({ clock, append, newId: () => 'id', report: () => {} });
  const tell = createStrangerEvents({ refusals, event: (name) => written.push(name) });
  for (let pid = 0; pid < 1000; pid++) {
    tell({ name: 'identity.refused', uid: 1001, code: 'transport.peer_not_attested', members: { pid } });
  }
  tell({ name: 'identity.refused', uid: 1002, code: 'transport.peer_not_attested', members: { pid: 1 } });
  assert.equal(written.length, 21, 'another user is another stranger');
  refusals.flush();
  assert.deepEqual(counts[0]?.counts, [
    { reason: 'identity.refused transport.peer_not_attested', source: 'uid 1001', times: 980 },
  ]);
});
