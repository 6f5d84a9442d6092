// AIP's two JSON encodings: what is made here is read here, and each way to bend one is refused with its code.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBase64Url } from '../../../std/base64.ts';
import { utf8 } from '../../../std/bytes.ts';
import { capEngine, keyNamed } from '../keys.fixture.ts';
import { mintCompact } from './compact.ts';
import { compact, ids, jwtChain, keyed, refusedJson } from './json-encodings.fixture.ts';
import { mintJwtChain } from './jwt-chain.ts';
import { isCapFault } from './link.ts';
import { ask, authority, idOf, nowSeconds, untilSeconds, world } from './links.fixture.ts';
import { type AipAsk, type AipWorld, verifyAip } from './verify.ts';

const root = keyNamed('root');
const judged = (token: string, over: Partial<AipAsk> = {}, around: Partial<AipWorld> = {}) =>
  verifyAip(token, ask(over), world(around), capEngine, nowSeconds);

test('a compact token names its holder, its ceiling in cents and its end', () => {
  const verified = judged(compact({ budgetCents: 150 }), { presenter: idOf('a1') });
  if (isCapFault(verified)) assert.fail(JSON.stringify(verified));
  assert.equal(verified.encoding, 'aip-compact');
  assert.equal(verified.holder, idOf('a1'));
  assert.equal(verified.effective.budgetCents, 150);
  assert.equal(verified.effective.untilSeconds, untilSeconds);
});

test('a compact token is the very bytes that draft -01 shows', () => {
  const [head, body] = compact({ budgetCents: 100, tools: ['tool:search'] }).split('.');
  assert.equal(head, toBase64Url(utf8('{"alg":"EdDSA","typ":"aip+jwt"}')));
  const told = `{"iss":"${idOf('root')}","sub":"${idOf('a1')}","scope":["tool:search"],"budget_usd":1,"max_depth":3,"iat":${nowSeconds},"exp":${untilSeconds}}`;
  assert.equal(body, toBase64Url(utf8(told)));
});

test('a JWT chain proves each delegator by the key that the link before names', () => {
  for (let depth = 0; depth <= 3; depth++) {
    const verified = judged(jwtChain(depth));
    if (isCapFault(verified)) assert.fail(JSON.stringify(verified));
    assert.deepEqual([verified.encoding, verified.delegatorsAuthenticated], ['aip-jwt-chain', true]);
    assert.equal(verified.holder, idOf(`a${depth}`));
  }
});

test('what an encoding cannot carry is not written in it (rules §2.13)', () => {
  assert.equal(mintCompact(authority({ delegate: idOf('a1'), domains: ['a.example'] }), nowSeconds, root), null);
  assert.equal(mintCompact(authority({ delegate: idOf('a1'), writ: { task: 't' } }), nowSeconds, root), null);
  assert.equal(mintJwtChain(authority({ delegate: idOf('a1') }), ids, root), null, 'no key');
  const bound = authority({ delegate: idOf('a1'), ...keyed('a1'), writ: { audience: 'https://a.example' } });
  assert.equal(mintJwtChain(bound, ids, root), null);
});

for (const [name, code, step, token, over] of refusedJson) {
  test(`${step}: ${name} is ${code}`, () => {
    const verdict = judged(token(), over);
    assert.ok(isCapFault(verdict), 'it was accepted');
    assert.deepEqual([verdict.denial.code, verdict.step], [code, step], JSON.stringify(verdict.denial.detail));
  });
}
