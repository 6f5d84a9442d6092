// The trust rules in Cedar and in core's plain form say the same: the same refusals and the same questions, of the same rules, in
// the same order, with the same codes about the same arguments (rules §3.10–3.12).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeTrust, type Question, type TrustFacts, type TrustPlaces } from '@writ/core';
import fc from 'fast-check';
import { loadPolicy } from '../cedar.ts';
import { agent, input, line, load, onServer, request } from '../testing.ts';
import { TRUST_RULES } from './trust-rules.ts';

const places: TrustPlaces = { target: '/t', value: '/v', date: '/d', activeToken: '/a', secret: '/s' };

const level = fc.constantFrom(0, 1, 2, 3, 4);
const anyFacts = fc.record({
  risk: fc.nat(5),
  baseRisk: fc.nat(5),
  effect: fc.constantFrom('read', 'write', 'money', 'unknown'),
  manifest: fc.boolean(),
  prompt: fc.constantFrom('direct', 'relayed', 'mandate', 'none', 'missing'),
  floor: level,
  // Its own fact here: a rule that read the floor instead would be found.
  tainted: fc.boolean(),
  inTask: fc.boolean(),
  target: fc.option(level),
  value: fc.option(level),
  datesGiven: fc.boolean(),
  activeToken: fc.option(level),
  secret: fc.constantFrom('none', 'leaves', 'unknown'),
}) as fc.Arbitrary<TrustFacts>;

const loaded = load([line('claude/orchestrator', 'files/read_file')], '', { trustRules: TRUST_RULES });
const asked = request({
  asker: agent('claude/orchestrator'),
  target: onServer('files', 'read_file'),
  args: { path: '/' },
});

/** What Cedar's determining policies say, as the plain form says it. */
function cedarSays(facts: TrustFacts): { outcome: string; denials: Question[]; questions: Question[] } {
  const { outcome, determining, errors } = loaded.policy.evaluate({
    ...asked,
    context: { ...asked.context, trust: facts },
  });
  assert.deepEqual(errors, []);
  const spoke = TRUST_RULES.filter(({ id }) => determining.includes(id));
  const told = (asks: boolean) =>
    spoke
      .filter((one) => one.asks === asks)
      .map(({ rule, code, place }) => ({ rule, code, argument: place === null ? null : places[place] }));
  return { outcome, denials: told(false), questions: told(true) };
}

const numRuns = 25_000;
const seed = Math.floor(Math.random() * 2 ** 31);

test(`over ${numRuns} random facts, seed ${seed}`, () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { denials, questions } = judgeTrust(facts, places);
      const outcome = denials.length > 0 ? 'forbid' : questions.length > 0 ? 'approval' : 'permit';
      assert.deepEqual(cedarSays(facts), { outcome, denials, questions });
      for (const { rule } of [...denials, ...questions]) seen.set(rule, (seen.get(rule) ?? 0) + 1);
    }),
    { numRuns, seed },
  );
  // Every rule was heard, so that none agrees by saying nothing.
  assert.deepEqual([...seen.keys()].sort(), [...new Set(TRUST_RULES.map(({ rule }) => rule))].sort());
  assert.ok(
    [...seen.values()].every((times) => times > 500),
    JSON.stringify([...seen]),
  );
});

test('a request whose trust facts did not arrive is refused', () => {
  assert.equal(loaded.policy.evaluate(asked).outcome, 'error');
});

test('facts that are out of place are refused', () => {
  const facts = { ...fc.sample(anyFacts, 1)[0]!, target: '4' as never };
  assert.equal(loaded.policy.evaluate({ ...asked, context: { ...asked.context, trust: facts } }).outcome, 'error');
});

test('where requests carry no trust facts, a policy that reads them does not load', () => {
  const reads = '@id("mine") forbid (principal, action, resource) when { context.trust.floor < 2 };';
  assert.ok('problems' in loadPolicy(input([], reads)));
  assert.ok('policy' in loadPolicy(input([], reads, { trustRules: [] })));
});

test('nobody else speaks under the ids of the shipped rules', () => {
  for (const id of ['writ.trust.target', 'writ.trust.of_my_own', 'writ.unbound']) {
    const result = loadPolicy(input([], `@id("${id}") permit (principal, action, resource);`));
    assert.ok('problems' in result);
    assert.match(result.problems[0]!.says, /taken by Writ's own rules/);
  }
});
