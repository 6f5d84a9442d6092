import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { nodeEngine as engine } from '../node/engine.ts';
import { concat, fromHex, toHex, utf8, utf8Text } from '../std/bytes.ts';
import { cosign, onlySignaturesOf, openCheckpoint, signCheckpoint, withSignatures } from './checkpoint.ts';
import { formatCheckpoint } from './checkpoint-text.ts';
import { type Cosigner, cosignedMessage } from './cosign.ts';
import { checkSignatureLines, formatVkey, type NoteSigner, parseVkey, type VerifierKey } from './note.ts';

function raw(publicKey: { export(options: { format: 'der'; type: 'spki' }): Buffer }, bytes: number): Uint8Array {
  return new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-bytes));
}

function cosigner(name: string, role: Cosigner['role']): Cosigner & { readonly key: VerifierKey } {
  const { publicKey, privateKey } =
    role === 'witness' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ml-dsa-44');
  const bytes = raw(publicKey, role === 'witness' ? 32 : 1312);
  const key = parseVkey(engine, formatVkey(engine, name, bytes, role))!;
  return { name, role, publicKey: bytes, key, sign: (message) => new Uint8Array(sign(null, message, privateKey)) };
}

const logPair = generateKeyPairSync('ed25519');
const log: NoteSigner = {
  name: 'log.example',
  publicKey: raw(logPair.publicKey, 32),
  sign: (message) => new Uint8Array(sign(null, message, logPair.privateKey)),
};
const logKey = parseVkey(engine, formatVkey(engine, log.name, log.publicKey))!;
const root = engine.sha256(utf8('root'));
const checkpoint = { origin: log.name, size: 7, root };
const text = formatCheckpoint(checkpoint);

test('the ML-DSA message is the bytes that the standard lays out', () => {
  const message = cosignedMessage({ name: 'w.example', role: 'cosigner', timeSeconds: 0x0102030405060708n, text })!;
  const expected = [
    '737562747265652f76310a00', // subtree/v1, newline, zero
    '09',
    '772e6578616d706c65',
    '0102030405060708',
    '0b',
    '6c6f672e6578616d706c65',
    '0000000000000000',
    '0000000000000007',
    toHex(root),
  ];
  assert.equal(toHex(message), expected.join(''));
});

test('the Ed25519 message is two lines before the whole text', () => {
  const message = cosignedMessage({
    name: 'w.example',
    role: 'witness',
    timeSeconds: 1_679_315_147n,
    text: `${text}more\n`,
  })!;
  assert.equal(utf8Text(message), `cosignature/v1\ntime 1679315147\n${text}more\n`);
});

test('what is no checkpoint, or has names too long for a byte, has no ML-DSA message', () => {
  const ask = { name: 'w', role: 'cosigner', timeSeconds: 1n } as const;
  assert.equal(cosignedMessage({ ...ask, text: 'hello\n' }), null);
  assert.equal(cosignedMessage({ ...ask, name: 'w'.repeat(256), text }), null);
  assert.equal(cosignedMessage({ ...ask, text: text.replace('log.example', 'l'.repeat(256)) }), null);
  assert.ok(cosignedMessage({ ...ask, name: 'w'.repeat(255), text }));
  assert.throws(() => cosign(engine, cosigner('w', 'cosigner'), 'hello\n', 1), TypeError);
});

for (const role of ['witness', 'cosigner'] as const) {
  test(`a ${role} adds its line and its time, under its own name, to this very checkpoint`, () => {
    const one = cosigner('w.example', role);
    const note = withSignatures(signCheckpoint(engine, checkpoint, log), [cosign(engine, one, text, 1_764_000_000)]);
    const opened = openCheckpoint(engine, note, [logKey, one.key]);
    assert.ok(opened.ok);
    const [, mine] = opened.value.signatures;
    assert.deepEqual([mine!.key.name, mine!.key.role, mine!.timeSeconds], ['w.example', role, 1_764_000_000]);
    assert.equal(openCheckpoint(engine, note, [one.key]).ok, false, 'seen is not mine');

    const line = cosign(engine, one, formatCheckpoint({ ...checkpoint, size: 8 }), 1_764_000_000);
    const grafted = withSignatures(signCheckpoint(engine, checkpoint, log), [line]);
    assert.equal(openCheckpoint(engine, grafted, [logKey, one.key]).ok, false, 'of another checkpoint');
    assert.equal(openCheckpoint(engine, grafted, [logKey]).ok, true, 'to whom it is unknown it is no line at all');
  });
}

test('an ML-DSA signature does not change its name or its time', () => {
  const one = cosigner('w.example', 'cosigner');
  const line = cosign(engine, one, text, 5);
  const renamed = { ...one, name: 'v.example' };
  const [, , encoded] = line.trimEnd().split(' ');
  const other = parseVkey(engine, formatVkey(engine, 'v.example', one.publicKey, 'cosigner'))!;
  const bytes = Buffer.from(encoded!, 'base64');
  const moved = `— v.example ${Buffer.from(concat(fromHex(other.id)!, bytes.subarray(4))).toString('base64')}\n`;
  assert.equal(checkSignatureLines(engine, text, utf8(moved), [other]).ok, false);
  assert.equal(checkSignatureLines(engine, text, utf8(cosign(engine, renamed, text, 5)), [other]).ok, true);
  bytes[11]! ^= 1;
  const later = `— w.example ${bytes.toString('base64')}\n`;
  assert.equal(checkSignatureLines(engine, text, utf8(later), [one.key]).ok, false);
});

test('a note is brought back to what its log signed', () => {
  const own = signCheckpoint(engine, checkpoint, log, { key: cosigner(log.name, 'cosigner'), timeSeconds: 5 });
  const more = ['witness', 'cosigner'].map((role) =>
    cosign(engine, cosigner('log.example.w', role as 'witness'), text, 5),
  );
  const grown = withSignatures(own, more);
  assert.notDeepEqual(grown, own);
  assert.deepEqual(onlySignaturesOf(grown, log.name), own);
});

test('a line that stands there is not added again', () => {
  const line = cosign(engine, cosigner('w.example', 'witness'), text, 5);
  const once = withSignatures(signCheckpoint(engine, checkpoint, log), [line]);
  assert.deepEqual(withSignatures(once, [line]), once);
});

test('lines that were sent are read like those of a note', () => {
  const one = cosigner('w.example', 'witness');
  const line = cosign(engine, one, text, 5);
  const stranger = cosign(engine, cosigner('x.example', 'witness'), text, 5);
  const read = checkSignatureLines(engine, text, utf8(stranger + line + line), [one.key]);
  assert.ok(read.ok);
  assert.deepEqual(
    read.value.map((found) => found.line),
    [line],
    'those of others left out, and one of each key',
  );
  for (const bad of ['', '\n', line.trimEnd(), `${line}\n`, `yes\n${line}`, stranger, line.repeat(65)]) {
    assert.equal(checkSignatureLines(engine, text, utf8(bad), [one.key]).ok, false, JSON.stringify(bad.slice(0, 20)));
  }
});

test('a line too short to hold a time and a signature is not genuine', () => {
  const one = cosigner('w.example', 'witness');
  for (const bytes of [1, 7, 8, 71, 73]) {
    const encoded = Buffer.from(concat(fromHex(one.key.id)!, new Uint8Array(bytes))).toString('base64');
    const read = checkSignatureLines(engine, text, utf8(`— w.example ${encoded}\n`), [one.key]);
    assert.ok(!read.ok && /is not genuine/.test(read.says), `${bytes}`);
  }
});

test('an ML-DSA key reads back as it was written, and not under an engine that cannot check it', () => {
  const { key, publicKey } = cosigner('w.example', 'cosigner');
  const vkey = formatVkey(engine, 'w.example', publicKey, 'cosigner');
  assert.deepEqual(parseVkey(engine, vkey), key);
  assert.equal(parseVkey({ ...engine, knows: (alg) => alg !== 'ML-DSA-44' }, vkey), null);
  assert.equal(parseVkey(engine, formatVkey(engine, 'w.example', publicKey.subarray(1), 'cosigner')), null, 'cut');
});
