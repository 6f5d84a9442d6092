// Whatever is sent: a coded denial, never an exception, and nothing accepted that was not minted. Tokens cut, doubled, spliced and
// mixed with each other, as bytes and as text; `WRIT_MUTATIONS` sets how many, the seed is printed by a failure.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromBase64Url, toBase64Url } from '../../std/base64.ts';
import { utf8, utf8Text } from '../../std/bytes.ts';
import { compact, jwtChain } from './aip/json-encodings.fixture.ts';
import { chainOf, mint, nowSeconds } from './aip/links.fixture.ts';
import { call, chain, planeToken, world } from './capability.fixture.ts';
import { chainToMacaroon } from './convert.ts';
import { capEngine } from './keys.fixture.ts';
import { macaroonJson, macaroonsText } from './macaroon/text.ts';
import { verifyCapability } from './verify-capability.ts';

const numRuns = Number(process.env.WRIT_MUTATIONS ?? 20_000);
const issuer = { keyId: 'k1', secret: utf8('a secret of the plane'), nonce: 'n', location: 'https://plane.example' };
const macaroon = chainToMacaroon(chain(), issuer, capEngine);
const genuine = [
  ...[
    planeToken(),
    mint(),
    chainOf(1),
    chainOf(3),
    compact(),
    jwtChain(2),
    macaroonsText([macaroon]),
    macaroonJson(macaroon),
  ],
].map((text) => text.replace(/=+$/, ''));
const known = new Set(genuine);

const piece = fc.record({
  of: fc.nat(genuine.length - 1),
  from: fc.double({ min: 0, max: 1, noNaN: true }),
  to: fc.double({ min: 0, max: 1, noNaN: true }),
});
const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.nat(40),
  put: fc.oneof(fc.uint8Array({ maxLength: 12 }), piece),
});
const mutation = fc.record({
  base: fc.nat(genuine.length - 1),
  coded: fc.boolean(),
  edits: fc.array(edit, { minLength: 1, maxLength: 3 }),
});

/** Bytes behind the text where it is one word of base64, else the text's own. */
function bytesOf(text: string, coded: boolean): Uint8Array {
  return (coded ? fromBase64Url(text) : null) ?? utf8(text);
}

function mutated({
  base,
  coded,
  edits,
}: {
  base: number;
  coded: boolean;
  edits: readonly { at: number; cut: number; put: unknown }[];
}): string | null {
  const text = genuine[base]!;
  const isCoded = coded && fromBase64Url(text) !== null;
  let bytes = bytesOf(text, coded);
  for (const { at, cut, put } of edits) {
    const start = Math.floor(at * bytes.length);
    let added = put as Uint8Array;
    if (!(put instanceof Uint8Array)) {
      const { of, from, to } = put as { of: number; from: number; to: number };
      const other = bytesOf(genuine[of]!, coded);
      added = other.subarray(
        Math.floor(Math.min(from, to) * other.length),
        Math.floor(Math.max(from, to) * other.length),
      );
    }
    bytes = Uint8Array.from([...bytes.subarray(0, start), ...added, ...bytes.subarray(start + cut)]);
  }
  return isCoded ? toBase64Url(bytes) : utf8Text(bytes);
}

test(`${numRuns} mutated tokens: no exception, and none is genuine`, () => {
  const asked = call('', 'a0');
  fc.assert(
    fc.property(mutation, (drawn) => {
      const text = mutated(drawn);
      if (text === null || known.has(text.replace(/=+$/, ''))) return;
      for (const kind of ['aip', 'macaroon'] as const) {
        const verdict = verifyCapability(
          { ...asked, capability: { kind, value: text, holderProof: null } },
          world(),
          capEngine,
          nowSeconds,
        );
        assert.equal(verdict.outcome, 'deny', text);
        // A chain that was read is one that somebody minted.
        assert.equal(verdict.seen, null, text);
      }
    }),
    { numRuns },
  );
});

test('any text and any proof gets a denial', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.constantFrom('aip', 'macaroon'), (text, kind) => {
      const capability = { kind, value: text, holderProof: text } as const;
      assert.equal(verifyCapability({ ...call('', 'a0'), capability }, world(), capEngine, nowSeconds).outcome, 'deny');
      const proven = {
        ...call(planeToken(), 'a1'),
        capability: { kind: 'aip', value: genuine[0]!, holderProof: text },
      } as const;
      assert.equal(verifyCapability(proven, world(), capEngine, nowSeconds).outcome, 'deny');
    }),
    { numRuns: 500 },
  );
});
