// `@outcome("approval")`: a person is asked exactly when every needed permit holds and every forbid that holds asks (rules §3.12).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PolicyAnswer } from '@writ/core';
import { loadPolicy } from '../cedar.ts';
import { agent, input, line, load, onServer, request, user } from '../testing.ts';
import type { EvaluatorParts } from './evaluator.ts';

const target = onServer('files', 'write_file');
const allow = [line('claude/orchestrator', 'files/write_file')];
const args = { path: '/srv/a', content: 'x' };

const asks = (id: string, condition = 'true') =>
  `@id("${id}") @outcome("approval") forbid (principal, action in Writ::Action::"tool.call", resource) when { ${condition} };`;
const refuses = (id: string, condition = 'true') =>
  `@id("${id}") forbid (principal, action, resource) when { ${condition} };`;
const overflow = 'context.depth + 9223372036854775807 > 0';

const permitted = 'claude/orchestrator';
const unpermitted = 'db/agent';

type Row = [why: string, cedar: string, asker: string, forbidsOnly: boolean, outcome: string, determining: string[]];
const table: Row[] = [
  ['a permit and a forbid that asks', asks('ask'), permitted, false, 'approval', ['ask']],
  ['all that ask are named', asks('b') + asks('a'), permitted, false, 'approval', ['a', 'b']],
  [
    'one that does not hold asks nothing',
    asks('ask', 'context.depth > 9'),
    permitted,
    false,
    'permit',
    ['allow.1.agent'],
  ],
  ['a yes of a person is no permit', asks('ask'), unpermitted, false, 'forbid', ['ask']],
  ['one forbid that refuses is enough', asks('ask') + refuses('no'), permitted, false, 'forbid', ['ask', 'no']],
  [
    'one that refuses elsewhere does not count',
    asks('ask') + refuses('no', 'context.depth > 9'),
    permitted,
    false,
    'approval',
    ['ask'],
  ],
  ['an error beside it', asks('ask') + refuses('no', overflow), permitted, false, 'error', ['ask']],
  ['an error of its own', asks('ask', overflow), permitted, false, 'error', ['allow.1.agent']],
  [
    'an erring permit beside a good one',
    `${asks('ask')} permit (principal, action, resource) when { ${overflow} };`,
    permitted,
    false,
    'error',
    ['ask'],
  ],
  ['an earlier actor needs no permit', asks('ask'), unpermitted, true, 'approval', ['ask']],
  [
    'of an earlier actor a refusing forbid counts',
    asks('ask') + refuses('no'),
    unpermitted,
    true,
    'forbid',
    ['ask', 'no'],
  ],
  ['of an earlier actor an error counts', asks('ask') + refuses('no', overflow), unpermitted, true, 'error', ['ask']],
  ['an earlier actor of whom nothing is said', asks('ask', 'context.depth > 9'), unpermitted, true, 'none', []],
];

const evaluators: [name: string, parts: EvaluatorParts][] = [
  ['compiled', {}],
  ['cedar-wasm', { compile: () => ({ judge: () => null }) }],
];

for (const [name, parts] of evaluators) {
  describe(`answered by ${name}`, () => {
    for (const [why, cedar, asker, forbidsOnly, outcome, determining] of table) {
      test(`${why}: ${outcome}`, () => {
        const loaded = loadPolicy(input(allow, cedar), parts);
        assert.ok('policy' in loaded, JSON.stringify(loaded));
        const asked = request({ asker: agent(asker), target, args });
        const answer: PolicyAnswer = loaded.policy.evaluate({ ...asked, forbidsOnly, decisionId: 'dec_1' });
        assert.deepEqual([answer.outcome, answer.determining], [outcome, determining]);
      });
    }
  });
}

test('what asks takes nothing off a list, what refuses does', () => {
  const listed = (cedar: string) => load(allow, cedar).policy.couldPermit(agent(permitted), target);
  assert.equal(listed(`@outcome("approval") forbid (principal, action, resource);`), true);
  assert.equal(listed('forbid (principal, action, resource);'), false);
  assert.equal(load([], asks('ask')).policy.couldPermit(user('howard'), target), false, 'asking permits nothing');
});

// Somebody who reads `@outcome("approval")` on a permit takes it for a question, and every call would go through unasked.
const misread: [text: string, says: RegExp][] = [
  ['@id("x") @outcome("approval") permit (principal, action, resource);', /stands on a permit/],
  ['@id("x") @outcome("aproval") forbid (principal, action, resource);', /`@outcome\("aproval"\)` is no outcome/],
  ['@id("x") @outcome("Approval") forbid (principal, action, resource);', /is no outcome/],
  ['@id("x") @outcome("deny") forbid (principal, action, resource);', /is no outcome/],
  ['@id("x") @outcome forbid (principal, action, resource);', /`@outcome` is no outcome/],
];
for (const [text, says] of misread) {
  test(`refused at load: ${text}`, () => {
    const loaded = loadPolicy(input(allow, `\n${text}`));
    assert.ok('problems' in loaded);
    assert.deepEqual(
      loaded.problems.map(({ line, path }) => [line, path]),
      [[2, 'x']],
    );
    assert.match(loaded.problems[0]!.says, says);
  });
}
