import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Level } from '@writ/core';
import { type CallContext, withContext } from './context.ts';
import { trustContext } from './trust.ts';

function serving(floor: Level): CallContext {
  const caller = {
    caller: 'c',
    decision: 'd',
    task: 't',
    act: null,
    floor,
    continuation: null,
    id: 'i',
    untilSeconds: 0,
  };
  return { continuation: null, task: 't', traceparent: null, caller, denial: null };
}

const risks = [0, 1, 2, 3, 4, 5] as const;

test('a floor below the risk forbids, so that nothing of risk 5 ever passes this rule', () => {
  for (const floor of [0, 1, 2, 3, 4] as const) {
    const { canInvoke } = withContext(serving(floor), trustContext);
    assert.deepEqual(
      risks.filter((risk) => canInvoke(risk)),
      risks.filter((risk) => risk <= floor),
    );
  }
});

test('where no gate has said anything the text is unlabelled', () => {
  assert.equal(trustContext().floor, 0);
  assert.equal(withContext({ ...serving(4), caller: null }, trustContext).floor, 0);
});
