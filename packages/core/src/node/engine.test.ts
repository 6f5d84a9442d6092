import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publicData, publicJson } from '../../../../test/public-data.ts';
import { fromBase64Url } from '../std/base64.ts';
import { fromHex, toHex, utf8 } from '../std/bytes.ts';
import type { PublicKey } from '../std/engine.ts';
import { nodeEngine } from './engine.ts';

interface Group {
  readonly publicKeyJwk?: { readonly x: string; readonly y?: string };
  readonly publicKey: { readonly pk?: string };
  readonly tests: readonly {
    tcId: number;
    msg: string;
    sig: string;
    result: 'valid' | 'invalid' | 'acceptable';
    comment: string;
  }[];
}

function verdicts(file: string, keyOf: (group: Group) => PublicKey | null): { tried: number; wrong: string[] } {
  const { testGroups } = publicJson<{ testGroups: Group[] }>(file);
  const wrong: string[] = [];
  let tried = 0;
  for (const group of testGroups) {
    const key = keyOf(group);
    if (!key) continue;
    for (const { tcId, msg, sig, result, comment } of group.tests) {
      tried++;
      const accepted = nodeEngine.verify(key, fromHex(msg)!, fromHex(sig)!);
      if (accepted !== (result === 'valid')) wrong.push(`${tcId} ${comment}: ${accepted}`);
    }
  }
  return { tried, wrong };
}

const ed = publicData('crypto/wycheproof-ed25519_test.json');
test('Ed25519 gives Wycheproof’s verdict on every vector', { skip: ed.skip }, () => {
  const { tried, wrong } = verdicts('crypto/wycheproof-ed25519_test.json', (group) => {
    const x = group.publicKey.pk ? fromHex(group.publicKey.pk) : null;
    return x && { alg: 'EdDSA', x };
  });
  assert.ok(tried > 100);
  assert.deepEqual(wrong, []);
});

const p1363 = publicData('crypto/wycheproof-ecdsa_secp256r1_sha256_p1363_test.json');
test('ES256 gives Wycheproof’s verdict on every vector', { skip: p1363.skip }, () => {
  const { tried, wrong } = verdicts('crypto/wycheproof-ecdsa_secp256r1_sha256_p1363_test.json', (group) => {
    const { x, y } = group.publicKeyJwk ?? {};
    return x && y ? { alg: 'ES256', x: fromBase64Url(x)!, y: fromBase64Url(y)! } : null;
  });
  assert.ok(tried > 100);
  assert.deepEqual(wrong, []);
});

test('a point that is not on the curve is not genuine, and not an outage', () => {
  const bytes = new Uint8Array(32).fill(7);
  assert.equal(nodeEngine.verify({ alg: 'ES256', x: bytes, y: bytes }, utf8('m'), new Uint8Array(64)), false);
  assert.equal(nodeEngine.verify({ alg: 'EdDSA', x: bytes.subarray(1) }, utf8('m'), new Uint8Array(64)), false);
  assert.equal(nodeEngine.verify({ alg: 'EdDSA', x: bytes }, utf8('m'), new Uint8Array(63)), false);
});

test('SHA-256 of nothing', () => {
  assert.equal(
    toHex(nodeEngine.sha256(new Uint8Array())),
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  );
});
