// Identity documents and identifiers: one spelling each, keys in their windows, RFC 8785 signatures, and nothing fetched from near us.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromBase64Url, toBase64Url } from '../../../std/base64.ts';
import { utf8 } from '../../../std/bytes.ts';
import { canonicalJson, type JsonObject } from '../../../std/json.ts';
import { secondsOf } from '../../../std/time.ts';
import { capEngine, keyNamed } from '../keys.fixture.ts';
import { fromBase58, toBase58 } from './base58.ts';
import { type DocumentFault, type DocumentWish, keysAt, readDocument, signDocument } from './document.ts';
import { aipKeyId, parseAipId } from './id.ts';
import { documentUrlOf, mayFetchFrom } from './resolution.ts';

const id = 'aip:web:example.org/agents/one';
const now = 1_790_000_000;
const day = 86_400;
const key = (name: string, fromDays: number, untilDays: number) => ({
  id: name,
  key: keyNamed(name).publicKey,
  fromSeconds: now + fromDays * day,
  untilSeconds: now + untilDays * day,
});
const wish: DocumentWish = { id, keys: [key('old', -90, 1), key('new', -1, 90)], expiresSeconds: now + day };
const read = (text: string, at = now) => readDocument(utf8(text), id, capEngine, at);

test('either of two overlapping keys may have signed, and both speak for the identifier', () => {
  for (const name of ['old', 'new']) {
    const document = read(signDocument(wish, keyNamed(name)));
    assert.ok(typeof document === 'object', String(document));
    assert.deepEqual(keysAt(document, now), [keyNamed('old').publicKey, keyNamed('new').publicKey]);
    assert.deepEqual(keysAt(document, now + 2 * day), [keyNamed('new').publicKey]);
  }
});

test('what the draft says in words is read: unknown members are ignored and signed', () => {
  const more = {
    protocols: { mcp: { header: 'X-AIP-Token', require_aip: true, minimum_policy_profile: 'standard' } },
    revocation: { endpoint: 'https://example.org/crl', method: 'crl' },
    extensions: { text: 'é€😀', numbers: [1, 0.1] },
  };
  const text = signDocument({ ...wish, depthMax: 5, more }, keyNamed('new'));
  const document = read(text);
  assert.ok(typeof document === 'object', String(document));
  assert.deepEqual(
    [document.depthMax, document.profileMin, document.revocationUrl],
    [5, 'standard', 'https://example.org/crl'],
  );
  assert.equal(read(text.replace('0.1', '0.2')), 'signature_invalid');
});

const refused: [name: string, fault: DocumentFault, text: () => string, at?: number][] = [
  [
    'a key whose time is over',
    'signature_invalid',
    () => signDocument({ ...wish, keys: [key('old', -90, -1), key('new', -1, 1)] }, keyNamed('old')),
  ],
  ['no key that is valid now', 'no_key', () => signDocument({ ...wish, keys: [key('new', 1, 2)] }, keyNamed('new'))],
  ['signed by somebody else', 'signature_invalid', () => signDocument(wish, keyNamed('thief'))],
  ['over', 'expired', () => signDocument(wish, keyNamed('new')), now + day],
  [
    'a document of somebody else',
    'other_id',
    () => signDocument({ ...wish, id: 'aip:web:example.org/agents/two' }, keyNamed('new')),
  ],
  ['a higher major version', 'version', () => changed({ aip: '2.0' })],
  ['no version', 'malformed', () => changed({ aip: 1 })],
  ['no keys', 'malformed', () => changed({ public_keys: [] })],
  ['protocols as a list, as one reference writes them', 'malformed', () => changed({ protocols: [] })],
  [
    'a revocation list that cannot be asked',
    'malformed',
    () => changed({ revocation: { endpoint: 'http://example.org', method: 'crl' } }),
  ],
  ['an end that is no time', 'malformed', () => changed({ expires: 'tomorrow' })],
  ['a member twice', 'malformed', () => signDocument(wish, keyNamed('new')).replace('{', `{"id":"${id}",`)],
  ['a signature as standard base64', 'malformed', () => signature((bytes) => Buffer.from(bytes).toString('base64'))],
  ['a signature as hex', 'malformed', () => signature((bytes) => Buffer.from(bytes).toString('hex').slice(0, 126))],
];
for (const [name, fault, text, at] of refused) {
  test(`${name}: ${fault}`, () => assert.equal(read(text(), at), fault));
}

/** With other members, and signed again by the same key. */
function changed(over: JsonObject): string {
  const { document_signature: _, ...document } = JSON.parse(signDocument(wish, keyNamed('new')));
  const next = { ...document, ...over } as JsonObject;
  return JSON.stringify({ ...next, document_signature: toBase64Url(keyNamed('new').sign(utf8(canonicalJson(next)))) });
}

function signature(spell: (bytes: Uint8Array) => string): string {
  const { document_signature: text, ...document } = JSON.parse(signDocument(wish, keyNamed('new')));
  return JSON.stringify({ ...document, document_signature: spell(fromBase64Url(text)!) });
}

test('an identifier has one spelling', () => {
  for (const good of ['aip:web:example.org/a', 'aip:web:a.b-c.example/x/y_z', aipKeyId(keyNamed('one').publicKey)])
    assert.ok(parseAipId(good), good);
  const multicodec = 'aip:key:ed25519:z6Mkf5rGMoatrSj1f4CyvuHBeXJELe9RPdzo2PKGNCKVtZxP';
  for (const bad of [
    ...[
      'aip:web:example.org',
      'aip:web:example.org/',
      'aip:web:Example.org/a',
      'aip:web:exаmple.org/a',
      'aip:web:a:8/b',
    ],
    ...[
      'aip:web:a/../b',
      'aip:web:a/b.c',
      'aip:web:a/%41',
      'aip:web:-a/b',
      'aip:web:a//b',
      'aip:web:a/b/',
      ' aip:web:a/b',
    ],
    ...[
      'aip:key:ed25519:z',
      'aip:key:ed25519:z0',
      'aip:key:rsa:z1',
      multicodec,
      `${aipKeyId(keyNamed('one').publicKey)}\n`,
    ],
    ...['aip:web:a/b\n', 'did:web:a/b', ''],
  ])
    assert.equal(parseAipId(bad), null, bad);
});

test('base58: each byte string has one text and comes back from it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => assert.deepEqual(fromBase58(toBase58(bytes)), bytes)),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.stringMatching(/^[1-9A-HJ-NP-Za-km-z]{0,60}$/), (text) =>
      assert.equal(toBase58(fromBase58(text)!), text),
    ),
    { numRuns: 2000 },
  );
  for (const bad of ['0', 'O', 'I', 'l', 'é', ' ']) assert.equal(fromBase58(`z${bad}`), null);
});

test('a document is asked for at one address, and an `aip:key` nowhere', () => {
  assert.equal(documentUrlOf(id), 'https://example.org/.well-known/aip/agents/one.json');
  assert.equal(documentUrlOf(aipKeyId(keyNamed('one').publicKey)), null);
});

test('no document is fetched from near us', () => {
  for (const far of ['8.8.8.8', '93.184.215.14', '2606:4700::1111']) assert.ok(mayFetchFrom(far), far);
  for (const near of [
    ...[
      '127.0.0.1',
      '10.1.2.3',
      '169.254.169.254',
      '192.168.0.1',
      '100.64.0.1',
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
    ],
    ...[
      '::1',
      '::',
      'fe80::1',
      'fd00::1',
      '::ffff:127.0.0.1',
      '::ffff:8.8.8.8',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      'ff02::1',
    ],
    ...['localhost', '127.1', '0x7f.0.0.1', '2130706433', '', '8.8.8.8.'],
  ])
    assert.ok(!mayFetchFrom(near), near);
});

test('a time is one that the calendar has', () => {
  assert.equal(secondsOf('2099-01-01T00:00:00Z'), 4_070_908_800);
  assert.equal(secondsOf('2099-01-01T00:00:00.500Z'), 4_070_908_800);
  for (const bad of [
    '2099-02-30T00:00:00Z',
    '2099-01-01T00:00:00+00:00',
    '2099-01-01',
    '2099-01-01T24:00:00Z',
    4_070_908_800,
  ])
    assert.equal(secondsOf(bad), null, String(bad));
});
