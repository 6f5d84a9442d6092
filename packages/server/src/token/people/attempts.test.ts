import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAttempts } from './attempts.ts';

const limits = { tries: 3, refillSeconds: 30 };

test('so many tries in a row, then one each so many seconds', () => {
  let now = 1000;
  const attempts = createAttempts(limits, () => now);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => attempts.take('a')),
    [0, 0, 0, 30],
  );
  now += 29;
  assert.equal(attempts.take('a'), 1);
  now += 1;
  assert.equal(attempts.take('a'), 0);
  assert.equal(attempts.take('a'), 30);
});

test('a refused try costs nothing, and others are not held up', () => {
  const attempts = createAttempts(limits, () => 1000);
  for (let i = 0; i < 10; i++) attempts.take('a');
  assert.equal(attempts.take('a'), 30);
  assert.equal(attempts.take('b'), 0);
});

test('a try that was no guess is given back', () => {
  const attempts = createAttempts(limits, () => 1000);
  for (let i = 0; i < 50; i++) {
    assert.equal(attempts.take('a'), 0);
    attempts.giveBack('a');
  }
});

test('what is remembered is bounded, and the one that tried last is not the one forgotten', () => {
  const attempts = createAttempts({ ...limits, keysMax: 2 }, () => 1000);
  for (let i = 0; i < 3; i++) attempts.take('guesser');
  attempts.take('other');
  for (let i = 0; i < 3; i++) attempts.take('third');
  assert.equal(attempts.take('third'), 30);
  assert.equal(attempts.take('guesser'), 0, 'the oldest was forgotten');
});
