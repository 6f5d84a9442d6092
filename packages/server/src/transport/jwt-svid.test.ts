import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type DenialCode, JWT_SVID_ALGORITHMS, type JwtSvidKey, judgeJwtSvid, readBundle, utf8 } from '@writ/core';
import { jwtSvidKey } from './jwt-key.ts';

interface JwtVectors {
  readonly nowSeconds: number;
  readonly audience: string;
  readonly bundles: { readonly [trustDomain: string]: object };
  readonly cases: readonly {
    readonly name: string;
    readonly spec: string;
    readonly token: string;
    readonly code: DenialCode | null;
    readonly spiffeId?: string;
  }[];
}
const file = new URL('../../../../test/vectors/spiffe/jwt-svids.json', import.meta.url);
const { nowSeconds, audience, bundles, cases } = JSON.parse(readFileSync(file, 'utf8')) as JwtVectors;

const keys = new Map(
  Object.entries(bundles).map(([trustDomain, document]) => {
    const bundle = readBundle(utf8(JSON.stringify(document)));
    assert.ok(typeof bundle !== 'string', String(bundle));
    const found = [...bundle.jwtKeys].map(([kid, jwk]): [string, JwtSvidKey | null] => [kid, jwtSvidKey(jwk)]);
    return [trustDomain, new Map(found.filter((pair): pair is [string, JwtSvidKey] => pair[1] !== null))] as const;
  }),
);
const judge = (token: string, ask: Partial<{ audience: string; nowSeconds: number }> = {}) =>
  judgeJwtSvid(token, keys, { audience, nowSeconds, ...ask });

for (const { name, spec, token, code, spiffeId } of cases) {
  test(`${spec}: ${name} ${code === null ? 'is accepted' : 'is refused'}`, () => {
    const judged = judge(token);
    if (judged.outcome === 'deny') assert.equal(judged.denial.code, code, JSON.stringify(judged.denial.detail));
    else assert.deepEqual([judged.facts.spiffeId, null], [spiffeId, code]);
  });
}

const good = cases.find(({ name }) => name === 'ES256')!.token;

test('every algorithm of the standard has a genuine token among the vectors, and no other has one', () => {
  const accepted = cases.filter(({ code }) => code === null).map(({ token }) => token.split('.')[0]!);
  const named = new Set(accepted.map((head) => JSON.parse(Buffer.from(head, 'base64url').toString()).alg));
  assert.deepEqual([...named].sort(), [...JWT_SVID_ALGORITHMS].sort());
});

test('no changed character of a token is accepted', () => {
  for (let at = 0; at < good.length; at++) {
    for (const other of ['A', 'B', '_', '.', '=']) {
      if (good[at] === other) continue;
      const changed = good.slice(0, at) + other + good.slice(at + 1);
      assert.equal(judge(changed).outcome, 'deny', `character ${at} → ${other}`);
    }
  }
});

test('a token lives to its expiry and not a second longer', () => {
  const { exp } = JSON.parse(Buffer.from(good.split('.')[1]!, 'base64url').toString()) as { exp: number };
  assert.equal(judge(good, { nowSeconds: exp - 1 }).outcome, 'pass');
  assert.equal(judge(good, { nowSeconds: exp }).outcome, 'deny');
});

test('a bundle without keys speaks for nobody', () => {
  const judged = judgeJwtSvid(good, new Map([['our.test', new Map()]]), { audience, nowSeconds });
  assert.ok(judged.outcome === 'deny' && judged.denial.code === 'token.signature_invalid');
});
