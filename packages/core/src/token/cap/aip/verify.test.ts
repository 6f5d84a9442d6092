// Each step of AIP's verification with the code it answers, on tokens forged below any library, and each gap of lab aip §3.8.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeBiscuit } from '../biscuit/container.ts';
import { capEngine, keyNamed } from '../keys.fixture.ts';
import { oracleRefusal } from '../oracle.fixture.ts';
import { parseChained } from './chained.ts';
import { aipCodeOf } from './codes.ts';
import { forgeBlock, plainDelegation } from './forge.fixture.ts';
import { isCapFault } from './link.ts';
import { append, ask, chainOf, delegation, idOf, mint, nowSeconds, world } from './links.fixture.ts';
import { refused } from './refused.fixture.ts';
import { type AipAsk, type AipWorld, verifyAip } from './verify.ts';

const judged = (token: string, over: Partial<AipAsk> = {}, around: Partial<AipWorld> = {}) =>
  verifyAip(token, ask(over), world(around), capEngine, nowSeconds);

test('a chain of five delegations, each signed by its delegator, holds what its last link says', () => {
  for (let depth = 0; depth <= 3; depth++) {
    const verified = judged(chainOf(depth));
    if (isCapFault(verified)) assert.fail(JSON.stringify(verified));
    assert.equal(verified.delegatorsAuthenticated, true);
    assert.equal(verified.holder, idOf(depth === 0 ? 'root' : `a${depth}`));
    assert.equal(verified.effective.depthLeft, 3 - depth);
    assert.equal(verified.blockIds.length, depth + 1);
  }
});

for (const [name, code, step, block, token, over, around] of refused) {
  test(`${step}: ${name} is ${aipCodeOf(code)}`, () => {
    const verdict = judged(token(), over, around);
    assert.ok(isCapFault(verdict), 'it was accepted');
    assert.deepEqual(
      { code: verdict.denial.code, step: verdict.step, block: verdict.block },
      { code, step, block },
      JSON.stringify(verdict.denial.detail),
    );
  });
}

test('V7: a withdrawn block takes what came after it along (rules §2.13)', () => {
  const token = chainOf(2);
  const verified = judged(token);
  if (isCapFault(verified)) assert.fail();
  for (const [i, id] of verified.blockIds.entries()) {
    const verdict = judged(token, {}, { isRevoked: (one) => one === id });
    assert.ok(
      isCapFault(verdict) && verdict.denial.code === 'token.revoked' && verdict.step === 'V7' && verdict.block === i,
    );
  }
});

test('plain AIP is accepted only where that is said, and the verdict says that nobody proved the delegations', () => {
  const plain = forgeBlock(mint(), plainDelegation('root', 'a1'));
  assert.ok(isCapFault(judged(plain)));
  const verified = judged(plain, {}, { delegatorsMustSign: false });
  assert.ok(!isCapFault(verified) && !verified.delegatorsAuthenticated);
  // A signature that is there and wrong is never plain.
  assert.ok(
    isCapFault(judged(append(mint(), delegation('root', 'a1'), keyNamed('thief')), {}, { delegatorsMustSign: false })),
  );
});

test('a root that has taken a new key still signs for what it gave with the old one, while both are valid', () => {
  const id = 'aip:web:example.org/root';
  const root = mint({ issuer: id });
  const handed = append(root, { ...delegation('root', 'a1'), issuer: id }, keyNamed('new root'));
  const keys = ['root', 'new root'].map((name) => keyNamed(name).publicKey);
  const verified = judged(handed, {}, { roots: [{ id, keys }] });
  assert.ok(!isCapFault(verified) && verified.delegatorsAuthenticated);
  assert.ok(isCapFault(judged(handed, {}, { roots: [{ id, keys: keys.slice(0, 1) }] })));
});

test('nothing is accepted here that the reference refuses', () => {
  const root = keyNamed('root').publicKey;
  for (const [name, , , , token, over] of refused) {
    const parsed = parseChained(token());
    const tool = over?.tools?.[0] ?? 'tool:search';
    if (!parsed || tool.includes('"')) continue;
    const theirs = oracleRefusal(writeBiscuit(parsed), root, { tool, nowSeconds, depth: 0 });
    const ours = judged(token(), over, { delegatorsMustSign: false });
    if (!isCapFault(ours)) assert.equal(theirs, null, name);
  }
});
