import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childTraceparent } from './trace.ts';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

test('an outbound call keeps the trace and has a span of its own', () => {
  assert.equal(
    childTraceparent(`00-${trace}-00f067aa0ba902b7-01`, 'aaaaaaaaaaaaaaaa'),
    `00-${trace}-aaaaaaaaaaaaaaaa-01`,
  );
});

test('what is no trace is not carried on', () => {
  for (const parent of [
    null,
    '',
    'x',
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace}-00f067aa0ba902b7-01-x`,
  ]) {
    assert.equal(childTraceparent(parent, 'aaaaaaaaaaaaaaaa'), null);
  }
});
