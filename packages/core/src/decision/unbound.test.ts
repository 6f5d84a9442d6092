// Tokens of OAuth clients without a key (rules §1.2): good for little without a person.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Policy } from '../action/policy.ts';
import { unknownTool } from '../action/trust/manifest.ts';
import type { Chain } from '../token/chain.ts';
import { decide } from './decide.ts';
import { callOf, issuer, nowSeconds, permitAll, rootLink, serverUrl, tokenFor, worldWith } from './world.fixture.ts';

const client = (id: string): Chain => ({
  task: 'tsk_1',
  links: [
    rootLink({ audience: issuer }),
    {
      ...rootLink({ depth: 2, row: 'row-client' }),
      actor: { iss: issuer, sub: id },
      audience: serverUrl('files'),
      scopes: ['files:read_file'],
    },
  ],
});
const onOauth = { peer: { listener: 'oauth', remote: '127.0.0.1:1' } } as const;
const withRisk = (risk: number): Policy => ({
  ...permitAll,
  definition: () => ({
    digest: 'sha256:d',
    reviewed: true,
    risk,
    manifest: true,
    trust: unknownTool,
    checkArguments: () => null,
  }),
});

for (const risk of [0, 1]) {
  test(`an unbound token is enough for risk ${risk}`, () => {
    const call = callOf(tokenFor(client('desktop')), onOauth);
    assert.equal(decide(call, worldWith({ policy: withRisk(risk) }), nowSeconds).outcome, 'allow');
  });
}

for (const risk of [2, 3, 4, 5]) {
  test(`an unbound token asks a person first at risk ${risk}`, () => {
    const call = callOf(tokenFor(client('desktop')), onOauth);
    const world = worldWith({ policy: withRisk(risk) });
    const asked = decide(call, world, nowSeconds);
    assert.deepEqual([asked.outcome, asked.denial?.code], ['approval', 'action.approval_required']);
    assert.deepEqual(asked.ask?.rules, ['writ.unbound']);
    const { requestKey, rules } = asked.ask!;
    const yes = { id: 'apr_1', requestKey, digest: 'sha256:y', rules, notAfterSeconds: nowSeconds + 60 };
    const granted = decide(call, { ...world, approvals: [yes] }, nowSeconds);
    assert.equal(granted.outcome, 'allow');
    assert.deepEqual(granted.claims, [{ kind: 'approval', id: 'apr_1', digest: 'sha256:y' }]);
  });
}

test('a policy that forbids is not asked about again by a person', () => {
  const policy: Policy = { ...withRisk(4), evaluate: () => ({ outcome: 'forbid', determining: ['no'], errors: [] }) };
  const decision = decide(callOf(tokenFor(client('desktop')), onOauth), worldWith({ policy }), nowSeconds);
  assert.equal(decision.outcome, 'deny');
});

test('a client that is not listed for it gets nowhere without a key', () => {
  const decision = decide(callOf(tokenFor(client('strict')), onOauth), worldWith(), nowSeconds);
  assert.equal(decision.denial?.code, 'token.unbound');
});

test('the scheme DPoP promises a proof, so an unbound token under it is refused', () => {
  const credential = {
    kind: 'jwt',
    scheme: 'DPoP',
    value: tokenFor(client('desktop')),
    proof: null,
    method: 'POST',
  } as const;
  const decision = decide(callOf(null, { ...onOauth, credential }), worldWith(), nowSeconds);
  assert.equal(decision.denial?.code, 'token.proof_invalid');
});
