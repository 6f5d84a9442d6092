import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseConfig } from './load.ts';

const seed = `version: 1
trustDomain: zylos.local
listen: { mtls: 127.0.0.1:0 }
agents:
  a/b: { attest: { uid: 1 }, calls: [s], scopes: ["s:*"] }
servers:
  s: { mcp: { command: [x] }, credential: { env: KEY } }
users: { h: {} }
allow:
  - { agent: a/b, tool: s/t, where: { /x: { oneOf: [1] } } }
`;

function answers(text: string): void {
  const loaded = parseConfig(text, 'writ.yaml', { planeUid: 1000 });
  if ('config' in loaded) return;
  assert.ok(loaded.problems.length > 0);
  const lines = text.split('\n').length;
  for (const { line, column, says, expected } of loaded.problems) {
    assert.ok(line >= 1 && line <= lines && column >= 1, `${line}:${column} lies outside the file`);
    assert.ok(says !== '' && expected !== '');
  }
}

test('any text gets a configuration or problems with places inside it, and never a throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), answers), { numRuns: 500 });
});

test('so does every file with one piece cut out or replaced', () => {
  const edit = fc.tuple(
    fc.nat(seed.length),
    fc.nat(24),
    fc.constantFrom('', '{', ']', ':', '\n', '"', '&a ', '*a', '- ', '? ', '1', 'null'),
  );
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      const text = edits.reduce((now, [at, length, piece]) => now.slice(0, at) + piece + now.slice(at + length), seed);
      answers(text);
    }),
    { numRuns: 1000 },
  );
});
