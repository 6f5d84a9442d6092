// The short form of scripts/kill9.ts: a plane that is killed loses nothing that anybody was told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chance, killRounds } from './kill9.ts';

test('five kills, and every answer and every call that was heard stand in the log', async () => {
  const lines: string[] = [];
  const report = await killRounds({ rounds: 5, seed: 1, callers: 8, say: (line) => lines.push(line) });
  assert.equal(report.lost, 0, lines.join('\n'));
  assert.deepEqual(report.findings, [], lines.join('\n'));
  assert.equal(lines.length, 5);
  assert.ok(report.answered > 0 && report.heard > 0, lines.join('\n'));
});

test('a seed means the same rounds', () => {
  const [one, other] = [chance(7), chance(7)];
  const drawn = Array.from({ length: 5 }, one);
  assert.deepEqual(drawn, Array.from({ length: 5 }, other));
  assert.equal(new Set(drawn).size, 5);
});
