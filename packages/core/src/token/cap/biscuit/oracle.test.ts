// Biscuits of the reference library read here, and ours read there: byte for byte where nothing is random.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ed25519KeyOf } from '../../../node/engine.ts';
import { toHex } from '../../../std/bytes.ts';
import { parseChained, readBlocks } from '../aip/chained.ts';
import { append, chainOf, delegation as delegationOf, mint, nowSeconds } from '../aip/links.fixture.ts';
import { capEngine, keyNamed } from '../keys.fixture.ts';
import { oracleAppend, oracleRefusal, oracleSeal, oracleThirdParty, oracleToken } from '../oracle.fixture.ts';
import { readBlock } from './block.ts';
import { sealBiscuit } from './build.ts';
import { readBiscuit, type SignedBlock, writeBiscuit } from './container.ts';
import { datalogText } from './datalog.ts';
import { blockPayload, forgedBlock } from './signature.ts';
import { openSymbols } from './symbols.ts';
import { writeBlock } from './write-block.ts';

const root = keyNamed('root');
const authority = `identity("aip:web:example.org/a");
right("tool:search");
max_depth(3);
check if tool($t), ["tool:search", "tool:mail"].contains($t) or tool($t), $t.starts_with("db:") or tool($t);
check if time($t), $t <= 2099-01-01T00:00:00Z;`;
const delegation = `delegator("aip:web:example.org/a");
delegate("aip:web:example.org/b");
context("find a flight");
budget_ceiling(-5);
check if tool($t), ["tool:search"].contains($t);`;

const theirs: [title: string, bytes: () => Uint8Array, externals: readonly boolean[]][] = [
  ['an authority', () => oracleToken(root.seed, authority), [false]],
  ['a delegation', () => oracleToken(root.seed, authority, delegation), [false, false]],
  [
    'a third-party block between others',
    () => {
      const two = oracleToken(root.seed, authority, delegation);
      return oracleThirdParty(two, root.publicKey, keyNamed('a').seed, delegation);
    },
    [false, false, true],
  ],
  [
    'a first-party block after a third-party one: the tables of strings stay apart',
    () => {
      const third = oracleThirdParty(oracleToken(root.seed, authority), root.publicKey, keyNamed('a').seed, delegation);
      return oracleAppend(third, root.publicKey, delegation);
    },
    [false, true, false],
  ],
  ['a sealed token', () => oracleSeal(oracleToken(root.seed, authority, delegation), root.publicKey), [false, false]],
];
for (const [title, make, externals] of theirs) {
  test(`${title} of the reference is genuine here and spelled as we would`, () => {
    const bytes = make();
    const token = readBiscuit(bytes)!;
    assert.equal(forgedBlock(token, root.publicKey, capEngine), null);
    assert.equal(forgedBlock(token, keyNamed('other').publicKey, capEngine), 0);
    assert.equal(toHex(writeBiscuit(token)), toHex(bytes));
    const texts = readBlocks(token).map((block) => block && datalogText(block));
    assert.deepEqual(texts, [authority, ...externals.slice(1).map(() => delegation)]);
    assert.deepEqual(
      token.blocks.map(({ external }) => external !== null),
      externals,
    );
  });
}

test('ours are genuine there, at every depth, and sealed', () => {
  const ambient = { tool: 'tool:search', nowSeconds, depth: 0 };
  for (let depth = 0; depth <= 5; depth++) {
    const token = parseChained(chainOf(depth))!;
    assert.equal(oracleRefusal(writeBiscuit(token), root.publicKey, ambient), null, `depth ${depth}`);
    assert.equal(oracleRefusal(writeBiscuit(token), keyNamed('a').publicKey, ambient), 'signature');
    assert.equal(oracleRefusal(writeBiscuit(token), root.publicKey, { ...ambient, tool: 'tool:none' }), 'policy');
    if (token.proof.kind !== 'secret') continue;
    const sealed = sealBiscuit(token, ed25519KeyOf(token.proof.seed));
    assert.equal(forgedBlock(sealed, root.publicKey, capEngine), null);
    assert.equal(oracleRefusal(writeBiscuit(sealed), root.publicKey, ambient), null);
  }
});

test('ours with first-party blocks around a third-party one are genuine there', () => {
  const plain = (from: string, to: string) => delegationOf(from, to, { tools: null });
  const first = append(mint(), plain('root', 'a1'), null);
  const second = append(first, plain('a1', 'a2'), keyNamed('a1'));
  const bytes = writeBiscuit(parseChained(append(second, plain('a2', 'a3'), null))!);
  assert.equal(oracleRefusal(bytes, root.publicKey, { tool: 'tool:search', nowSeconds, depth: 3 }), null);
  assert.equal(oracleRefusal(bytes, root.publicKey, { tool: 'tool:other', nowSeconds, depth: 3 }), 'policy');
});

// y = 1: whatever is "signed" by it verifies in the loosest reading of RFC 8032.
test('a key of small order signs nothing', () => {
  const identity = Uint8Array.of(1, ...new Uint8Array(31));
  const empty = Uint8Array.of(1, ...new Uint8Array(63));
  const genuine = parseChained(chainOf(1))!;
  const [first, second] = genuine.blocks as [SignedBlock, SignedBlock];
  const held = { ...first, nextKey: identity };
  const forged = { ...held, signature: root.sign(blockPayload(held, null)) };
  const token = { ...genuine, blocks: [forged, { ...second, signature: empty }] as const };
  assert.equal(forgedBlock(token, root.publicKey, capEngine), 1);
  const outsider = { ...second, external: { key: identity, signature: empty } };
  assert.equal(forgedBlock({ ...genuine, blocks: [first, outsider] }, root.publicKey, capEngine), 1);
});

test('a dimension of Writ is refused by whoever does not know it, and read by us', () => {
  const token = parseChained(mint({ writ: { task: 'tsk_1' } }))!;
  const ambient = { tool: 'tool:search', nowSeconds, depth: 0 };
  assert.equal(oracleRefusal(writeBiscuit(token), root.publicKey, ambient), 'policy');
  const fact = `writ_task(hex:${toHex(new TextEncoder().encode('"tsk_1"'))});`;
  assert.equal(oracleRefusal(writeBiscuit(token), root.publicKey, { ...ambient, code: fact }), null);
});

test('a block is written byte for byte as the reference writes it', () => {
  const two = oracleToken(root.seed, authority, delegation);
  const theirs = readBiscuit(oracleThirdParty(two, root.publicKey, keyNamed('a').seed, delegation))!;
  const shared = [openSymbols(), openSymbols()] as const;
  for (const { payload, external } of theirs.blocks) {
    const [read, written] = external ? [openSymbols(), openSymbols()] : shared;
    const signer = external ? 'third' : 'chain';
    assert.equal(toHex(writeBlock(readBlock(payload, read, signer)!, written, signer)), toHex(payload));
  }
});
