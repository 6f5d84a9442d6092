// A slice of what `scripts/fuzz-transport.ts` does at length.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz, TARGETS } from './fuzz-transport.ts';

const seed = Number(process.env.WRIT_FUZZ_SEED ?? 1);

for (const target of TARGETS) {
  test(`random input never gets a wrong yes or a throw from the reader of ${target}s, seed ${seed}`, () => {
    const { findings, accepted, inputs } = fuzz(target, { seed, from: 0, count: 4000 });
    assert.deepEqual(findings, []);
    // Neither a reader that takes everything nor input that is all noise would show anything.
    assert.ok(accepted > 0 && accepted < inputs, `${accepted} of ${inputs} accepted`);
  });
}

test('an input is its seed and number, whatever came before', () => {
  const whole = fuzz('id', { seed: 3, from: 0, count: 400 });
  const parts = [0, 1, 2, 3].map((part) => fuzz('id', { seed: 3, from: part * 100, count: 100 }).accepted);
  assert.equal(
    parts.reduce((sum, part) => sum + part),
    whole.accepted,
  );
});
