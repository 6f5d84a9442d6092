// The life of keys: published before they sign, gone only after what they signed (labs/spiffe §2). Time is a number that moves.

import 'reflect-metadata'; // @peculiar/x509 needs it at import time

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import fc from 'fast-check';
import { type Authority, type AuthorityOptions, openAuthority } from './ca.ts';
import { type Generation, overOf, signerOf, successorDue } from './ca-life.ts';
import { ecdsaP256 } from './ca-root.ts';
import { temporaryFolder } from './tls-fixtures.ts';
import { toPem } from './tls-pem.ts';

const day = 86_400;
const start = 1_800_000_000;
const spiffeId = 'spiffe://our.test/a/b';

interface Bench {
  readonly dir: string;
  now: number;
  authority: Authority;
  readonly changes: boolean[];
  reopen(): Promise<void>;
}

async function openBench(t: TestContext, change: Partial<AuthorityOptions> = {}): Promise<Bench> {
  const dir = join(await temporaryFolder(t), 'ca');
  const bench = { dir, now: start, changes: [] as boolean[] } as Bench;
  bench.reopen = async () => {
    const clock = { nowSeconds: () => bench.now };
    bench.authority = await openAuthority({ dir, trustDomain: 'our.test', clock, caTtlSeconds: 60 * day, ...change });
    bench.authority.onChange(({ revoked }) => void bench.changes.push(revoked));
  };
  await bench.reopen();
  return bench;
}

/** Which of the published roots the minted chain ends at; -1 for none. */
async function signedBy({ authority }: Bench): Promise<number> {
  const { chainDer } = await authority.mint({ spiffeId });
  const [leaf, intermediate] = chainDer.map((der) => new X509Certificate(der));
  assert.ok(leaf!.verify(intermediate!.publicKey));
  return authority.bundle().findIndex((der) => intermediate!.verify(new X509Certificate(der).publicKey));
}

test('over years every SVID verifies under the bundle of its moment, and under every later one while it lives', async (t) => {
  const bench = await openBench(t);
  const living: { readonly intermediate: X509Certificate; readonly notAfterSeconds: number }[] = [];
  let roots = new Set<string>();
  for (let hours = 0; hours < 24 * 365; hours += 12) {
    bench.now = start + hours * 3600;
    await bench.authority.maintain();
    const { chainDer, notAfterSeconds } = await bench.authority.mint({ spiffeId, ttlSeconds: 12 * 3600 });
    assert.equal(notAfterSeconds, bench.now + 12 * 3600, 'never cut short by an intermediate or a root');
    living.push({ intermediate: new X509Certificate(chainDer[1]!), notAfterSeconds });
    const bundle = bench.authority.bundle().map((der) => new X509Certificate(der));
    for (const one of living.filter((svid) => svid.notAfterSeconds > bench.now))
      assert.ok(
        bundle.some(({ publicKey }) => one.intermediate.verify(publicKey)),
        `at hour ${hours}`,
      );
    assert.ok(bundle.length <= 2);
    roots = roots.union(new Set(bundle.map(({ fingerprint256 }) => fingerprint256)));
  }
  assert.ok(roots.size >= 6, `${roots.size} roots in a year`);
  assert.deepEqual(
    (await readdir(bench.dir)).filter((file) => file.startsWith('root')).length,
    bench.authority.bundle().length,
  );
});

test('a forced rotation publishes first and signs after its notice, across a restart in between', async (t) => {
  const bench = await openBench(t);
  await bench.authority.rotate('root', { atOnce: false, revoke: false });
  assert.deepEqual(bench.changes, [false]);
  assert.deepEqual([bench.authority.bundle().length, await signedBy(bench)], [2, 0]);
  bench.now += 1499;
  await bench.reopen();
  assert.equal(await signedBy(bench), 0);
  bench.now += 1;
  await bench.authority.maintain();
  assert.equal(await signedBy(bench), 1);
  assert.deepEqual(bench.changes, [false, false]);
  const states = bench.authority.keys().root.map(({ number, state }) => [number, state]);
  assert.deepEqual(states, [
    [1, 'former'],
    [2, 'signs'],
  ]);
  bench.now += day;
  await bench.authority.maintain();
  assert.deepEqual(
    bench.authority.keys().root.map(({ number, state }) => [number, state]),
    [[2, 'signs']],
  );
  assert.equal(await signedBy(bench), 0);
});

test('at once is at once, and a waiting successor is taken before a third one is made', async (t) => {
  const bench = await openBench(t);
  await bench.authority.rotate('root', { atOnce: false, revoke: false });
  await bench.authority.rotate('root', { atOnce: true, revoke: false });
  assert.deepEqual([bench.authority.bundle().length, await signedBy(bench)], [2, 1]);
  await bench.reopen();
  assert.equal(await signedBy(bench), 1, 'the activation is kept');
});

test('a revoking rotation leaves one new root, and nothing that was signed before verifies', async (t) => {
  const bench = await openBench(t);
  const before = await bench.authority.mint({ spiffeId });
  await bench.authority.rotate('root', { atOnce: false, revoke: false });
  await bench.authority.rotate('root', { atOnce: false, revoke: true });
  assert.deepEqual(bench.changes, [false, true]);
  const [root, ...more] = bench.authority.bundle().map((der) => new X509Certificate(der));
  assert.equal(more.length, 0);
  assert.equal(new X509Certificate(before.chainDer[1]!).verify(root!.publicKey), false);
  assert.equal(await signedBy(bench), 0);
  assert.deepEqual((await readdir(bench.dir)).sort(), ['jwt-1.pem', 'root-3.pem'], 'its keys are gone from the disk');
});

test('rotations and upkeep that are asked for at once are done one after the other', async (t) => {
  const bench = await openBench(t);
  const { authority } = bench;
  const leaks = Array.from({ length: 4 }, () => authority.rotate('root', { atOnce: false, revoke: true }));
  await Promise.all([authority.maintain(), ...leaks, authority.maintain()]);
  assert.deepEqual(
    authority.keys().root.map(({ number, state }) => [number, state]),
    [[5, 'signs']],
    'each revocation made a key of its own',
  );
  assert.deepEqual((await readdir(bench.dir)).sort(), ['jwt-1.pem', 'root-5.pem']);
});

test('the sequence only grows, whatever comes, goes or restarts', async (t) => {
  const bench = await openBench(t);
  let last = bench.authority.sequence();
  const grows = async (what: () => Promise<void>, by: number) => {
    await what();
    await bench.reopen();
    assert.equal(bench.authority.sequence() - last, by);
    last = bench.authority.sequence();
  };
  await grows(async () => {}, 0);
  await grows(() => bench.authority.rotate('root', { atOnce: false, revoke: false }), 1);
  await grows(() => bench.authority.rotate('jwt', { atOnce: true, revoke: false }), 1);
  bench.now += 2 * day;
  await grows(() => bench.authority.maintain(), 2);
  await grows(() => bench.authority.rotate('root', { atOnce: false, revoke: true }), 2);
});

test('a clock set back or far ahead mints what is valid at that clock, and nothing is lost by it', async (t) => {
  const bench = await openBench(t);
  await bench.authority.mint({ spiffeId });
  for (const now of [start - 10 * day, start + 3 * day, start - day, start]) {
    bench.now = now;
    await bench.authority.maintain();
    const { chainDer, notAfterSeconds } = await bench.authority.mint({ spiffeId });
    assert.equal(notAfterSeconds, now + 3600);
    assert.ok(Date.parse(new X509Certificate(chainDer[1]!).validFrom) <= now * 1000);
    assert.equal(bench.authority.bundle().length, 1);
  }
});

test('a plane that was away while its root was due prepares the next at once, and one that was away too long says so', async (t) => {
  const bench = await openBench(t);
  bench.now = start + 59 * day;
  await bench.reopen();
  await bench.authority.maintain();
  assert.equal(bench.authority.bundle().length, 2);
  const late = await openBench(t);
  late.now = start + 60 * day;
  await assert.rejects(late.reopen(), /root-1\.pem` expired at .*: move it away to have a new one made/);
});

test('a root file of an early Writ, which says nothing of its times, signs on and is succeeded', async (t) => {
  const bench = await openBench(t);
  const path = join(bench.dir, 'root-1.pem');
  await writeFile(path, (await readFile(path, 'utf8')).replace(/^signs-from: \d+\n/, ''));
  await bench.reopen();
  assert.equal(await signedBy(bench), 0);
  await bench.authority.rotate('root', { atOnce: true, revoke: false });
  assert.equal(await signedBy(bench), 1);
});

test('a root of an early Writ that may sign leaves only signs them itself, until its successor takes over', async (t) => {
  const bench = await openBench(t);
  const keys = await crypto.subtle.generateKey(ecdsaP256, true, ['sign', 'verify']);
  const early = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=early',
    notBefore: new Date((start - 30) * 1000),
    notAfter: new Date((start + 60 * day) * 1000),
    keys,
    signingAlgorithm: ecdsaP256,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      new SubjectAlternativeNameExtension([{ type: 'url', value: 'spiffe://our.test' }]),
    ],
  });
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  const pem = toPem('PRIVATE KEY', pkcs8) + toPem('CERTIFICATE', new Uint8Array(early.rawData));
  await writeFile(join(bench.dir, 'root-1.pem'), pem);
  await bench.reopen();
  const { chainDer } = await bench.authority.mint({ spiffeId });
  assert.equal(chainDer.length, 1);
  assert.ok(new X509Certificate(chainDer[0]!).verify(new X509Certificate(bench.authority.bundle()[0]!).publicKey));
  await bench.authority.rotate('root', { atOnce: true, revoke: false });
  assert.equal(await signedBy(bench), 1);
});

test('an expired JWT key is replaced at start, since nobody pins one', async (t) => {
  const bench = await openBench(t, { caTtlSeconds: 3650 * day });
  bench.now += 91 * day;
  await bench.reopen();
  const { expiresSeconds } = bench.authority.mintJwt({ spiffeId, audience: ['x'] });
  assert.equal(expiresSeconds, bench.now + 300);
  assert.deepEqual(
    bench.authority
      .keys()
      .jwt.map(({ number, state }) => [number, state])
      .at(-1),
    [2, 'signs'],
  );
});

test('nothing is signed for a nameless audience or outside the trust domain', async (t) => {
  const { authority } = await openBench(t);
  for (const audience of [[], ['']]) assert.throws(() => authority.mintJwt({ spiffeId, audience }), /named audience/);
  assert.throws(() => authority.mintJwt({ spiffeId: 'spiffe://their.test/a', audience: ['x'] }), /not a workload/);
});

const generation = fc
  .record({
    number: fc.integer({ min: 1, max: 9 }),
    signsFromSeconds: fc.integer({ min: 0, max: 999 }),
    life: fc.integer({ min: 1, max: 999 }),
  })
  .map(({ life, ...rest }): Generation => ({ ...rest, notAfterSeconds: rest.signsFromSeconds + life }));
const generations = fc.uniqueArray(generation, { selector: ({ number }) => number, maxLength: 5 });
const moment = fc.integer({ min: 0, max: 2000 });

test('whatever keys there are, one that lives signs, and it is never among those that go', () => {
  fc.assert(
    fc.property(generations, moment, fc.integer({ min: 0, max: 500 }), (held, now, signedSecondsMax) => {
      const signer = signerOf(held, now);
      assert.equal(
        signer === null,
        held.every(({ notAfterSeconds }) => notAfterSeconds <= now),
      );
      const over = overOf(held, { signedSecondsMax }, now);
      assert.ok(signer === null || !over.includes(signer));
      // One that is yet to sign does not go while it lives.
      for (const one of over) assert.ok(one.notAfterSeconds <= now || one.signsFromSeconds <= signer!.signsFromSeconds);
    }),
  );
});

test('a successor is due in the last third of a life, and signs before that life is over', () => {
  fc.assert(
    fc.property(moment, fc.integer({ min: 30, max: 900 }), (now, ttlSeconds) => {
      const held: Generation[] = [{ number: 1, signsFromSeconds: 0, notAfterSeconds: ttlSeconds }];
      const due = successorDue(held, { ttlSeconds, signedSecondsMax: 1, noticeSeconds: 25 }, now);
      assert.equal(due !== null, ttlSeconds - now <= ttlSeconds / 3);
      if (due !== null) assert.ok(due >= now && (due <= ttlSeconds || due === now));
    }),
  );
});
