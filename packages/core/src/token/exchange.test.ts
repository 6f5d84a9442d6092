import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agent, agentUrl, hop, nowSeconds, rootLink, serverUrl, worldWith } from '../decision/world.fixture.ts';
import type { Budget, Chain } from './chain.ts';
import { type ExchangeWorld, judgeMove, judgeTake } from './exchange.ts';
import type { GenuineToken } from './judge-token.ts';

const { tokens } = worldWith();
const world: ExchangeWorld = {
  resources: tokens.resources,
  edges: tokens.edges,
  entitlements: new Map([['claude/orchestrator', ['files:read_file', 'files:write_file', 'db/agent:send']]]),
  lifeSecondsMax: 300,
};
const orchestrator = { principal: agent('claude/orchestrator'), key: 'claude/orchestrator' };
const ask = { audience: serverUrl('files'), scopes: ['files:read_file'] };

function held(budget: readonly Budget[]): GenuineToken {
  const own = hop('claude/orchestrator', agentUrl('db/agent'), { budget, row: 'row-of-the-take' });
  const chain: Chain = { task: 'tsk_1', links: [rootLink(), own] };
  return { id: 'jti', clientId: '', audience: '', expiresSeconds: nowSeconds + 60, chain, cnf: null, claims: {} };
}

function moved(from: readonly Budget[], asked?: readonly Budget[]) {
  const verdict = judgeMove(
    held(from),
    orchestrator,
    { ...ask, ...(asked ? { budget: asked } : {}) },
    world,
    nowSeconds,
  );
  assert.equal(verdict.outcome, 'pass', JSON.stringify(verdict));
  return verdict.facts;
}

test('a move keeps every ceiling it does not speak of', () => {
  const calls = { unit: 'calls', max: 3 };
  assert.deepEqual(moved([calls]).link.budget, [calls]);
  assert.deepEqual(moved([calls], [{ unit: 'EUR', max: 1 }]).link.budget, [{ unit: 'EUR', max: 1 }, calls]);
  assert.deepEqual(moved([calls], [{ unit: 'calls', max: 1 }]).link.budget, [{ unit: 'calls', max: 1 }]);
});

test('a move raises no ceiling', () => {
  const more = { ...ask, budget: [{ unit: 'calls', max: 4 }] };
  const verdict = judgeMove(held([{ unit: 'calls', max: 3 }]), orchestrator, more, world, nowSeconds);
  assert.equal(verdict.outcome === 'deny' && verdict.denial.code, 'token.constraint_widened');
});

test('what a hop has used up stays used up when it moves: it is counted at the row of its take', () => {
  assert.equal(moved([{ unit: 'calls', max: 3 }]).row, 'row-of-the-take');
});

test('a take is counted at a row of its own', () => {
  const chain: Chain = { task: 'tsk_1', links: [rootLink()] };
  const verdict = judgeTake({ ...held([]), chain }, false, orchestrator, ask, world, nowSeconds);
  assert.equal(verdict.outcome === 'pass' && verdict.facts.row, null);
});
