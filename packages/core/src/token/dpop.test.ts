import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import type { DenialCode } from '../denial.ts';
import { nodeEngine } from '../node/engine.ts';
import { toBase64Url } from '../std/base64.ts';
import { utf8 } from '../std/bytes.ts';
import type { JsonObject } from '../std/json.ts';
import { judgeProof, type ProofAsk } from './dpop.ts';

const now = 1_800_000_000;
const url = 'http://127.0.0.1:8480/mcp/files';
const token = 'the.access.token';
const ed = generateKeyPairSync('ed25519');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const sha = (text: string) => createHash('sha256').update(text).digest('base64url');

function jwkOf({ publicKey }: { publicKey: KeyObject }): JsonObject {
  return publicKey.export({ format: 'jwk' }) as JsonObject;
}

function thumbprint(jwk: JsonObject): string {
  const names = jwk.kty === 'OKP' ? ['crv', 'kty', 'x'] : ['crv', 'kty', 'x', 'y'];
  return sha(JSON.stringify(Object.fromEntries(names.map((name) => [name, jwk[name]]))));
}

interface Forge {
  readonly header?: JsonObject;
  readonly claims?: JsonObject;
  readonly by?: { publicKey: KeyObject; privateKey: KeyObject };
  readonly signedBy?: KeyObject;
}

function proof({ header, claims, by = ed, signedBy = by.privateKey }: Forge = {}): string {
  const jwk = jwkOf(by);
  const part = (value: JsonObject) => toBase64Url(utf8(JSON.stringify(value)));
  const alg = jwk.kty === 'OKP' ? 'EdDSA' : 'ES256';
  const input = `${part({ typ: 'dpop+jwt', alg, jwk, ...header })}.${part({ jti: 'p1', htm: 'POST', htu: url, iat: now, ath: sha(token), ...claims })}`;
  const signature =
    signedBy.asymmetricKeyType === 'ed25519'
      ? sign(null, utf8(input), signedBy)
      : sign('sha256', utf8(input), { key: signedBy, dsaEncoding: 'ieee-p1363' });
  return `${input}.${toBase64Url(signature)}`;
}

const ask = (over: Partial<ProofAsk> = {}): ProofAsk => ({
  proof: proof(),
  method: 'POST',
  token,
  thumbprint: thumbprint(jwkOf(ed)),
  url,
  ...over,
});

test('a proof for this request, this token and this key becomes a claim on its id', () => {
  const verdict = judgeProof(ask(), nodeEngine, now);
  assert.equal(verdict.outcome, 'pass');
  assert.deepEqual(verdict.outcome === 'pass' && verdict.facts, {
    kind: 'once',
    key: `dpop ${thumbprint(jwkOf(ed))} p1`,
    untilSeconds: now + 120,
  });
});

test('P-256 keys prove as well, and a query in htu does not matter', () => {
  const by = { by: ec, claims: { htu: `${url}?x=1` } };
  assert.equal(
    judgeProof(ask({ proof: proof(by), thumbprint: thumbprint(jwkOf(ec)) }), nodeEngine, now).outcome,
    'pass',
  );
});

const refused: [name: string, over: Partial<ProofAsk>, code?: DenialCode][] = [
  ['no proof', { proof: null }],
  ['text that is no proof', { proof: 'a.b.c' }],
  ['a proof of four parts', { proof: `${proof()}.x` }],
  ['another kind of token', { proof: proof({ header: { typ: 'at+jwt' } }) }],
  ['an algorithm that is not the key’s', { proof: proof({ header: { alg: 'ES256' } }) }],
  ['no algorithm', { proof: proof({ header: { alg: 'none' } }) }],
  ['a private key in the header', { proof: proof({ header: { jwk: { ...jwkOf(ed), d: 'AAAA' } } }) }],
  ['a symmetric key', { proof: proof({ header: { jwk: { kty: 'oct', k: 'AAAA' } } }) }],
  ['an unknown critical member', { proof: proof({ header: { crit: ['b64'] } }) }],
  ['a signature of somebody else', { proof: proof({ signedBy: generateKeyPairSync('ed25519').privateKey }) }],
  ['somebody else’s key', { proof: proof({ by: ec }) }, 'token.bound_to_other_key'],
  ['another method', { method: 'GET' }],
  ['another URL', { url: 'http://127.0.0.1:8480/mcp/mail' }],
  ['another port', { url: 'http://127.0.0.1:8481/mcp/files' }],
  ['another token', { token: 'other' }],
  ['no token digest', { proof: proof({ claims: { ath: null } }) }],
  ['an old proof', { proof: proof({ claims: { iat: now - 61 } }) }],
  ['a proof from the future', { proof: proof({ claims: { iat: now + 61 } }) }],
  ['no id', { proof: proof({ claims: { jti: '' } }) }],
  ['an endless id', { proof: proof({ claims: { jti: 'x'.repeat(300) } }) }],
];
for (const [name, over, code = 'token.proof_invalid'] of refused) {
  test(`${name} proves nothing`, () => {
    const verdict = judgeProof(ask(over), nodeEngine, now);
    assert.equal(verdict.outcome === 'deny' && verdict.denial.code, code);
  });
}
