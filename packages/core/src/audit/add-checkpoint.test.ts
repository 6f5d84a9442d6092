import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeEngine as engine } from '../node/engine.ts';
import { toBase64 } from '../std/base64.ts';
import { utf8, utf8Text } from '../std/bytes.ts';
import { formatAddCheckpoint, parseAddCheckpoint, parseToldSize } from './add-checkpoint.ts';

const hash = (text: string) => new Uint8Array(engine.sha256(utf8(text)));
const checkpoint = utf8('log.example\n3\nAAAA\n\n— log.example AAAA\n');

test('a question to a witness is written as the standard shows it, and reads back', () => {
  const ask = { oldSize: 20_852_014, proof: [hash('a'), hash('b')], checkpoint };
  const body = formatAddCheckpoint(ask);
  assert.equal(
    utf8Text(body),
    `old 20852014\n${toBase64(hash('a'))}\n${toBase64(hash('b'))}\n\n${utf8Text(checkpoint)}`,
  );
  assert.deepEqual(parseAddCheckpoint(body), ask);
  const first = { oldSize: 0, proof: [], checkpoint };
  assert.deepEqual(parseAddCheckpoint(formatAddCheckpoint(first)), first);
});

test('a question of another form is none', () => {
  const line = toBase64(hash('a'));
  const note = utf8Text(checkpoint);
  for (const bad of [
    '',
    `old 1\n${note}`,
    `old 01\n\n${note}`,
    `old -1\n\n${note}`,
    `old 9007199254740993\n\n${note}`,
    `OLD 1\n\n${note}`,
    `1\n\n${note}`,
    `old 1\n${line.slice(4)}\n\n${note}`,
    `old 1\n${line.slice(0, -1)}\n\n${note}`,
    `old 1\n${`${line}\n`.repeat(64)}\n${note}`,
  ]) {
    assert.equal(parseAddCheckpoint(utf8(bad)), null, JSON.stringify(bad.slice(0, 30)));
  }
  assert.ok(parseAddCheckpoint(utf8(`old 1\n${`${line}\n`.repeat(63)}\n${note}`)));
});

test('a size is told in one spelling', () => {
  assert.equal(parseToldSize(utf8('295\n')), 295);
  assert.equal(parseToldSize(utf8('0\n')), 0);
  for (const bad of ['295', '0295\n', '-1\n', '\n', '', '1\n\n', '1 \n'])
    assert.equal(parseToldSize(utf8(bad)), null, bad);
});
