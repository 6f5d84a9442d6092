import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Proven, type PublicKey, untrackedTasks } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { createProvenTokens } from './proven-tokens.ts';
import { createWorldHolder } from './world.ts';

const key: PublicKey = { alg: 'EdDSA', x: new Uint8Array(32) };
const provenOf = (jti: string): Proven => ({
  header: { alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' },
  claims: { jti, wc: [{ scope: ['a:b'] }] },
  key,
  chain: null,
});

test('the memory is bounded in tokens and in their length, and keeps what is used', () => {
  const tokens = createProvenTokens({ tokensMax: 3, charsMax: 100 });
  for (const text of ['one', 'two', 'three']) tokens.keep(text, provenOf(text));
  assert.equal(tokens.recall('one')?.claims.jti, 'one');
  tokens.keep('four', provenOf('four'));
  assert.deepEqual(
    ['one', 'two', 'three', 'four'].map((text) => tokens.recall(text) !== null),
    [true, false, true, true],
  );
  tokens.keep('x'.repeat(92), provenOf('long'));
  assert.deepEqual([tokens.size(), tokens.recall('four')?.claims.jti], [2, 'four']);
  tokens.keep('y'.repeat(101), provenOf('too long'));
  assert.equal(tokens.size(), 0, 'one that is over the bound by itself is not kept');
});

test('keeping one token again and again takes no more room', () => {
  const tokens = createProvenTokens({ tokensMax: 10, charsMax: 10 });
  for (let i = 0; i < 100; i++) tokens.keep('same', provenOf('same'));
  assert.equal(tokens.size(), 1);
});

test('a flood of genuine tokens makes the others slower and nothing else', () => {
  const tokens = createProvenTokens({ tokensMax: 50, charsMax: 10_000 });
  tokens.keep('mine', provenOf('mine'));
  for (let i = 0; i < 5000; i++) {
    tokens.keep(`flood-${i}`, provenOf(`flood-${i}`));
    assert.ok(tokens.size() <= 50);
  }
  assert.equal(tokens.recall('mine'), null);
  tokens.keep('mine', provenOf('mine'));
  assert.equal(tokens.recall('mine')?.claims.jti, 'mine');
});

test('asking leaves nothing behind: a stranger’s tokens are never in the memory', () => {
  const tokens = createProvenTokens();
  for (let i = 0; i < 1000; i++) assert.equal(tokens.recall(`stranger-${i}`), null);
  assert.equal(tokens.size(), 0);
});

test('nobody can change what a signature stands for afterwards', () => {
  const tokens = createProvenTokens();
  const proven = provenOf('kept');
  tokens.keep('text', proven);
  assert.throws(() => Object.assign(tokens.recall('text')!.claims, { jti: 'other' }), TypeError);
  const [link] = tokens.recall('text')!.claims.wc as unknown as { scope: string[] }[];
  assert.throws(() => link!.scope.push('c:d'), TypeError);
});

test('a change of issuers or keys forgets all of them', () => {
  const parts = {
    trustDomain: 'zylos.local',
    standing: { edges: new Map(), resources: new Map() },
    standingVersion: '1',
    policy: { version: '1' },
    tasks: untrackedTasks,
    memoryOf: () => null,
    issuers: new Map(),
    clients: new Map(),
  } as unknown as Parameters<typeof createWorldHolder>[0];
  const view = { sequence: 1, fresh: true, rows: new Set(), tasks: new Set(), users: new Set(), agents: new Set() };
  const holder = createWorldHolder(parts, nodeEngine, () => view as never);
  const { proven } = holder.snapshot().tokens;
  proven!.keep('text', provenOf('kept'));
  holder.change({ standingVersion: '2' });
  assert.ok(holder.snapshot().tokens.proven!.recall('text'));
  holder.change({ issuers: new Map() });
  assert.equal(holder.snapshot().tokens.proven!.recall('text'), null);
});
