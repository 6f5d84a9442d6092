import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { nodeEngine as engine } from '../node/engine.ts';
import { toBase64 } from '../std/base64.ts';
import { concat, fromHex, utf8 } from '../std/bytes.ts';
import { openCheckpoint, signCheckpoint } from './checkpoint.ts';
import { formatCheckpoint, parseCheckpoint } from './checkpoint-text.ts';
import { formatVkey, type NoteSigner, openNote, parseVkey, signatureLinesMax, signNote } from './note.ts';

const vkey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const vector = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;

function keyPair() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
  return { publicKey: raw, sign: (message: Uint8Array) => new Uint8Array(sign(null, message, privateKey)) };
}

const foo: NoteSigner = { name: 'zylos.local/writ/1', ...keyPair() };
const fooKey = parseVkey(engine, formatVkey(engine, foo.name, foo.publicKey))!;

function linesOf(note: Uint8Array): string {
  const text = new TextDecoder().decode(note);
  return text.slice(text.lastIndexOf('\n\n') + 2);
}

test('the note of the standard opens with its key', () => {
  const opened = openNote(engine, utf8(vector), [parseVkey(engine, vkey)!]);
  assert.ok(opened.ok);
  assert.equal(opened.value.text, 'This is an example message.\n');
  assert.equal(opened.value.signatures[0]!.key.id, '530d903a');
});

test('a verifier key reads back as it was written', () => {
  const key = parseVkey(engine, vkey)!;
  assert.equal(formatVkey(engine, key.name, key.publicKey), vkey);
});

test('a verifier key with a wrong id, another algorithm or a spaced name is none', () => {
  for (const text of [
    vkey.replace('530d903a', '530d903b'),
    vkey.replace('530d903a', '530D903A'),
    vkey.replace('example.com/foo', 'example.com/bar'),
    vkey.slice(0, -4),
    'example.com/foo+530d903a',
    '',
    formatVkey(engine, 'a', foo.publicKey).replace('a+', 'a b+'),
  ]) {
    assert.equal(parseVkey(engine, text), null, text);
  }
  assert.throws(() => formatVkey(engine, 'with space', foo.publicKey), TypeError);
});

test('a note that nobody known has signed does not open', () => {
  const opened = openNote(engine, utf8(vector), [fooKey]);
  assert.ok(!opened.ok);
  assert.match(opened.says, /no known key/);
});

test("a known key's line that fails refuses the note, even beside a genuine one", () => {
  const note = new TextDecoder().decode(signNote(engine, 'hello\n', [foo]));
  const other: NoteSigner = { name: 'other', ...keyPair() };
  const otherKey = parseVkey(engine, formatVkey(engine, other.name, other.publicKey))!;
  const forged = linesOf(signNote(engine, 'something else\n', [other]));
  assert.ok(openNote(engine, utf8(note + forged), [fooKey]).ok, 'the line of an unknown key is ignored');
  const opened = openNote(engine, utf8(note + forged), [fooKey, otherKey]);
  assert.ok(!opened.ok);
  assert.match(opened.says, /`other`.*not genuine/);
});

test(`sixty-four signature lines are read, one more is not`, () => {
  const note = new TextDecoder().decode(signNote(engine, 'hello\n', [foo]));
  const stranger = linesOf(signNote(engine, 'hello\n', [{ name: 'stranger', ...keyPair() }]));
  assert.ok(openNote(engine, utf8(note + stranger.repeat(signatureLinesMax - 1)), [fooKey]).ok);
  assert.ok(!openNote(engine, utf8(note + stranger.repeat(signatureLinesMax)), [fooKey]).ok);
});

test('a note splits at its last empty line, and control characters are no text', () => {
  const opened = openNote(engine, signNote(engine, 'one\n\ntwo\n', [foo]), [fooKey]);
  assert.ok(opened.ok && opened.value.text === 'one\n\ntwo\n');
  assert.throws(() => signNote(engine, 'one\r\n', [foo]), TypeError);
  assert.throws(() => signNote(engine, 'no newline', [foo]), TypeError);
  const note = new TextDecoder().decode(signNote(engine, 'hello\n', [foo]));
  assert.ok(!openNote(engine, utf8(note.replace('hello', 'hel\tlo')), [fooKey]).ok);
  assert.ok(!openNote(engine, utf8(note.replace('—', '-')), [fooKey]).ok);
  assert.ok(!openNote(engine, utf8(note.trimEnd()), [fooKey]).ok);
  assert.ok(!openNote(engine, Uint8Array.of(0xff, 0xfe, 0x0a), [fooKey]).ok);
});

test('a checkpoint reads back, and only from a key that bears its name', () => {
  const checkpoint = { origin: foo.name, size: 20, root: engine.sha256(utf8('root')) };
  const note = signCheckpoint(engine, checkpoint, foo);
  const opened = openCheckpoint(engine, note, [fooKey]);
  assert.ok(opened.ok);
  assert.equal(opened.value.size, 20);
  const foreign = signCheckpoint(engine, { ...checkpoint, origin: 'elsewhere' }, foo);
  assert.ok(!openCheckpoint(engine, foreign, [fooKey]).ok);
});

test('a size has one spelling, and extension lines are allowed', () => {
  const root = new Uint8Array(engine.sha256(utf8('root')));
  const good = formatCheckpoint({ origin: 'o', size: 0, root });
  assert.deepEqual(parseCheckpoint(good), { origin: 'o', size: 0, root });
  assert.ok(parseCheckpoint(`${good}extension\n`));
  for (const bad of ['00', '01', '-1', '1.0', '+1', '9007199254740993', '']) {
    assert.equal(parseCheckpoint(good.replace('\n0\n', `\n${bad}\n`)), null, bad);
  }
  assert.equal(parseCheckpoint(`o\n0\n${toBase64(root.subarray(1))}\n`), null);
  assert.equal(parseCheckpoint(`\n0\n${toBase64(root)}\n`), null);
});

test('a witness adds its time, and its signature alone opens no checkpoint', () => {
  const witness = keyPair();
  const witnessVkey = formatVkey(engine, 'witness.example', witness.publicKey, 'witness');
  const witnessKey = parseVkey(engine, witnessVkey)!;
  const text = formatCheckpoint({ origin: foo.name, size: 3, root: engine.sha256(utf8('root')) });
  const time = fromHex('0000000067748580')!;
  const signature = witness.sign(utf8(`cosignature/v1\ntime ${0x67748580}\n${text}`));
  const line = `— witness.example ${toBase64(concat(fromHex(witnessKey.id)!, time, signature))}\n`;
  const note = new TextDecoder().decode(signNote(engine, text, [foo]));
  const opened = openCheckpoint(engine, utf8(note + line), [fooKey, witnessKey]);
  assert.ok(opened.ok);
  assert.equal(opened.value.signatures.find(({ key }) => key.role === 'witness')!.timeSeconds, 0x67748580);
  assert.ok(!openCheckpoint(engine, utf8(`${text}\n${line}`), [fooKey, witnessKey]).ok);
  const later = `— witness.example ${toBase64(concat(fromHex(witnessKey.id)!, fromHex('0000000067748581')!, signature))}\n`;
  assert.ok(!openCheckpoint(engine, utf8(note + later), [fooKey, witnessKey]).ok);
});
