// A small set of our own, in another domain and with every rule in it. `expect` is this test's; the reader drops it with the rest.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { run } from '../../packages/server/src/cli/plane.fixture.ts';

const folder = join(import.meta.dirname, 'office');
const file = (name: string): string => join(folder, name);

interface Expecting {
  readonly id: string;
  readonly steps: readonly { readonly n: number; readonly expect: string }[];
}

async function replay(...options: string[]) {
  const words = [
    '--cases',
    file('cases.json'),
    '--tools',
    file('tools.json'),
    '--manifest',
    file('office.manifest.yaml'),
  ];
  const { exitCode, stdout, stderr } = await run(['replay', ...words, '--json', ...options]);
  assert.equal(exitCode, 0, stderr);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { lines: lines.slice(0, -1), summary: lines.at(-1), stderr };
}

const { cases } = JSON.parse(readFileSync(file('cases.json'), 'utf8')) as { cases: readonly Expecting[] };

describe('the office', async () => {
  const { lines, summary, stderr } = await replay();
  for (const { id, steps } of cases) {
    test(id, () => {
      const got = lines
        .filter((line) => line.case === id)
        .map(({ step, outcome, code }) => `${step} ${code === null ? outcome : `${outcome} ${code}`}`);
      assert.deepEqual(
        got,
        steps.map(({ n, expect }) => `${n} ${expect}`),
      );
    });
  }

  test('the tool without an entry is named to the reviewer', () => {
    assert.match(stderr, /`office\/archive` has no manifest/);
  });

  test('the summary counts the lines', () => {
    const counts = Map.groupBy(lines, ({ outcome }) => outcome);
    for (const outcome of ['allow', 'approval', 'deny']) assert.equal(summary[outcome], counts.get(outcome)?.length);
    assert.deepEqual(summary.mode, { approvals: 'refuse', hop: 'off', cut: null });
  });

  test('behind labels a second agent gets the same answers, wherever the cut is', async () => {
    for (const cut of ['effect', '2', '3']) {
      const hop = await replay('--hop', 'labels', '--cut', cut);
      assert.deepEqual(
        hop.lines.map(({ agent: _, ...line }) => line),
        lines,
      );
    }
  });

  test('without labels nothing with an effect passes for the second agent', async () => {
    const { lines: second } = await replay('--hop', 'none');
    const effects = ['create_event', 'move_event', 'delete_event', 'share_file', 'send_mail'];
    const after = second.filter(({ agent, tool }) => agent === 2 && effects.includes(tool));
    assert.ok(after.length > 10);
    assert.deepEqual(new Set(after.map(({ outcome }) => outcome)), new Set(['deny']));
  });
});

describe('used wrongly, replay ends 2 and says how to go on', () => {
  const whole = [
    '--cases',
    file('cases.json'),
    '--tools',
    file('tools.json'),
    '--manifest',
    file('office.manifest.yaml'),
  ];
  const wrong: [words: string[], says: RegExp][] = [
    [['--cases', file('none.json'), '--tools', file('tools.json')], /none\.json` does not exist/],
    [['--cases', file('tools.json'), '--tools', file('tools.json')], /expected the number `1`/],
    [['--cases', file('cases.json'), '--tools', file('cases.json')], /does not fit/],
    [[...whole, '--manifest', file('office.manifest.yaml')], /every server in one manifest/],
    [[...whole, '--cut', '3'], /choose one with `--hop`/],
    [[...whole, '--hop', 'labels', '--cut', 'x'], /`x` does not fit `--cut`/],
    [[...whole, '--hop', 'magic'], /`magic` does not fit/],
  ];
  for (const [words, says] of wrong) {
    test(String(says), async () => {
      const { exitCode, stderr } = await run(['replay', ...words]);
      assert.equal(exitCode, 2);
      assert.match(stderr, says);
    });
  }
});
