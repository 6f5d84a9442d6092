// Rules §4.4: an answer to a server's question is level 0, whatever it says and whichever rule is in force.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Call, type Definition, noEchoes, noPrompt, startEvidence, withTurn } from '@writ/core';
import { callOf, shortChain, tokenFor } from '../../../../core/src/decision/world.fixture.ts';
import { judgeInTask } from './judge-in-task.ts';

const floor = { task: 3, residue: 4, used: 3 } as const;
const { prompt } = withTurn(noPrompt, { origin: 'direct', text: 'order size XL', opensTask: true }, 3);
const known = { evidence: startEvidence(3), prompt, promptArrived: true, echoes: noEchoes, rootAddresses: [] };
const toolOf = (risk: 0 | 1 | 2): Definition => ({
  ...{ digest: 'sha256:d', reviewed: true, risk, manifest: true, checkArguments: () => null },
  trust: { risk, effect: risk === 0 ? 'read' : 'write', args: {} },
});

function judged(risk: 0 | 1 | 2, answers: Call['answers'], rule: 'provenance' | 'floor' = 'provenance') {
  const call = callOf(tokenFor(shortChain()), { arguments: {}, ...(answers ? { answers } : {}) });
  const { answer, sent } = judgeInTask(call, toolOf(risk), known, floor, rule);
  return {
    rules: [...answer.denials, ...answer.questions].map(({ rule }) => rule),
    provenance: answer.provenance,
    sent,
  };
}

const size = { size: { action: 'accept', content: { size: 'XL' } } };

test('even the words of the prompt are nobody’s in an answer: asked where the call has an effect', () => {
  const { rules, provenance, sent } = judged(1, size);
  assert.deepEqual(rules, ['writ.trust.target']);
  assert.equal(JSON.stringify(provenance).includes('"level":0'), true);
  assert.deepEqual(
    new Set(sent.map(({ level }) => level)),
    new Set([0]),
    'and what the server says back of it stays so',
  );
  assert.deepEqual(judged(0, size).rules, [], 'a read of one’s own asks nobody');
  assert.deepEqual(judged(2, undefined).rules, []);
});

test('under the plain rule nothing above risk 0 runs with it', () => {
  assert.deepEqual(judged(1, size, 'floor').rules, ['writ.trust.floor']);
  assert.deepEqual(judged(0, size, 'floor').rules, []);
  assert.deepEqual(judged(2, undefined, 'floor').rules, []);
});
