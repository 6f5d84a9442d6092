import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTEXT_NAMES } from '../schema.ts';
import { ISSUER, line, load } from '../testing.ts';
import { type GuardResult, givenNames, type PolicyGuard, proveGuard, readGuards } from './guards.ts';
import { view } from './testing.ts';

const allow = [
  line('claude/orchestrator', 'files/read_file'),
  line('claude/orchestrator', 'mail/send', { where: new Map([['/subject', { oneOf: ['report'] }]]) }),
  line('db/reader', 'files/write_file', { users: ['ada'] }),
];

const prove = (guard: Omit<PolicyGuard, 'name'>, cedar = ''): GuardResult =>
  proveGuard(view(load(allow, cedar)), { name: 'guard', ...guard });

const open = ({ open }: GuardResult) => open.map(({ caller, user, action, weight }) => [caller, user, action, weight]);

test('what no policy permits is proven, for every caller and anybody', () => {
  const result = prove({ never: { call: 'files/list.names' } });
  assert.deepEqual([result.proven, result.weighed], [true, 4]);
});

test('one that a line permits stays open, with who and through which policies', () => {
  const result = prove({ never: { call: 'files/write_file' } });
  assert.deepEqual(open(result), [['db/reader', 'ada', 'files/write_file', 'always']]);
  assert.deepEqual(result.open[0]!.policies, ['allow.3.agent', 'allow.3.user']);
  assert.equal(result.proven, false);
});

test('the same for the people who are not allowed it is proven', () => {
  assert.ok(prove({ never: { call: 'files/write_file', user: 'howard' } }).proven);
  assert.ok(prove({ never: { call: 'files/write_file', agent: ['db/agent', 'client:desktop'] } }).proven);
});

test('an argument nobody knows leaves a call open', () => {
  assert.deepEqual(open(prove({ never: { call: 'mail/*' } })), [
    ['claude/orchestrator', 'ada', 'mail/send', 'maybe'],
    ['claude/orchestrator', 'howard', 'mail/send', 'maybe'],
  ]);
});

test('a forbid proves a guard, and only under the facts it speaks of', () => {
  const shallow =
    '@id("shallow") forbid(principal, action in Writ::Action::"tool.call", resource) when { context.depth > 1 };';
  assert.ok(prove({ never: { call: ['files/*', 'mail/*'] }, given: { depth: 2 } }, shallow).proven);
  assert.equal(prove({ never: { call: ['files/*', 'mail/*'] }, given: { depth: 1 } }, shallow).proven, false);
  assert.equal(prove({ never: { call: ['files/*', 'mail/*'] } }, shallow).proven, false);
});

test('an effect is what a reviewed manifest calls it', () => {
  assert.equal(prove({ never: { effect: 'message' } }).proven, false);
  assert.ok(
    prove({ never: { effect: 'message' } }, 'forbid(principal, action == Writ::Action::"mail/send", resource);').proven,
  );
});

test('a rule that asks a person is enough for `neverUnasked`, and not for `never`', () => {
  const asks = '@outcome("approval") forbid(principal, action == Writ::Action::"mail/send", resource);';
  assert.ok(prove({ neverUnasked: { call: 'mail/send' } }, asks).proven);
  assert.deepEqual(
    new Set(prove({ never: { call: 'mail/send' } }, asks).open.map(({ weight }) => weight)),
    new Set(['asks']),
  );
});

test('people whom only a policy names, and people of any other name, are not forgotten', () => {
  const guest = `permit(principal == Writ::User::"https://other.example eve", action, resource) when { context.depth == 1 };`;
  const anyRoot = 'permit(principal is Writ::User, action, resource) when { principal.sub == "root" };';
  const agents = 'permit(principal == Writ::Agent::"spiffe://zylos.local/db/agent", action, resource);';
  const users = (cedar: string) =>
    prove({ never: { call: 'files/list.names' } }, agents + cedar).open.map(({ user }) => user);
  assert.deepEqual(users(guest), ['https://other.example eve']);
  assert.deepEqual(users(anyRoot), [null]);
  assert.deepEqual(users(`permit(principal == Writ::User::"${ISSUER} howard", action, resource);`), ['howard']);
});

test('a guard that speaks of nothing here proves nothing', () => {
  const guards: [NonNullable<PolicyGuard['never']>, string[]][] = [
    [{ call: 'files/delete' }, ['files/delete']],
    [{ agent: ['db/agent', 'db/agnet'], call: 'files/list.names' }, ['db/agnet']],
    [{ user: 'eve', call: 'files/write_file' }, ['eve']],
    [{ effect: 'money' }, ['money']],
  ];
  for (const [never, strange] of guards) {
    const result = prove({ never });
    assert.deepEqual([result.proven, result.unknown], [false, strange]);
  }
  assert.deepEqual(prove({ never: { riskAtLeast: 5 } }).proven, false);
});

test('every fact that policy can look at may be given, but for the parties, the arguments and the trust facts', () => {
  const others = ['actor', 'root', 'trust', 'input', 'holds'];
  assert.deepEqual([...givenNames].sort(), CONTEXT_NAMES.filter((name) => !others.includes(name)).sort());
});

const file = (text: string) => readGuards({ path: 'policy/a.guards.yaml', text });

test('a file of guards is read whole', () => {
  const read = file(
    'guards:\n  - name: a\n    never: { call: "files/*", riskAtLeast: 4 }\n    given: { depth: 3, protocol: mcp }\n',
  );
  assert.ok('value' in read);
  assert.deepEqual(read.value, [
    { name: 'a', never: { call: 'files/*', riskAtLeast: 4 }, given: { depth: 3, protocol: 'mcp' } },
  ]);
});

for (const [why, text, line, says] of [
  ['a fact that no request has', 'guards:\n  - name: a\n    never: {}\n    given: { flor: 1 }\n', 4, /flor|invalid/i],
  ['both kinds at once', 'guards:\n  - name: a\n    never: {}\n    neverUnasked: {}\n', 2, /either/],
  ['a fact of another type', 'guards:\n  - name: a\n    never: {}\n    given: { depth: three }\n', 4, /number/],
  ['a misspelt key', 'guards:\n  - name: a\n    never: { tool: x }\n', 3, /tool/],
  ['no guards', 'guards: []\n', 1, /./],
  ['a key twice', 'guards:\n  - name: a\n    name: b\n', 3, /unique/],
] as const) {
  test(`${why} is told with its place`, () => {
    const read = file(text);
    assert.ok('problems' in read);
    assert.equal(read.problems[0]!.line, line, JSON.stringify(read.problems));
    assert.match(read.problems[0]!.says, says);
  });
}
