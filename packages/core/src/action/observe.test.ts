// Watched only (rules §7.3): check 3 does not stop the call, and what is not check 3's to say holds as ever.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../decision/decide.ts';
import { callOf, nowSeconds, permitAll, shortChain, tokenFor, worldWith } from '../decision/world.fixture.ts';
import type { World } from '../decision/world.ts';
import type { Chain } from '../token/chain.ts';
import type { Policy } from './policy.ts';
import { factsOfNothing, type TaskWorld } from './task-world.ts';
import type { ToolTrust } from './trust/manifest.ts';

const pay: ToolTrust = { risk: 4, effect: 'money', args: { '/amount': { role: 'value', currency: 'EUR' } } };
const forbidding: Policy = {
  ...permitAll,
  definition: () => ({
    ...{ digest: 'sha256:d', reviewed: true, risk: 4, manifest: true, trust: pay },
    checkArguments: () => null,
  }),
  evaluate: () => ({ outcome: 'none', determining: [], errors: [] }),
};
const watching: World = { ...worldWith({ policy: forbidding }), modeOf: () => 'observe' };
const call = (chain: Chain, amount = 40) => callOf(tokenFor(chain), { arguments: { amount } });
const withBudget = shortChain({ budget: [{ unit: 'EUR', max: 5_000 }] });

test('what no policy permits goes through, and says what would have become of it', () => {
  const { outcome, action, overlaps } = decide(call(shortChain()), watching, nowSeconds);
  assert.deepEqual([outcome, overlaps], ['allow', false]);
  assert.equal(action.facts?.observed?.denial.code, 'action.policy_forbids');
});

test('the chain’s own ceiling on money is debited, and holds', () => {
  const { claims } = decide(call(withBudget), watching, nowSeconds);
  assert.deepEqual(
    claims.map((claim) => claim.kind === 'budget' && [claim.unit, claim.amount]),
    [['EUR', 4_000]],
  );
  assert.equal(decide(call(withBudget, 60), watching, nowSeconds).denial?.code, 'token.budget_exceeded');
  assert.equal(decide(call(withBudget, 0.001), watching, nowSeconds).denial?.code, 'token.restriction_unknown');
});

test('a secret of the broker leaves in no argument, whatever else was wrong with the call', () => {
  const tasks: TaskWorld = {
    judge: (asked, _, definition) => ({
      facts: factsOfNothing(asked, definition),
      denials: [{ rule: 'writ.secret.broker', code: 'action.secret_in_arguments', argument: '/amount' }],
      questions: [],
      provenance: {},
      floor: { task: 1, residue: 1, used: 1 },
    }),
  };
  const { denial } = decide(call(shortChain()), { ...watching, tasks }, nowSeconds);
  assert.equal(denial?.code, 'action.secret_in_arguments');
});

test('`off` is told in no record, and risk 5 is judged as ever', () => {
  const off: World = { ...watching, modeOf: () => 'off' };
  const { outcome, action } = decide(call(shortChain()), off, nowSeconds);
  assert.deepEqual([outcome, action.facts?.observed], ['allow', null]);
  const definition = { ...forbidding.definition({} as never)!, risk: 5 };
  const grave: World = { ...watching, policy: { ...forbidding, definition: () => definition } };
  assert.equal(decide(call(shortChain()), grave, nowSeconds).denial?.code, 'action.policy_forbids');
});
