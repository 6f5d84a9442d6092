import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareWorlds } from './cedar-differential.ts';

test('on random worlds the compiled evaluator and cedar-wasm give one answer', (t) => {
  const { differences, ...counts } = compareWorlds(2000, 1);
  t.diagnostic(JSON.stringify(counts));
  assert.deepEqual(differences.slice(0, 3), []);
  assert.equal(counts.unsupported, 0);
  // Worlds in which nothing happens would agree as well.
  const { requests, allowed, forbidden, failing, refused } = counts;
  assert.ok(
    allowed > requests / 10 && forbidden > requests / 20 && failing > requests / 10 && refused > requests / 100,
  );
});
