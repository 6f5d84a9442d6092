import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { toBase64 } from '../std/base64.ts';
import { utf8 } from '../std/bytes.ts';
import { bundleDocument, readBundle } from './bundle.ts';

interface BundleVectors {
  readonly cases: readonly {
    readonly name: string;
    readonly text: string;
    readonly kept: { readonly roots: number; readonly jwtKeys: number } | null;
  }[];
}
const file = new URL('../../../../test/vectors/spiffe/bundles.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as BundleVectors;

for (const { name, text, kept } of vectors.cases) {
  test(`SPIFFE bundle §4: ${name}`, () => {
    const bundle = readBundle(utf8(text));
    if (typeof bundle === 'string') return assert.equal(kept, null, bundle);
    assert.deepEqual({ roots: bundle.roots.length, jwtKeys: bundle.jwtKeys.size }, kept);
    // A library that knows only `sig` and `enc` would find no key under another use.
    for (const jwk of bundle.jwtKeys.values()) assert.equal('use' in jwk, false);
  });
}

test('what is published is what is read', () => {
  const whole = JSON.parse(vectors.cases[0]!.text) as { keys: [{ x5c: [string] }, { kid: string }] };
  const bundle = readBundle(utf8(vectors.cases[0]!.text));
  assert.ok(typeof bundle !== 'string');
  const [root] = bundle.roots;
  assert.equal(toBase64(root!), whole.keys[0].x5c[0]);
  const document = bundleDocument({
    roots: [{ der: root!, jwk: { kty: 'EC', crv: 'P-256' } }],
    jwtKeys: [...bundle.jwtKeys.values()],
    sequence: 1,
    refreshSeconds: 300,
  });
  assert.deepEqual(readBundle(utf8(JSON.stringify(document))), bundle);
});

test('a document above its size is refused before it is read', () => {
  const text = `{"keys":[]${' '.repeat(1024 * 1024)}}`;
  assert.match(String(readBundle(utf8(text))), /too_large/);
});
