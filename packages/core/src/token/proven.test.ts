// Rules §2.15: what is remembered of a token is its signature and what it says, never whether it may be used.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { decide } from '../decision/decide.ts';
import {
  callOf,
  howard,
  issuer,
  nowSeconds,
  peerOf,
  serverUrl,
  shortChain,
  signJws,
  tokenFor,
  worldWith,
} from '../decision/world.fixture.ts';
import type { World } from '../decision/world.ts';
import type { DenialCode } from '../denial.ts';
import { nodeEngine } from '../node/engine.ts';
import { fromBase64Url } from '../std/base64.ts';
import type { PublicKey } from '../std/engine.ts';
import { readToken } from './judge-token.ts';
import { parseJws, TYP } from './jws.ts';
import type { Proven } from './proven.ts';
import { userKey } from './token-world.ts';

/** A world that remembers, and counts the signatures it checked. */
function remembering(world: World = worldWith()) {
  const held = new Map<string, Proven>();
  const count = { verified: 0 };
  const engine: World['engine'] = {
    ...nodeEngine,
    verify(...of) {
      count.verified++;
      return nodeEngine.verify(...of);
    },
  };
  const proven = {
    recall: (text: string) => held.get(text) ?? null,
    keep: (text: string, one: Proven) => void held.set(text, one),
  };
  const having = (over: Partial<World['tokens']> = {}): World => ({
    ...world,
    engine,
    tokens: { ...world.tokens, proven, ...over },
  });
  return { world: having(), with: having, held, count };
}

const codeOf = (world: World, token: string, call = {}, now = nowSeconds): DenialCode | 'allow' =>
  decide(callOf(token, call), world, now).denial?.code ?? 'allow';

const oldKeys = worldWith().tokens.issuers.get(issuer)!;
const issuersWith = (kid: string, key: PublicKey) => new Map([[issuer, new Map([[kid, key]])]]);

function newKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const key: PublicKey = { alg: 'EdDSA', x: fromBase64Url(publicKey.export({ format: 'jwk' }).x!)! };
  return { privateKey, key };
}

test('a token seen before is allowed without checking its signature again', () => {
  const { world, count } = remembering();
  const token = tokenFor(shortChain());
  assert.equal(codeOf(world, token), 'allow');
  assert.equal(codeOf(world, token), 'allow');
  assert.equal(count.verified, 1);
});

test('everything but the signature is judged at every call', () => {
  const { world, with: having } = remembering();
  const token = tokenFor(shortChain());
  assert.equal(codeOf(world, token), 'allow');
  const { revocations } = world.tokens;
  assert.equal(codeOf(world, token, {}, nowSeconds + 60), 'token.expired');
  assert.equal(codeOf(world, token, {}, nowSeconds - 10), 'token.not_yet_valid');
  assert.equal(codeOf(world, token, { resource: serverUrl('mail') }), 'token.wrong_audience');
  assert.equal(codeOf(world, token, { peer: peerOf('db/agent') }), 'token.bound_to_other_peer');
  assert.equal(codeOf(world, token, { scopes: ['files:delete'] }), 'token.scope_insufficient');
  const gone: readonly Partial<World['tokens']['revocations']>[] = [
    { rows: new Set(['jti-1']) },
    { rows: new Set(['row-root']) },
    { tasks: new Set(['tsk_1']) },
    { users: new Set([userKey(howard)]) },
    { agents: new Set(['spiffe://zylos.local/claude/orchestrator']) },
  ];
  for (const view of gone) {
    assert.equal(codeOf(having({ revocations: { ...revocations, ...view } }), token), 'token.revoked');
  }
  const stale = having({ revocations: { ...revocations, fresh: false } });
  assert.equal(codeOf(stale, token), 'gateway.store_unreachable');
  assert.equal(codeOf(having({ trustDomain: 'other.local' }), token), 'token.issuer_unknown');
  assert.equal(codeOf(having({ resources: new Map() }), token), 'token.delegator_mismatch');
  assert.equal(codeOf(world, token), 'allow');
});

test('one character changed anywhere is another token, however well the first is known', () => {
  const { world, held } = remembering();
  const token = tokenFor(shortChain());
  assert.equal(codeOf(world, token), 'allow');
  for (let i = 0; i < token.length; i++) {
    if (token[i] === '.') continue;
    const changed = `${token.slice(0, i)}${token[i] === 'A' ? 'B' : 'A'}${token.slice(i + 1)}`;
    assert.match(codeOf(world, changed), /^token\.(?:malformed|signature_invalid|issuer_unknown)$/, `at ${i}`);
  }
  for (const other of [`${token}A`, `${token}.`, ` ${token}`, token.slice(0, -1)]) {
    assert.match(codeOf(world, other), /^token\.(?:malformed|signature_invalid)$/);
  }
  assert.deepEqual([...held.keys()], [token], 'and nothing of them is remembered');
});

test('a known signature does not carry over to other claims, nor known claims to another signature', () => {
  const { world } = remembering();
  const [head, body, signature] = tokenFor(shortChain()).split('.');
  const [, widerBody, otherSignature] = tokenFor(shortChain({ scopes: ['files:*'] })).split('.');
  assert.equal(codeOf(world, `${head}.${body}.${signature}`), 'allow');
  assert.equal(codeOf(world, `${head}.${widerBody}.${signature}`), 'token.signature_invalid');
  assert.equal(codeOf(world, `${head}.${body}.${otherSignature}`), 'token.signature_invalid');
});

test('a refused signature is refused each time, and a world of the right key later is asked anew', () => {
  const { with: having, held, count } = remembering();
  const { privateKey, key } = newKey();
  const body = tokenFor(shortChain()).split('.')[1]!;
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
  const token = signJws({ alg: 'EdDSA', typ: TYP.accessToken, kid: 'k1' }, claims, privateKey);
  assert.equal(codeOf(having(), token), 'token.signature_invalid');
  assert.equal(codeOf(having(), token), 'token.signature_invalid');
  assert.deepEqual([count.verified, held.size], [2, 0]);
  assert.equal(codeOf(having({ issuers: issuersWith('k1', key) }), token), 'allow');
});

test('a key that was rotated away takes its tokens with it', () => {
  const { world, with: having, count } = remembering();
  const token = tokenFor(shortChain());
  assert.equal(codeOf(world, token), 'allow');
  const { key } = newKey();
  // Another key under the old name, the old key under another name, an issuer without keys, and no issuer.
  assert.equal(codeOf(having({ issuers: issuersWith('k1', key) }), token), 'token.signature_invalid');
  assert.equal(codeOf(having({ issuers: issuersWith('k2', oldKeys.get('k1')!) }), token), 'token.signature_invalid');
  assert.equal(codeOf(having({ issuers: new Map([[issuer, new Map()]]) }), token), 'token.signature_invalid');
  assert.equal(codeOf(having({ issuers: new Map() }), token), 'token.issuer_unknown');
  assert.equal(
    codeOf(having({ issuers: new Map([['https://other.example', oldKeys]]) }), token),
    'token.issuer_unknown',
  );
  const before = count.verified;
  const { x } = oldKeys.get('k1') as Extract<PublicKey, { alg: 'EdDSA' }>;
  assert.equal(codeOf(having({ issuers: issuersWith('k1', { alg: 'EdDSA', x: x.slice() }) }), token), 'allow');
  assert.equal(count.verified, before, 'the same key read again is the same key');
  // The same coordinates for another algorithm are another key.
  const es256: PublicKey = { alg: 'ES256', x, y: x };
  assert.equal(codeOf(having({ issuers: issuersWith('k1', es256) }), token), 'token.signature_invalid');
});

test('one kind of token never stands in for another because it is known', () => {
  const { world } = remembering();
  const token = tokenFor(shortChain());
  assert.equal(codeOf(world, token), 'allow');
  const read = readToken(token, world.tokens, world.engine, nowSeconds, { typ: TYP.continuation });
  assert.equal(read.outcome === 'deny' && read.denial.code, 'token.malformed');
});

test('verdicts with a memory are those without, the first time and the second', () => {
  const { world } = remembering();
  const plain = worldWith();
  const tokens = [
    tokenFor(shortChain()),
    tokenFor(shortChain(), { exp: nowSeconds }),
    tokenFor(shortChain(), { wc: [] }),
    tokenFor(shortChain(), { wc: undefined as never }),
    tokenFor(shortChain(), { scope: 'files:*' }),
    tokenFor(shortChain(), { jti: 7 }),
    tokenFor(shortChain(), { cnf: 'x' }),
    tokenFor(shortChain({ scopes: ['files:*'] })),
    tokenFor(shortChain(), {}, { kid: 'k9' }),
    tokenFor(shortChain(), {}, { typ: 'jwt' }),
    'a.b.c',
  ];
  for (const token of tokens) {
    const wanted = decide(callOf(token), plain, nowSeconds);
    for (let i = 0; i < 2; i++) assert.deepEqual(decide(callOf(token), world, nowSeconds), wanted);
  }
});

test('what is remembered cannot be presented: it has no signature', () => {
  const { world, held } = remembering();
  const token = tokenFor(shortChain());
  codeOf(world, token);
  assert.ok(parseJws(token)!.signature.length > 0);
  assert.deepEqual(Object.keys([...held.values()][0]!).sort(), ['chain', 'claims', 'header', 'key']);
});
