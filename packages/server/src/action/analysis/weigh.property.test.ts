// What is weighed with facts unknown never contradicts what the plane decides once they are known.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { agent, line, load, request, user } from '../testing.ts';
import { view } from './testing.ts';
import { type Known, weigh, weightOf } from './weigh.ts';

const conditions = [
  'context.depth > 2',
  'context.depth + 9223372036854775806 > 1',
  'context.actor == "spiffe://zylos.local/db/reader"',
  'context.protocol == "mcp" && context.scopes.contains("files:read_file")',
  'context.via.contains("spiffe://zylos.local/db/agent")',
  'context.root.sub == "howard"',
  'context.risk >= 4',
  'context.now < datetime("2027-01-01T00:00:00Z")',
  'principal is Writ::Agent',
  'principal is Writ::User && principal.sub == "ada"',
  'resource is Writ::Tool && resource.risk > 3',
  'context.task == "tsk_1"',
  'context.now > datetime("2030-01-01") && context.depth < 9223372036854775807',
];
const policy = fc.record({
  effect: fc.constantFrom('permit', 'forbid', 'ask'),
  condition: fc.constantFrom(...conditions),
});
const wordsOf = (effect: string) => (effect === 'ask' ? '@outcome("approval") forbid' : effect);
const actors = ['claude/orchestrator', 'db/agent', 'db/reader'] as const;

test('never, asks and always are promises', () => {
  fc.assert(
    fc.property(
      fc.array(policy, { maxLength: 4 }),
      fc.constantFrom(...actors),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      fc.subarray(['actor', 'depth', 'protocol', 'task', 'via', 'scopes', 'now']),
      fc.boolean(),
      (policies, actor, depth, asUser, facts, rootKnown) => {
        const text = policies
          .map(({ effect, condition }) => `${wordsOf(effect)} (principal, action, resource) when { ${condition} };`)
          .join('\n');
        const loaded = load([line('claude/orchestrator', 'files/read_file')], text);
        const plane = view(loaded);
        const operation = plane.operations.find((one) => one.action === 'files/read_file')!;
        const asker = asUser ? user('howard') : agent(actor);
        const asked = request({ asker, target: operation.target, args: { path: '/a' }, actor, depth });
        const { context } = asked;
        const all: Known = {
          actor: context.actor,
          depth,
          protocol: context.protocol,
          task: context.task,
          via: [...context.via],
          scopes: [...context.scopes],
          now: new Date(context.nowSeconds * 1000).toISOString(),
        };
        const known = Object.fromEntries(facts.map((name) => [name, all[name]!]));
        const weight = weightOf(weigh(plane, asker, operation, known, asUser || rootKnown ? context.root : null));
        const { outcome } = loaded.policy.evaluate(asked);
        if (weight === 'never') assert.ok(outcome !== 'permit' && outcome !== 'approval', text);
        if (weight === 'asks') assert.notEqual(outcome, 'permit', text);
        if (weight === 'always') assert.equal(outcome, 'permit', text);
      },
    ),
    { numRuns: 200 },
  );
});
