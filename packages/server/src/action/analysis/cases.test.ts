import assert from 'node:assert/strict';
import { test } from 'node:test';
import { untrackedTasks } from '@writ/core';
import { line, load } from '../testing.ts';
import { type PolicyCase, readCases, runCase } from './cases.ts';
import { view } from './testing.ts';

const allow = [
  line('claude/orchestrator', 'files/read_file', {
    where: new Map([['/path', { subpath: { root: '/docs', separator: '/' } }]]),
  }),
  line('db/reader', 'files/read_file'),
];
const cedar = `
@id("night") forbid(principal, action in Writ::Action::"tool.call", resource) when { context.now > datetime("2030-01-01T00:00:00Z") };
@id("middle") forbid(principal == Writ::Agent::"spiffe://zylos.local/db/agent", action == Writ::Action::"files/read_file", resource);
@id("careful") @outcome("approval") forbid(principal, action, resource) when { context.now > datetime("2029-01-01T00:00:00Z") };
@id("desk") @outcome("approval") forbid(principal == Writ::Client::"desktop", action in Writ::Action::"tool.call", resource);
`;
const plane = view(load(allow, cedar));
const nowSeconds = 1_795_000_000;

const request = {
  agent: 'claude/orchestrator',
  user: 'howard',
  call: 'files/read_file',
  arguments: { path: '/docs/a' },
};
const run = (over: Partial<PolicyCase['request']>, expect: PolicyCase['expect'], on = plane) =>
  runCase(on, { name: 'case', request: { ...request, ...over }, expect }, { tasks: untrackedTasks, nowSeconds });

const asExpected: [why: string, over: Partial<PolicyCase['request']>, expect: PolicyCase['expect']][] = [
  ['allowed by both halves of a line', {}, { outcome: 'allow', determining: ['allow.1.user', 'allow.1.agent'] }],
  [
    'outside the line’s condition',
    { arguments: { path: '/etc/x' } },
    { outcome: 'deny', code: 'action.policy_forbids' },
  ],
  [
    'an argument that the tool does not take',
    { arguments: { path: '/docs/a', mode: 1 } },
    { outcome: 'deny', code: 'action.argument_unknown' },
  ],
  ['a person who is not configured', { user: 'eve' }, { outcome: 'deny', code: 'action.user_not_permitted' }],
  [
    'at a time that a rule speaks of',
    { at: '2031-05-01T00:00:00+02:00' },
    { outcome: 'deny', determining: ['night', 'careful'] },
  ],
  ['handed on directly', { agent: 'db/reader', through: ['claude/orchestrator'] }, { outcome: 'allow' }],
  [
    'through somebody whom a rule forbids',
    { agent: 'db/reader', through: ['claude/orchestrator', 'db/agent'] },
    { outcome: 'deny', determining: ['middle'] },
  ],
  [
    'at a time that a rule asks about',
    { at: '2029-05-01T00:00:00Z' },
    { outcome: 'approval', code: 'action.approval_required', determining: ['careful'] },
  ],
  ['where one rule asks and another refuses', { at: '2030-05-01T00:00:00Z' }, { outcome: 'deny' }],
  [
    'asked about, and permitted to nobody',
    {
      agent: 'db/agent',
      at: '2029-05-01T00:00:00Z',
      call: 'files/write_file',
      arguments: { path: '/docs/a', content: '' },
    },
    { outcome: 'deny', code: 'action.policy_forbids' },
  ],
  [
    'through somebody of whom a rule only asks, and who needs no permit (rules §3.13)',
    { agent: 'db/reader', through: ['client:desktop', 'claude/orchestrator'] },
    { outcome: 'approval', determining: ['desk'] },
  ],
  [
    'a message to an agent',
    { call: 'db/agent', arguments: { message: {} } },
    {
      outcome: 'allow',
      determining: ['calls.claude/orchestrator.db/agent.agent', 'calls.claude/orchestrator.db/agent.user'],
    },
  ],
];

for (const [why, over, expect] of asExpected) {
  test(`${why}: ${expect.outcome}`, () => assert.deepEqual(run(over, expect).says, []));
}

test('what differs is said, each part of it', () => {
  assert.deepEqual(run({}, { outcome: 'deny', code: 'action.policy_forbids', determining: ['night'] }).says, [
    'expected deny, and it is allow',
    'expected action.policy_forbids, and it is null',
    'expected `night` to decide, and it was `allow.1.agent`, `allow.1.user`',
  ]);
});

test('a case that cannot be asked fails, and says what to mend', () => {
  assert.match(run({ agent: 'db/agnet' }, { outcome: 'deny' }).says.join(), /`db\/agnet` is not configured/);
  assert.match(run({ call: 'files/delete' }, { outcome: 'deny' }).says.join(), /`files\/delete` is no operation/);
});

test('an agent that does not state its memory stays below risk 3, as in a real call', () => {
  const forgetful = view(load(allow), { agents: [['claude/orchestrator', null]] });
  const result = run({}, { outcome: 'allow' }, forgetful);
  assert.equal(result.code, 'action.policy_forbids');
});

test('a token that anybody could hold asks above risk 1, as in a real call', () => {
  const desktop = view(load([line('client:desktop', 'files/read_file')]));
  const result = run({ agent: 'client:desktop' }, { outcome: 'approval', determining: ['writ.unbound'] }, desktop);
  assert.deepEqual(result.says, []);
});

test('a file of cases is read whole, and its mistakes have a place', () => {
  const text =
    'cases:\n  - name: a\n    request: { agent: x, user: u, call: s/t, at: 2027-01-01T00:00:00Z }\n    expect: { outcome: allow }\n';
  const read = readCases({ path: 'a.cases.yaml', text });
  assert.ok('value' in read && read.value[0]!.request.at === '2027-01-01T00:00:00Z', JSON.stringify(read));
  const wrong = readCases({ path: 'a.cases.yaml', text: text.replace('allow', 'alow') });
  assert.ok('problems' in wrong);
  assert.deepEqual([wrong.problems[0]!.line, wrong.problems[0]!.path], [4, 'cases.0.expect.outcome']);
});
