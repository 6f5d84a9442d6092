// A policy that asks (rules §3.12), at each place of a chain (rules §3.13): who has to have a permit, and whose question it is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Policy, PolicyAnswer, PolicyRequest } from '../action/policy.ts';
import { decide } from './decide.ts';
import { callOf, longChain, nowSeconds, permitAll, reader, tokenFor, worldWith } from './world.fixture.ts';

const permit: PolicyAnswer = { outcome: 'permit', determining: ['all'], errors: [] };
const told = (outcome: PolicyAnswer['outcome'], id: string): PolicyAnswer => ({
  outcome,
  determining: [id],
  errors: [],
});

const roles = ['claude/orchestrator', 'db/agent', 'db/reader', 'howard'] as const;
type Who = (typeof roles)[number];

function judged(answers: Partial<Record<Who, PolicyAnswer>>) {
  const asked: [who: string, forbidsOnly: boolean | undefined, decisionId: string | undefined][] = [];
  const nameOf = ({ asker }: PolicyRequest): string =>
    asker.kind === 'user'
      ? asker.principal.sub
      : asker.kind === 'agent'
        ? asker.spiffeId.split('/').slice(3).join('/')
        : '';
  const policy: Policy = {
    ...permitAll,
    evaluate(request) {
      const who = nameOf(request);
      asked.push([who, request.forbidsOnly, request.decisionId]);
      return answers[who as Who] ?? permit;
    },
  };
  const decision = decide(callOf(tokenFor(longChain()), reader), worldWith({ policy }), nowSeconds);
  return { asked, outcome: decision.outcome, code: decision.denial?.code ?? null, rules: decision.ask?.rules ?? [] };
}

test('earlier actors are asked for their forbids alone, the actor and the root for a permit too', () => {
  const { asked } = judged({});
  assert.deepEqual(asked, [
    ['claude/orchestrator', true, 'dec_1'],
    ['db/agent', true, 'dec_1'],
    ['db/reader', false, 'dec_1'],
    ['howard', false, 'dec_1'],
  ]);
});

for (const who of roles) {
  test(`a question about ${who} is put to a person`, () => {
    const { outcome, code, rules } = judged({ [who]: told('approval', 'ask') });
    assert.deepEqual([outcome, code, rules], ['approval', 'action.approval_required', ['ask']]);
  });

  for (const other of roles) {
    test(`and is none once a rule refuses ${other === who ? 'them' : other} (asked about ${who})`, () => {
      const { outcome } = judged({ [who]: told('approval', 'ask'), [other]: told('forbid', 'no') });
      assert.equal(outcome, 'deny');
    });
  }
}

test('questions about several are one approval with all their rules', () => {
  const { rules } = judged({
    'db/agent': told('approval', 'b'),
    howard: told('approval', 'a'),
    'db/reader': told('approval', 'b'),
  });
  assert.deepEqual(rules, ['a', 'b']);
});

test('nothing said of an earlier actor is fine, of the actor or the root it is a no', () => {
  const none: PolicyAnswer = { outcome: 'none', determining: [], errors: [] };
  assert.equal(judged({ 'db/agent': none }).outcome, 'allow');
  assert.equal(judged({ 'db/reader': none }).code, 'action.policy_forbids');
  assert.equal(judged({ howard: none }).code, 'action.user_not_permitted');
});

test('an error beside a question is a no', () => {
  const broken: PolicyAnswer = { outcome: 'approval', determining: ['ask'], errors: ['a policy failed'] };
  assert.equal(judged({ 'db/agent': broken }).code, 'action.policy_error');
});
