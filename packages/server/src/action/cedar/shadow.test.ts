// Shadow mode finds an evaluator that answers wrongly, and does so later, one at a time, and of a bounded sample.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadPolicy } from '../cedar.ts';
import { agent, input, line, onServer, request } from '../testing.ts';
import { type Answer, compileSource } from './compiled.ts';
import type { EvaluatorParts } from './evaluator.ts';
import { createShadow, type ShadowDifference } from './shadow.ts';

function watched(some: { oneIn?: number; waitingMax?: number } = {}, compile?: EvaluatorParts['compile']) {
  const told: ShadowDifference[] = [];
  const due: (() => void)[] = [];
  const shadow = createShadow({
    oneIn: some.oneIn ?? 1,
    waitingMax: some.waitingMax ?? 8,
    later: (work) => void due.push(work),
    differs: (one) => void told.push(one),
  });
  const cedar = '@id("deep") forbid (principal, action, resource) when { context.depth > 2 };';
  const loaded = loadPolicy(input([line('claude/orchestrator', 'files/read_file')], cedar), {
    answered: shadow.answered,
    ...(compile ? { compile } : {}),
  });
  assert.ok('policy' in loaded);
  const ask = (decisionId: string, depth = 1) => {
    const asked = request({
      asker: agent('claude/orchestrator'),
      target: onServer('files', 'read_file'),
      args: { path: '/a' },
      depth,
    });
    return loaded.policy.evaluate({ ...asked, decisionId }).outcome;
  };
  /** Lets time pass until nothing is due; how many turns it took. */
  const pass = () => {
    let turns = 0;
    for (let work = due.shift(); work; work = due.shift(), turns++) work();
    return turns;
  };
  return { ask, pass, told, due, shadow, version: loaded.policy.version };
}

const permitsAll: EvaluatorParts['compile'] = (source) => ({
  judge(question) {
    const answer = compileSource(source).judge(question) as Extract<Answer, { type: 'success' }>;
    return { ...answer, response: { decision: 'allow', diagnostics: { reason: ['allow.1.agent'], errors: [] } } };
  },
});

test('a compiled evaluator that permits what Cedar forbids is found', () => {
  const { ask, pass, told, shadow, version } = watched({}, permitsAll);
  assert.equal(ask('dec_right', 1), 'permit');
  assert.equal(ask('dec_wrong', 3), 'permit', 'the evaluator is wrong, and shadow mode is no second judge');
  assert.deepEqual(told, [], 'nothing is asked on the way of the call');
  pass();
  assert.deepEqual(told, [
    {
      decisionId: 'dec_wrong',
      action: 'files/read_file',
      version,
      compiled: '["allow",["allow.1.agent"],[]]',
      reference: '["deny",["deep"],[]]',
      first: true,
    },
  ]);
  assert.deepEqual(shadow.counts(), { compared: 2, differed: 1, dropped: 0, waiting: 0 });
  ask('dec_again', 4);
  pass();
  assert.deepEqual(
    told.map(({ decisionId, first }) => [decisionId, first]),
    [
      ['dec_wrong', true],
      ['dec_again', false],
    ],
  );
});

test('one that hides an error of a policy is found, and so is one that answers what Cedar cannot read', () => {
  const { ask, pass, told } = watched({}, (source) => {
    // Drops every forbid: the reasons are right as long as none holds.
    const policies = Object.fromEntries(
      Object.entries(source.policies.staticPolicies!).filter(([id]) => id !== 'deep'),
    );
    return compileSource({ ...source, policies: { staticPolicies: policies } });
  });
  ask('dec_1', 1);
  pass();
  assert.equal(told.length, 0);
  ask('dec_2', 3);
  pass();
  assert.equal(told.length, 1);

  const unreadable = createShadow({
    oneIn: 1,
    waitingMax: 1,
    later: (work) => work(),
    differs: (one) => void told.push(one),
  });
  const answer: Answer = {
    type: 'success',
    response: { decision: 'allow', diagnostics: { reason: ['a'], errors: [] } },
    warnings: [],
  };
  const again = (): Answer => {
    throw new Error('cannot be read');
  };
  unreadable.answered({ decisionId: 'dec_3', action: 'files/read_file', version: 'v', answer, again });
  assert.deepEqual([told[1]?.compiled, told[1]?.reference], ['["allow",["a"],[]]', 'failure']);
});

test('the shipped evaluator does not differ', () => {
  const { ask, pass, told, shadow } = watched({ waitingMax: 100 });
  for (let i = 0; i < 60; i++) ask(`dec_${i}`, i % 5);
  assert.equal(pass(), 60);
  assert.deepEqual([told, shadow.counts().compared], [[], 60]);
});

test('what waits is bounded, and what does not fit is counted', () => {
  const { ask, pass, due, shadow } = watched({ waitingMax: 3 });
  for (let i = 0; i < 10; i++) ask(`dec_${i}`);
  assert.equal(due.length, 1, 'one at a time');
  assert.deepEqual(shadow.counts(), { compared: 0, differed: 0, dropped: 7, waiting: 3 });
  pass();
  assert.deepEqual(shadow.counts(), { compared: 3, differed: 0, dropped: 7, waiting: 0 });
  ask('dec_11');
  pass();
  assert.equal(shadow.counts().compared, 4);
});

test('the sample is told by the ids alone: the same ids, the same sample, about one in so many', () => {
  const sample = () => {
    const seen: string[] = [];
    const shadow = createShadow({ oneIn: 100, waitingMax: 1e6, later: () => {}, differs: () => {} });
    for (let i = 0; i < 20_000; i++) {
      const before = shadow.counts().waiting;
      shadow.answered({ decisionId: `dec_${i}` } as Parameters<typeof shadow.answered>[0]);
      if (shadow.counts().waiting > before) seen.push(`dec_${i}`);
    }
    return seen;
  };
  const seen = sample();
  assert.deepEqual(sample(), seen);
  assert.ok(seen.length > 120 && seen.length < 280, `${seen.length}`);
});

test('a question that belongs to no decision is not watched', () => {
  let seen = 0;
  const loaded = loadPolicy(input([line('claude/orchestrator', 'files/read_file')]), { answered: () => void seen++ });
  assert.ok('policy' in loaded);
  loaded.policy.evaluate(
    request({ asker: agent('db/agent'), target: onServer('files', 'read_file'), args: { path: '/' } }),
  );
  assert.equal(seen, 0);
});
