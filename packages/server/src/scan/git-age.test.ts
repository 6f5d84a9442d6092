import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gitHistory } from './git-age.ts';

/** `npm test` needs only Node; without git there is nothing to ask. */
const skip = spawnSync('git', ['--version']).error !== undefined;
const folder = mkdtempSync(join(tmpdir(), 'writ-git-'));
const git = (words: string[], dateSeconds = 0) =>
  execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@t.example', ...words], {
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      GIT_COMMITTER_DATE: `${dateSeconds} +0000`,
      GIT_AUTHOR_DATE: `${dateSeconds} +0000`,
    },
    stdio: 'pipe',
  });
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

before(() => {
  if (skip) return;
  git(['init', '-q']);
  write('a.json', 'one\ntwo\n');
  write('.gitignore', 'b.json\n');
  write('b.json', 'one\n');
  git(['add', '.']);
  git(['commit', '-qm', 'first'], 1_700_000_000);
  write('a.json', 'one\nTWO\n');
  git(['commit', '-qam', 'second'], 1_710_000_000);
  write('a.json', 'one\nTWO\nthree\n');
});
after(() => rmSync(folder, { recursive: true }));

test('a line is as old as the commit that brought it', { skip }, async () => {
  const history = gitHistory();
  assert.deepEqual(await history(join(folder, 'a.json'), 1), { tracked: true, sinceSeconds: 1_700_000_000 });
  assert.deepEqual(await history(join(folder, 'a.json'), 2), { tracked: true, sinceSeconds: 1_710_000_000 });
});

test('a line that is not committed has no age, and a file that is ignored or outside is not tracked', {
  skip,
}, async () => {
  const history = gitHistory();
  assert.deepEqual(await history(join(folder, 'a.json'), 3), { tracked: true, sinceSeconds: null });
  assert.deepEqual(await history(join(folder, 'b.json'), 1), { tracked: false, sinceSeconds: null });
  assert.deepEqual(await history(join(tmpdir(), 'nowhere.json'), 1), { tracked: false, sinceSeconds: null });
});

test('a repository cannot have a command run by being scanned', { skip }, async () => {
  const marker = join(folder, 'ran');
  const command = `touch ${marker}`;
  write('.gitattributes', '*.json diff=evil filter=evil\n');
  for (const key of ['core.fsmonitor', 'diff.evil.textconv', 'core.pager', 'core.editor'])
    git(['config', key, command]);
  await gitHistory()(join(folder, 'a.json'), 1);
  assert.throws(() => execFileSync('ls', [marker], { stdio: 'pipe' }));
});
