// Design D9: libsodium answers for Node only where the two cannot be told apart.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, utf8 } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { publicData, publicJson } from '../../../../test/public-data.ts';
import { openEngine } from './engine.ts';

const silent = () => assert.fail('nothing to tell the operator');
const opened = await openEngine(silent);
const noLibrary = opened.ed25519 === 'libsodium' ? false : '`sodium-native` is not installed for this system';

interface Signed {
  readonly x: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

function apart(all: readonly Signed[]): { readonly accepted: number; readonly apart: readonly number[] } {
  let accepted = 0;
  const differing = all.flatMap(({ x, message, signature }, i) => {
    const [one, other] = [opened.engine, nodeEngine].map((engine) =>
      engine.verify({ alg: 'EdDSA', x }, message, signature),
    );
    if (one) accepted++;
    return one === other ? [] : [i];
  });
  return { accepted, apart: differing };
}

const cctv = 'crypto/cctv-ed25519vectors.json';
test('both engines give one verdict on every vector of C2SP’s corner cases', {
  skip: publicData(cctv).skip || noLibrary,
}, () => {
  const vectors = publicJson<{ key: string; sig: string; msg: string }[]>(cctv);
  const all = vectors.map(({ key, sig, msg }) => ({ x: fromHex(key)!, message: utf8(msg), signature: fromHex(sig)! }));
  const verdicts = apart(all);
  assert.deepEqual(verdicts.apart, []);
  assert.ok(all.length > 900 && verdicts.accepted > 0 && verdicts.accepted < all.length);
});

const wycheproof = 'crypto/wycheproof-ed25519_test.json';
test('both engines give one verdict on every vector of Wycheproof', {
  skip: publicData(wycheproof).skip || noLibrary,
}, () => {
  const { testGroups } = publicJson<{
    testGroups: { publicKey: { pk: string }; tests: { msg: string; sig: string }[] }[];
  }>(wycheproof);
  const all = testGroups.flatMap(({ publicKey, tests }) =>
    tests.map(({ msg, sig }) => ({ x: fromHex(publicKey.pk)!, message: fromHex(msg)!, signature: fromHex(sig)! })),
  );
  const verdicts = apart(all);
  assert.deepEqual(verdicts.apart, []);
  assert.ok(all.length > 100 && verdicts.accepted > 0);
});

test('keys and signatures of another length are not genuine with either, and no outage', () => {
  const x = new Uint8Array(32).fill(9);
  for (const engine of [opened.engine, nodeEngine]) {
    assert.equal(engine.verify({ alg: 'EdDSA', x: x.subarray(1) }, utf8('m'), new Uint8Array(64)), false);
    assert.equal(engine.verify({ alg: 'EdDSA', x }, utf8('m'), new Uint8Array(63)), false);
    assert.equal(engine.verify({ alg: 'EdDSA', x: new Uint8Array(0) }, utf8('m'), new Uint8Array(64)), false);
  }
});

test('without the library Node checks, and nobody is told', async () => {
  const missing = await openEngine(silent, () => Promise.reject(new Error('Cannot find package')));
  assert.deepEqual([missing.ed25519, missing.engine], ['node', nodeEngine]);
  const other = await openEngine(silent, () => Promise.resolve({ default: {} }));
  assert.equal(other.ed25519, 'node');
});

test('a library that answers differently is told and not used', async () => {
  const liars = {
    'says yes to everything': () => true,
    'says no to everything': () => false,
    'says yes to whatever is not all zero': (signature: Uint8Array) => signature.some((byte) => byte !== 0),
    throws: () => {
      throw new Error('no');
    },
  };
  for (const [what, verify] of Object.entries(liars)) {
    const told: string[] = [];
    const { ed25519, engine } = await openEngine(
      (sentence) => told.push(sentence),
      () => Promise.resolve({ default: { crypto_sign_verify_detached: verify } }),
    );
    assert.deepEqual([ed25519, engine], ['node', nodeEngine], what);
    assert.match(told.join(), /^`sodium-native` answers differently about .+; signatures are checked by Node itself$/);
  }
});
