import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agent, line, load, user } from '../testing.ts';
import { view } from './testing.ts';
import { anybody, weigh, weightOf } from './weigh.ts';

const allow = [
  line('claude/orchestrator', 'files/read_file'),
  line('db/reader', 'files/list.names', { users: ['ada'] }),
];

function weightIn(cedar: string, asker: Parameters<typeof weigh>[1], action: string, known = {}): string {
  const plane = view(load(allow, cedar));
  const operation = plane.operations.find((one) => one.action === action)!;
  return weightOf(weigh(plane, asker, operation, known));
}

const orchestrator = agent('claude/orchestrator');
const actor = { actor: 'spiffe://zylos.local/claude/orchestrator' };

const weights: [why: string, expected: string, ...ask: Parameters<typeof weightIn>][] = [
  ['a plain permit holds whatever is unknown', 'always', '', orchestrator, 'files/read_file'],
  ['nothing permits', 'never', '', orchestrator, 'files/write_file'],
  ['a person is permitted through that actor', 'always', '', user('howard'), 'files/read_file', actor],
  ['through which actor is not known', 'maybe', '', user('howard'), 'files/read_file'],
  ['a person whom nobody lists', 'never', '', anybody, 'files/read_file', actor],
  [
    'a forbid that depends',
    'maybe',
    'forbid(principal, action, resource) when { context.depth > 2 };',
    orchestrator,
    'files/read_file',
  ],
  [
    'the same once it is known',
    'never',
    'forbid(principal, action, resource) when { context.depth > 2 };',
    orchestrator,
    'files/read_file',
    { depth: 3 },
  ],
  [
    'and the other way',
    'always',
    'forbid(principal, action, resource) when { context.depth > 2 };',
    orchestrator,
    'files/read_file',
    { depth: 2 },
  ],
  [
    'a forbid that asks',
    'asks',
    '@outcome("approval") forbid(principal, action, resource);',
    orchestrator,
    'files/read_file',
  ],
  [
    'a forbid that asks beside one that does not',
    'never',
    '@outcome("approval") forbid(principal, action, resource); forbid(principal, action, resource);',
    orchestrator,
    'files/read_file',
  ],
  [
    'an argument that nobody knows',
    'maybe',
    'forbid(principal, action == Writ::Action::"files/read_file", resource) when { context.input.path like "/etc/*" };',
    orchestrator,
    'files/read_file',
  ],
  [
    'an error is a refusal',
    'never',
    'forbid(principal, action, resource) when { context.depth + 9223372036854775807 > 1 };',
    orchestrator,
    'files/read_file',
    { depth: 3 },
  ],
  [
    'a permit for any name at all',
    'maybe',
    'permit(principal is Writ::User, action, resource) when { principal.sub == "root" };',
    anybody,
    'files/write_file',
  ],
];

const overflow = 'context.depth + 9223372036854775806 > 1';
const harmless = `context.task == "a" || (if context.via.contains("x") then resource.risk > 1 else context.protocol like "m*")`;

test('a policy that may yet fail takes the certainty away, and one that cannot does not', () => {
  const permit = (when: string) =>
    `permit(principal, action == Writ::Action::"files/read_file", resource is Writ::Tool) when { ${when} };`;
  assert.equal(weightIn(permit(overflow), orchestrator, 'files/read_file'), 'maybe');
  assert.equal(weightIn(permit(harmless), orchestrator, 'files/read_file'), 'always');
});

for (const [why, expected, ...ask] of weights) {
  test(`${why}: ${expected}`, () => assert.equal(weightIn(...ask), expected));
}

test('a known time is weighed, and never at the price of a rounded number', () => {
  const permit = (when: string) =>
    `permit(principal, action == Writ::Action::"files/write_file", resource) when { ${when} };`;
  const now = { now: '2027-01-01T00:00:00.000Z' };
  const after = 'context.now > datetime("2026-01-01")';
  const weight = (when: string) => weightIn(permit(when), orchestrator, 'files/write_file', now);
  assert.equal(weight(after), 'always');
  assert.equal(weight(`!(${after})`), 'never');
  assert.equal(weight(`${after} && context.depth > 1`), 'maybe');
  // Two longs that JavaScript takes for one.
  assert.notEqual(weight(`${after} && 9007199254740993 == 9007199254740992`), 'always');
});

test('a policy that holds or may hold is named, and no other', () => {
  const plane = view(load(allow, '@id("deep") forbid(principal, action, resource) when { context.depth > 2 };'));
  const operation = plane.operations.find(({ action }) => action === 'files/read_file')!;
  assert.deepEqual(weigh(plane, orchestrator, operation, {}).policies, ['allow.1.agent', 'deep']);
  assert.deepEqual(weigh(plane, orchestrator, operation, { depth: 1 }).policies, ['allow.1.agent']);
});
