import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { DenialCode } from '@writ/core';
import { readSvid } from './svid.ts';
import { testAuthority, wallClock } from './tls-fixtures.ts';

const now = wallClock.nowSeconds();
const one = 'spiffe://our.test/a/b';
const authority = await testAuthority();

interface SvidVectors {
  readonly nowSeconds: number;
  readonly cases: readonly {
    readonly name: string;
    readonly spec: string;
    /** DER in base64, leaf first. */
    readonly chain: readonly string[];
    readonly code: DenialCode | null;
    readonly spiffeId?: string;
  }[];
}
const file = new URL('../../../../test/vectors/spiffe/x509-svids.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as SvidVectors;

for (const { name, spec, chain, code, spiffeId } of vectors.cases) {
  test(`${spec}: ${name} ${code === null ? 'is an SVID' : 'is refused'}`, () => {
    const read = readSvid(Buffer.from(chain[0]!, 'base64'), { nowSeconds: vectors.nowSeconds });
    if (read.outcome === 'deny') assert.equal(read.denial.code, code, JSON.stringify(read.denial.detail));
    else assert.deepEqual([read.facts.spiffeId, null], [spiffeId, code]);
  });
}

test('validity begins with its first second and is over with its last', async () => {
  const { der } = await authority.issue({ fromSeconds: 1000, untilSeconds: 2000 });
  const outcomes = [999, 1000, 1999, 2000].map((nowSeconds) => readSvid(der, { nowSeconds }).outcome);
  assert.deepEqual(outcomes, ['deny', 'pass', 'pass', 'deny']);
});

test('a signing certificate is never a peer, whatever path its name has', async () => {
  for (const uri of ['spiffe://our.test', 'spiffe://our.test/a/b']) {
    const read = readSvid((await authority.intermediate(uri)).der, { nowSeconds: now });
    assert.ok(read.outcome === 'deny' && read.denial.code === 'transport.certificate_invalid');
  }
});

test('no prefix of a certificate and nothing behind it is read', async () => {
  const { der } = await authority.issue();
  for (let length = 0; length < der.length; length++) {
    assert.equal(readSvid(der.subarray(0, length), { nowSeconds: now }).outcome, 'deny', `first ${length} octets`);
  }
  assert.equal(readSvid(Buffer.concat([der, Buffer.of(0)]), { nowSeconds: now }).outcome, 'deny');
});

test('one changed octet never reads as another workload without a changed name', async () => {
  const { der } = await authority.issue();
  const from = Buffer.from(der).indexOf(one);
  for (let at = 0; at < der.length; at++) {
    if (at >= from && at < from + one.length) continue;
    for (const flip of [0x01, 0x20, 0x80, 0xff]) {
      const changed = Uint8Array.from(der);
      changed[at]! ^= flip;
      const read = readSvid(changed, { nowSeconds: now });
      if (read.outcome === 'pass') assert.equal(read.facts.spiffeId, one, `octet ${at}`);
    }
  }
});
