// Rules §2.15: what is remembered of a block is its signature, never whether it may be used; and a forged one is not remembered.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromBase64Url } from '../../std/base64.ts';
import { append, delegation, idOf, nowSeconds } from './aip/links.fixture.ts';
import { readBiscuit } from './biscuit/container.ts';
import { type ProvenBlocks, rememberBlocks } from './biscuit/proven-blocks.ts';
import { forgedBlock } from './biscuit/signature.ts';
import { call, ownRoot, planeToken, world } from './capability.fixture.ts';
import type { CapEngine } from './engine.ts';
import { capEngine, keyNamed } from './keys.fixture.ts';
import { verifyCapability } from './verify-capability.ts';
import type { CapWorld } from './world.ts';

/** An engine that counts what it checks: signatures and derived keys. */
function counting() {
  const count = { checked: 0 };
  const engine: CapEngine = {
    ...capEngine,
    verify(...of) {
      count.checked++;
      return capEngine.verify(...of);
    },
    publicKeyOf(seed) {
      count.checked++;
      return capEngine.publicKeyOf(seed);
    },
  };
  return { count, engine };
}

const handed = (from: string) => append(from, delegation('a0', 'a1', { tools: null }), keyNamed('a0'));

test('a token seen again costs no signature, and a narrower one its new block, its signer and its proof', () => {
  const { count, engine } = counting();
  const proven = rememberBlocks(100);
  const ask = (text: string, as: string, over: Partial<CapWorld> = {}) => {
    count.checked = 0;
    const { outcome } = verifyCapability(call(text, as), world({ proven, ...over }), engine, nowSeconds);
    return [outcome, count.checked];
  };
  const wide = planeToken();
  const narrow = handed(wide);
  assert.deepEqual(ask(wide, 'a0'), ['pass', 2]);
  assert.deepEqual(ask(wide, 'a0'), ['pass', 0]);
  assert.deepEqual(ask(narrow, 'a1'), ['pass', 3]);
  assert.deepEqual(ask(narrow, 'a1'), ['pass', 0]);
});

test('whatever may change is asked each time: time, presenter, withdrawal, root', () => {
  const proven = rememberBlocks(100);
  const text = handed(planeToken());
  const outcome = (as: string, over: Partial<CapWorld> = {}, now = nowSeconds) => {
    const verdict = verifyCapability(call(text, as), world({ proven, ...over }), capEngine, now);
    return verdict.outcome === 'deny' ? verdict.denial.code : 'pass';
  };
  assert.equal(outcome('a1'), 'pass');
  assert.equal(outcome('a0'), 'token.bound_to_other_peer');
  assert.equal(outcome('a1', {}, nowSeconds + 600), 'token.expired');
  const { revocations } = world();
  assert.equal(outcome('a1', { revocations: { ...revocations, tasks: new Set(['tsk_1']) } }), 'token.revoked');
  const rotated = [{ ...ownRoot, keys: [keyNamed('plane 2').publicKey] }];
  assert.equal(outcome('a1', { roots: rotated }), 'token.signature_invalid');
  const other = { ...world().rows.get(idOf('a0'))!, key: keyNamed('a5').publicKey };
  assert.notEqual(outcome('a1', { rows: new Map([...world().rows, [idOf('a0'), other]]) }), 'pass');
});

test('with a memory full of genuine blocks, a changed token is refused as without it', () => {
  const bytes = fromBase64Url(handed(planeToken()).replaceAll('=', ''))!;
  const root = keyNamed('plane').publicKey;
  const proven = rememberBlocks(100);
  assert.equal(forgedBlock(readBiscuit(bytes)!, root, capEngine, proven), null);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const token = readBiscuit(bytes.map((byte, i) => (i === at ? byte ^ mask : byte)));
      if (!token) return;
      const [first, again] = [forgedBlock(token, root, capEngine, proven), forgedBlock(token, root, capEngine, proven)];
      assert.notEqual(first, null);
      assert.deepEqual([again, forgedBlock(token, root, capEngine)], [first, first], 'a forgery was remembered');
    }),
    { numRuns: 1500 },
  );
});

test('the memory is bounded, and what was asked about last stays', () => {
  const memory: ProvenBlocks = rememberBlocks(3);
  for (const digest of ['a', 'b', 'c']) memory.keep(digest);
  assert.ok(memory.has('a'));
  memory.keep('d');
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((digest) => memory.has(digest)),
    [true, false, true, true],
  );
});
