import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../decision/decide.ts';
import { callOf, howard, nowSeconds, permitAll, shortChain, tokenFor, worldWith } from '../decision/world.fixture.ts';
import { nodeEngine } from '../node/engine.ts';
import { type ApprovalSubject, approvalDigestOf, type GrantedApproval, requestKeyOf } from './approval.ts';
import type { Policy } from './policy.ts';
import { factsOfNothing, type TaskWorld } from './task-world.ts';

const asking: Policy = {
  ...permitAll,
  evaluate: ({ asker }) =>
    asker.kind === 'agent'
      ? { outcome: 'approval', determining: ['guard.ask'], errors: [] }
      : { outcome: 'permit', determining: ['all.user'], errors: [] },
};
const world = worldWith({ policy: asking });
const call = callOf(tokenFor(shortChain()));
const first = decide(call, world, nowSeconds);

function granted(over: Partial<GrantedApproval> = {}): GrantedApproval {
  return {
    id: 'apr_1',
    requestKey: first.ask!.requestKey,
    digest: 'sha256:seen',
    rules: ['guard.ask'],
    notAfterSeconds: nowSeconds + 60,
    ...over,
  };
}

test('a rule that only asks makes the third answer, and nothing is used up', () => {
  assert.equal(first.outcome, 'approval');
  assert.equal(first.action.verdict, 'approval');
  assert.deepEqual(first.ask?.rules, ['guard.ask']);
  assert.deepEqual(first.claims, []);
});

test('a yes to exactly this satisfies the rules that asked, and is used up by the call', () => {
  const decision = decide(call, { ...world, approvals: [granted()] }, nowSeconds);
  assert.equal(decision.outcome, 'allow');
  assert.deepEqual(decision.claims, [{ kind: 'approval', id: 'apr_1', digest: 'sha256:seen' }]);
  assert.equal(decision.overlaps, false);
});

const swaps: [name: string, approval: Partial<GrantedApproval>, call?: typeof call][] = [
  ['one byte of an argument changed', {}, callOf(tokenFor(shortChain()), { arguments: { path: '/b' } })],
  ['another task', {}, callOf(tokenFor({ ...shortChain(), task: 'tsk_2' }))],
  ['the yes ran out', { notAfterSeconds: nowSeconds }],
  ['another rule asks now', { rules: ['other.rule'] }],
  ['a yes to something else', { requestKey: 'sha256:other' }],
];
for (const [name, approval, other] of swaps) {
  test(`a yes does not carry over: ${name}`, () => {
    const decision = decide(other ?? call, { ...world, approvals: [granted(approval)] }, nowSeconds);
    assert.equal(decision.outcome, 'approval');
  });
}

test('a renewed token or another token id does not kill the yes', () => {
  const renewed = callOf(tokenFor(shortChain(), { jti: 'jti-2', exp: nowSeconds + 300 }));
  assert.equal(decide(renewed, { ...world, approvals: [granted()] }, nowSeconds).outcome, 'allow');
});

test('a denial beats a question, and a question beats a permit', () => {
  const trust: TaskWorld = {
    judge: (asked, _, definition) => ({
      facts: factsOfNothing(asked, definition),
      denials: [{ rule: 'writ.task', code: 'action.out_of_task', argument: null }],
      questions: [{ rule: 'writ.target', code: 'action.target_untrusted', argument: '/to' }],
      provenance: {},
      floor: { task: 1, residue: 1, used: 1 },
    }),
  };
  const denied = decide(call, { ...world, tasks: trust, approvals: [granted()] }, nowSeconds);
  assert.deepEqual([denied.outcome, denied.denial?.code], ['deny', 'action.out_of_task']);
  const asksOnly: TaskWorld = { judge: (...args) => ({ ...trust.judge(...args), denials: [] }) };
  const asked = decide(call, { ...worldWith(), tasks: asksOnly }, nowSeconds);
  assert.deepEqual([asked.outcome, asked.denial?.code], ['approval', 'action.target_untrusted']);
  const both = decide(call, { ...world, tasks: asksOnly, approvals: [granted()] }, nowSeconds);
  assert.equal(both.outcome, 'approval', 'a yes to one rule is no yes to the other');
});

const subject: ApprovalSubject = {
  server: 'mail',
  tool: 'send',
  definition: 'sha256:d',
  arguments: { to: 'ops@example.org' },
  task: 'tsk_1',
  root: howard,
  actors: [{ iss: 'spiffe://td', sub: 'spiffe://td/a/b' }],
  audience: 'https://gw/mcp/mail',
};
const terms = { rules: ['b', 'a'], nonce: 'n', notAfterSeconds: 1 };

test('every member of the action changes the digest and the key', () => {
  const changes: Partial<ApprovalSubject>[] = [
    { server: 'm' },
    { tool: 's' },
    { definition: 'sha256:e' },
    { arguments: { to: 'ops@example.orG' } },
    { task: 'tsk_2' },
    { root: { iss: 'https://x', sub: 'howard' } },
    { actors: [] },
    { actors: [...subject.actors, { iss: 'spiffe://td', sub: 'spiffe://td/c/d' }] },
    { audience: 'https://gw/mcp/mail2' },
  ];
  const keys = [{}, ...changes].map((change) => requestKeyOf({ ...subject, ...change }, nodeEngine));
  const digests = [{}, ...changes].map((change) => approvalDigestOf({ ...subject, ...change }, terms, nodeEngine));
  assert.equal(new Set(keys).size, changes.length + 1);
  assert.equal(new Set(digests).size, changes.length + 1);
});

test('nonce, end and rules change the digest and not the key; the order of rules changes neither', () => {
  const digest = (over: object) => approvalDigestOf(subject, { ...terms, ...over }, nodeEngine);
  assert.equal(digest({ rules: ['a', 'b'] }), digest({}));
  assert.equal(
    new Set([digest({}), digest({ nonce: 'm' }), digest({ notAfterSeconds: 2 }), digest({ rules: ['a'] })]).size,
    4,
  );
});
