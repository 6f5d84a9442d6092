// AIP's two JSON encodings: what is made here is read here, and each way to bend one is refused with its code.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBase64Url } from '../../../std/base64.ts';
import { utf8 } from '../../../std/bytes.ts';
import type { JsonObject } from '../../../std/json.ts';
import { capEngine, keyNamed } from '../keys.fixture.ts';
import { mintCompact } from './compact.ts';
import { compact, ids, jwtChain, keyed, refusedJson } from './json-encodings.fixture.ts';
import { parseAipJwt, signAipJwt } from './jwt.ts';
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

test('a ceiling is exact: no fraction of a cent is lost or won', () => {
  const { claims } = parseAipJwt(compact())!;
  const codeOf = (over: JsonObject) => {
    const verdict = judged(signAipJwt('aip+jwt', { ...claims, ...over }, root));
    return isCapFault(verdict) ? verdict.denial.code : verdict.effective.budgetCents;
  };
  for (const [dollars, cents] of [
    [0.29, 29],
    [1.1, 110],
    [1e2, 10_000],
    [4503599627370.49, 450_359_962_737_049],
    [0.290000000001, 'token.malformed'],
    [0.1 + 0.2, 'token.malformed'],
    [1e-9, 'token.malformed'],
    [1e300, 'token.malformed'],
  ] as const)
    assert.equal(codeOf({ budget_usd: dollars }), cents, String(dollars));
  // Too much for dollars as a number to be told to the cent: refused, and never a cent more (rules §2.13).
  for (let budgetCents = Number.MAX_SAFE_INTEGER - 20; budgetCents <= Number.MAX_SAFE_INTEGER; budgetCents++) {
    const text = mintCompact(authority({ delegate: idOf('a1'), budgetCents }), nowSeconds, root);
    const read = text === null ? null : judged(text);
    if (read) assert.equal(isCapFault(read) ? read.denial.code : read.effective.budgetCents, budgetCents);
  }
});

for (const [name, code, step, token, over] of refusedJson) {
  test(`${step}: ${name} is ${code}`, () => {
    const verdict = judged(token(), over);
    assert.ok(isCapFault(verdict), 'it was accepted');
    assert.deepEqual([verdict.denial.code, verdict.step], [code, step], JSON.stringify(verdict.denial.detail));
  });
}
