// Every scenario of this folder, and the reader of scenarios itself.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseScenario } from './scenario.ts';
import { play } from './stage.ts';

describe('scenarios', () => {
  for (const name of readdirSync(import.meta.dirname).filter((file) => file.endsWith('.txt'))) {
    test(name.replace('.txt', '').replaceAll('-', ' '), async () => {
      const scenario = parseScenario(readFileSync(join(import.meta.dirname, name), 'utf8'));
      await inFolder((folder) => play(scenario, folder));
    });
  }
});

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  // Short: socket paths below it are bounded at 107 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'writ-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('a scenario is read with its quotes, its background and its files', () => {
  const { steps, files } = parseScenario(`# for people
writ up --config 'a b.yaml' &
! writ call x k="v w"y > out.txt
stdout '^a > b &$'

-- one.txt --
a

-- two/b.txt --
! b
`);
  assert.deepEqual(
    steps.map(({ verb, words, negated, background, into }) => ({ verb, words, negated, background, into })),
    [
      { verb: 'writ', words: ['up', '--config', 'a b.yaml'], negated: false, background: true, into: null },
      { verb: 'writ', words: ['call', 'x', 'k=v wy'], negated: true, background: false, into: 'out.txt' },
      { verb: 'stdout', words: ['^a > b &$'], negated: false, background: false, into: null },
    ],
  );
  assert.deepEqual(files, [
    { name: 'one.txt', text: 'a\n\n' },
    { name: 'two/b.txt', text: '! b\n\n' },
  ]);
  assert.throws(() => parseScenario("writ 'open"), /line 1: a quote is not closed/);
});

const failing: [title: string, text: string, says: RegExp][] = [
  ['a command that fails', 'writ nonsense', /line 1: writ nonsense\n/],
  ['a command that does not', '! writ --version', /it was to fail/],
  ['an expectation that is not met', 'writ --version\nstdout "^nine$"', /line 2: stdout/],
  ['a negation that is not met', "writ --version\n! stdout '[0-9]'", /line 2/],
  ['an exit code that is another', '! writ nonsense\nexit 3', /line 2: exit 3/],
  ['a verb there is not', 'wirt up', /`wirt` is no verb/],
  ['a value nobody captured', 'writ explain $ID', /`\$ID` was not captured/],
  ['a background command that ends too soon', "writ validate none.yaml &\nwait-for 'never'", /it ended with 2/],
];
for (const [title, text, says] of failing) {
  test(`${title} fails its scenario`, () =>
    assert.rejects(
      inFolder((folder) => play(parseScenario(text), folder)),
      says,
    ));
}
