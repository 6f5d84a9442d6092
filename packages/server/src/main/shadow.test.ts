// A difference that shadow mode finds reaches the log each time and the operator once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@writ/core';
import type { Answered } from '../action/cedar/evaluator.ts';
import { openShadow } from './shadow.ts';

const answerOf = (decision: 'allow' | 'deny', reason: string[]): Answered['answer'] => ({
  type: 'success',
  response: { decision, diagnostics: { reason, errors: [] } },
  warnings: [],
});

test('one in a thousand is asked again, later; a difference is in the log and said once', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const said: string[] = [];
  const events: { name: string; members: JsonObject }[] = [];
  const shadow = openShadow({ say: (one) => said.push(one), event: (name, members) => events.push({ name, members }) });
  let asked = 0;
  for (let i = 0; i < 5000; i++) {
    shadow.answered({
      decisionId: `dec_${i}`,
      action: 'files/read_file',
      version: 'sha256:aa',
      answer: answerOf('allow', ['mine']),
      again() {
        asked++;
        return answerOf('deny', ['guard']);
      },
    });
  }
  assert.equal(asked, 0, 'nothing on the way of a call');
  t.mock.timers.tick(60_000);
  const { compared, differed } = shadow.counts();
  assert.ok(compared > 0 && compared < 20, `${compared}`);
  assert.deepEqual([asked, differed, events.length], [compared, compared, compared]);
  assert.equal(said.length, 1);
  const { name, members } = events[0]!;
  const { decision, ...more } = members;
  assert.equal(name, 'policy.shadow_differs');
  assert.deepEqual(more, {
    action: 'files/read_file',
    policy: 'sha256:aa',
    compiled: '["allow",["mine"],[]]',
    reference: '["deny",["guard"],[]]',
  });
  assert.match(said[0]!, new RegExp(`writ explain ${decision}`));
});
