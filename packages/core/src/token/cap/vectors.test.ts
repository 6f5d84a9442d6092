// The public vectors, as anybody would read them; and each accepted one with every one of its bytes changed in turn.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { fromBase64Url, toBase64Url } from '../../std/base64.ts';
import { fromHex, utf8, utf8Text } from '../../std/bytes.ts';
import { aipCodeOf } from './aip/codes.ts';
import { isCapFault } from './aip/link.ts';
import type { Profile } from './aip/patterns.ts';
import { type AipAsk, verifyAip } from './aip/verify.ts';
import { readBiscuit } from './biscuit/container.ts';
import { forgedBlock } from './biscuit/signature.ts';
import { capEngine } from './keys.fixture.ts';
import { parseMacaroons } from './macaroon/text.ts';
import { verifyMacaroons } from './macaroon/verify.ts';

const read = <T>(path: string) =>
  JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../../../test/vectors', path), 'utf8')) as readonly T[];

interface AipVector {
  readonly name: string;
  readonly token: string;
  readonly roots: readonly { readonly id: string; readonly keys: readonly string[] }[];
  readonly nowSeconds: number;
  readonly ask: Omit<AipAsk, 'arguments'>;
  readonly profile: Profile;
  readonly delegatorsMustSign: boolean;
  readonly expect: {
    readonly code: string | null;
    readonly aip: string | null;
    readonly step: string | null;
    readonly block?: number | null;
  };
}

function judged(vector: AipVector, token = vector.token) {
  const roots = vector.roots.map(({ id, keys }) => ({ id, keys: keys.map((key) => fromHex(key)!) }));
  const { profile, delegatorsMustSign } = vector;
  const world = { roots, rowKeyOf: () => null, isRevoked: () => false, profile, delegatorsMustSign };
  return verifyAip(token, { ...vector.ask, arguments: null }, world, capEngine, vector.nowSeconds);
}

const accepted = read<AipVector>('aip/accepted.json');
for (const vector of [...accepted, ...read<AipVector>('aip/refused.json')]) {
  test(`aip: ${vector.name}: ${vector.expect.aip ?? 'accepted'}`, () => {
    const verdict = judged(vector);
    const fault = isCapFault(verdict) ? verdict : null;
    const { code, aip, step, block } = vector.expect;
    assert.equal(fault?.denial.code ?? null, code, JSON.stringify(fault?.denial.detail));
    assert.equal(fault ? aipCodeOf(fault.denial.code) : null, aip);
    assert.equal(fault?.step ?? null, step);
    if (block !== undefined) assert.equal(fault?.block ?? null, block);
  });
}

/** Every byte changed in turn, by another bit at each place. */
function* flips(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) yield bytes.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte));
}

for (const vector of accepted) {
  test(`aip: ${vector.name}: refused with any byte changed, of its text and of what the text means`, () => {
    for (const flipped of flips(utf8(vector.token))) {
      const text = utf8Text(flipped);
      if (text !== null) assert.ok(isCapFault(judged(vector, text)), text);
    }
    for (const sign of ['.', '~']) {
      const parts = vector.token.split(sign);
      if (sign === '~' && parts.length === 1) continue;
      for (const [i, part] of parts.entries()) {
        const bytes = fromBase64Url(part.replaceAll('=', ''));
        for (const flipped of bytes ? flips(bytes) : []) {
          const text = parts.with(i, toBase64Url(flipped)).join(sign);
          assert.ok(isCapFault(judged(vector, text)), text);
        }
      }
    }
  });
}

interface BiscuitVector {
  readonly name: string;
  readonly root: string;
  readonly token: string;
  readonly genuine: boolean;
}
for (const { name, root, token, genuine } of read<BiscuitVector>('biscuit/tokens.json')) {
  test(`biscuit: ${name}: ${genuine ? 'genuine, and with any byte changed not' : 'not genuine'}`, () => {
    const key = fromHex(root)!;
    const isGenuine = (bytes: Uint8Array) => {
      const read = readBiscuit(bytes);
      return read !== null && forgedBlock(read, key, capEngine) === null;
    };
    const bytes = fromBase64Url(token)!;
    assert.equal(isGenuine(bytes), genuine);
    for (const flipped of flips(bytes)) assert.equal(isGenuine(flipped), false);
  });
}

interface MacaroonVector {
  readonly name: string;
  readonly secret: string;
  readonly location: string;
  readonly text: string;
  readonly expect: string | { readonly conditions: readonly string[]; readonly discharge: readonly string[] };
}
for (const { name, secret, location, text, expect } of read<MacaroonVector>('macaroon/macaroons.json')) {
  test(`macaroon: ${name}: ${typeof expect === 'string' ? expect : 'genuine, and with any byte changed not'}`, () => {
    const verdict = (of: string) => {
      const parsed = parseMacaroons(of);
      return parsed && verifyMacaroons(parsed, fromHex(secret)!, utf8(location), capEngine);
    };
    const told = verdict(text);
    if (typeof expect === 'string') return assert.equal(told, expect);
    if (told === null || typeof told === 'string') return assert.fail(String(told));
    assert.deepEqual(told.conditions.map(utf8Text), expect.conditions);
    assert.deepEqual(told.dischargeConditions.map(utf8Text), expect.discharge);
    for (const flipped of flips(utf8(text))) {
      const other = utf8Text(flipped);
      if (other !== null) assert.notEqual(typeof (verdict(other) ?? ''), 'object', other);
    }
    return undefined;
  });
}
