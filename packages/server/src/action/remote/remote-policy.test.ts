import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, type Policy, type PolicyAnswer, type PolicyRequest } from '@writ/core';
import {
  callOf,
  longChain,
  nowSeconds,
  peerOf,
  permitAll,
  shortChain,
  tokenFor,
  worldWith,
} from '../../../../core/src/decision/world.fixture.ts';
import { onServer, request, user } from '../testing.ts';
import { aboutOf } from './question.ts';
import { remotePolicy } from './remote-policy.ts';
import { type RemoteVerdict, versionOf } from './verdict.ts';

const asked = request({ asker: user('howard'), target: onServer('files', 'read_file'), args: { path: '/a' } });

const digests = { requestDigest: 'sha256:r', answerDigest: 'sha256:a' };
const told = (verdict: 'permit' | 'deny', about = aboutOf(asked)): RemoteVerdict => ({
  engine: 'opa',
  about,
  ...digests,
  verdict,
});
const nothing: RemoteVerdict = {
  engine: 'opa',
  about: aboutOf(asked),
  ...digests,
  verdict: 'none',
  fault: 'timeout',
  cause: 'no whole answer within 500 ms',
};

const own = (outcome: PolicyAnswer['outcome'], errors: string[] = []): Policy => ({
  ...permitAll,
  evaluate: () => ({ outcome, determining: ['own'], errors }),
});
const outcome = (base: Policy, verdict: RemoteVerdict) => {
  const { outcome, determining } = remotePolicy(base, verdict).evaluate(asked);
  return [outcome, ...determining];
};

const table: [base: PolicyAnswer['outcome'], verdict: RemoteVerdict, expected: string[]][] = [
  ['permit', told('permit'), ['permit', 'own', 'remote:opa']],
  ['permit', told('deny'), ['forbid', 'remote:opa']],
  ['permit', nothing, ['unreachable', 'remote:opa']],
  ['none', nothing, ['unreachable', 'remote:opa']],
  ['unreachable', told('permit'), ['unreachable', 'own']],
  ['approval', told('permit'), ['approval', 'own']],
  ['approval', told('deny'), ['forbid', 'remote:opa']],
  ['none', told('permit'), ['none', 'own']],
  ['none', told('deny'), ['forbid', 'remote:opa']],
  ['forbid', told('permit'), ['forbid', 'own']],
  ['forbid', nothing, ['forbid', 'own']],
  ['error', told('permit'), ['error', 'own']],
];

for (const [base, verdict, expected] of table) {
  test(`${base} here and ${verdict.verdict} there is ${expected[0]}`, () => {
    assert.deepEqual(outcome(own(base), verdict), expected);
  });
}

test('an error beside a permit of ours stays an error', () => {
  assert.deepEqual(remotePolicy(own('permit', ['broken']), told('permit')).evaluate(asked).errors, ['broken']);
});

test('a yes about another call is worth nothing', () => {
  const others: PolicyRequest[] = [
    { ...asked, arguments: { path: '/b' } },
    { ...asked, target: onServer('files', 'write_file') },
    { ...asked, context: { ...asked.context, task: 'tsk_2' } },
    { ...asked, context: { ...asked.context, via: [...asked.context.via, 'spiffe://zylos.local/db/agent'] } },
    { ...asked, context: { ...asked.context, root: { iss: 'https://other.example', sub: 'howard' } } },
  ];
  for (const other of others) assert.deepEqual(outcome(own('permit'), told('permit', aboutOf(other)))[0], 'error');
});

test('judged again a second later it is the same call, and asked for another party too', () => {
  const later = { ...asked, context: { ...asked.context, nowSeconds: asked.context.nowSeconds + 1 } };
  assert.equal(remotePolicy(own('permit'), told('permit')).evaluate(later).outcome, 'permit');
  assert.equal(aboutOf({ ...asked, asker: user('ada') } as PolicyRequest), aboutOf(asked));
});

test('the verdict stands among the versions of the world, with both digests', () => {
  assert.equal(versionOf(told('deny')), 'deny request=sha256:r answer=sha256:a');
  assert.equal(versionOf({ ...nothing, answerDigest: null }), 'none (timeout) request=sha256:r answer=none');
});

/** What core asks policy about a call: the shell puts the same to the engine. */
function questionsIn(call: Parameters<typeof decide>[0]): PolicyRequest[] {
  const questions: PolicyRequest[] = [];
  const listening: Policy = {
    ...permitAll,
    evaluate(request) {
      questions.push(request);
      return permitAll.evaluate(request);
    },
  };
  decide(call, worldWith({ policy: listening }), nowSeconds);
  return questions;
}

const calls = {
  'of a task’s own agent': callOf(tokenFor(shortChain())),
  'at the end of a long chain': callOf(tokenFor(longChain()), { peer: peerOf('db/reader') }),
};
for (const [which, call] of Object.entries(calls)) {
  test(`a decision ${which} needs the engine’s yes, and one verdict answers for every party of it`, () => {
    const questions = questionsIn(call);
    const about = new Set(questions.map(aboutOf));
    assert.ok(questions.length >= 2);
    assert.equal(about.size, 1);
    const under = (verdict: RemoteVerdict) =>
      decide(call, worldWith({ policy: remotePolicy(permitAll, verdict) }), nowSeconds);
    const [own] = about;
    const allowed = under(told('permit', own!));
    assert.equal(allowed.outcome, 'allow');
    assert.ok(allowed.action.facts?.determining.includes('remote:opa'));
    const denied = under(told('deny', own!));
    assert.deepEqual([denied.denial?.code, denied.denial?.rule], ['action.policy_forbids', 'remote:opa']);
    const silent = under({ ...nothing, about: own! });
    assert.deepEqual([silent.outcome, silent.denial?.code], ['deny', 'action.policy_unreachable']);
    assert.match(String(silent.denial?.detail.errors), /no whole answer within 500 ms/);
  });
}
