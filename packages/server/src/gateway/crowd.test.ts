// One caller's flood is its own trouble.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from '@writ/core';
import { callOf, peerOf } from '../../../core/src/decision/world.fixture.ts';
import { createCrowd } from './crowd.ts';
import type { Exchange } from './exchange.ts';

function stage(perCallerMax: number) {
  const held: PromiseWithResolvers<void>[] = [];
  const recorded: string[] = [];
  const refused: Decision[] = [];
  const spine = () => {
    held.push(Promise.withResolvers());
    return held.at(-1)!.promise;
  };
  const crowd = createCrowd(spine, {
    perCallerMax,
    record: async (call) => void recorded.push(call.decisionId),
    report: (what, error) => assert.fail(`${what}: ${error}`),
  });
  const call = (as: string) =>
    crowd.spine({
      call: callOf(null, { peer: peerOf(as) }),
      refuse: async (decision: Decision) => void refused.push(decision),
    } as Partial<Exchange<never>> as Exchange<never>);
  return { crowd, held, recorded, refused, call };
}

test('the call past the last place is turned away, on record, and another caller is not', async () => {
  const { crowd, held, recorded, refused, call } = stage(2);
  const [first] = [call('db/agent'), call('db/agent')];
  await call('db/agent');
  assert.deepEqual([refused[0]?.denial?.code, recorded.length, held.length], ['gateway.overloaded', 1, 2]);
  void call('db/reader');
  assert.equal(held.length, 3);
  held[0]!.resolve();
  await first;
  void call('db/agent');
  assert.deepEqual([held.length, crowd.inside()], [4, 3]);
});

test('a spine that throws gives its place back', async () => {
  const { crowd, held, call } = stage(1);
  const first = call('db/agent');
  held[0]!.reject(new Error('outage'));
  await assert.rejects(first);
  assert.equal(crowd.inside(), 0);
});
