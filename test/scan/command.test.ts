// The command line of `writ scan`: what is read, what it ends with, and that findings keep their ids.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fabricate, randomFrom } from './corpus/fabricate.ts';
import { runScan, scanned } from './run-scan.ts';

const folder = mkdtempSync(join(tmpdir(), 'writ-command-'));
after(() => rmSync(folder, { recursive: true }));
const random = randomFrom(3);

function home(name: string, files: { readonly [path: string]: string }): string {
  const at = join(folder, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(at, path, '..'), { recursive: true });
    writeFileSync(join(at, path), text);
  }
  return at;
}

const unpinned = '{ "mcpServers": { "x": { "command": "npx", "args": ["-y", "x"] } } }';
const clean = '{ "mcpServers": { "x": { "command": "npx", "args": ["-y", "x@1.0.0"] } } }';

const ends: [words: string[], text: string, exitCode: number][] = [
  [[], unpinned, 1],
  [[], clean, 0],
  [['--fail-on', 'medium'], unpinned, 1],
  [['--fail-on', 'high'], unpinned, 0],
  [['--fail-on', 'none'], unpinned, 0],
  [['--fail-on', 'low'], clean, 0],
  [['--sarif'], unpinned, 1],
];
for (const [words, text, exitCode] of ends) {
  test(`${words.join(' ') || 'without options'}, ${text === clean ? 'nothing found' : 'a medium finding'}: ends ${exitCode}`, async () => {
    const root = home('ends', { '.cursor/mcp.json': text });
    assert.equal((await runScan(['--root', root, '--no-probe', ...words])).exitCode, exitCode);
  });
}

const misused: [words: string[], says: RegExp][] = [
  [['/no/such/folder'], /`\/no\/such\/folder` does not exist/],
  [['--root', '/no/such/home'], /does not exist/],
  [['--fail-on', 'critical'], /`critical` does not fit `--fail-on`; it takes `low`, `medium`, `high`, `none`/],
  [['--host', 'a b'], /`a b` is not an address/],
  [['--host', '127.0.0.1:1', '--no-probe'], /`--no-probe` asks no host/],
];
for (const [words, says] of misused) {
  test(`${words.join(' ')} ends 2`, async () => {
    const { exitCode, stderr, stdout } = await runScan(words);
    assert.equal(exitCode, 2);
    assert.match(stderr, says);
    assert.equal(stdout, '');
  });
}

test('a home is read with the projects in it, a folder likewise, a file alone, and each once', async () => {
  const root = home('reads', {
    '.cursor/mcp.json': clean,
    'code/a/.mcp.json': clean,
    'code/a/node_modules/b/.mcp.json': clean,
    'any.json': clean,
  });
  symlinkSync(join(root, '.cursor/mcp.json'), join(root, 'code/a/.mcp.jsonc'));
  mkdirSync(join(root, 'code/link/.cursor'), { recursive: true });
  symlinkSync(join(root, '.cursor/mcp.json'), join(root, 'code/link/.cursor/mcp.json'));
  const read = async (words: string[]) =>
    (await scanned([...words, '--no-probe'])).scanned.map(({ client, file }) => `${client} ${file.slice(root.length)}`);
  assert.deepEqual(await read(['--root', root]), ['cursor /.cursor/mcp.json', 'claude-code /code/a/.mcp.json']);
  assert.deepEqual(await read([join(root, 'code/a')]), ['claude-code /code/a/.mcp.json']);
  assert.deepEqual(await read([join(root, 'any.json')]), ['unknown /any.json']);
});

test('ids stay while lines move, and differ between findings', async () => {
  const secret = fabricate('github', random);
  const text = `{ "mcpServers": { "x": { "command": "npx", "args": ["x"], "env": { "T": "${secret}" } } } }`;
  const ids = async (name: string, content: string) =>
    (await scanned(['--root', home(name, { '.mcp.json': content }), '--no-probe'])).findings.map(({ id }) => id);
  const first = await ids('ids-a', text);
  assert.equal(new Set(first).size, 2);
  assert.deepEqual(await ids('ids-b', `\n\n${text}`), first);
});

const hasGit = spawnSync('git', ['--version']).error === undefined;

test('a secret in git is told with its age, and that it has to be replaced', { skip: !hasGit }, async () => {
  const at = home('aged', {
    '.mcp.json': `{ "mcpServers": { "x": { "command": "x", "env": { "T": "${fabricate('stripe', random)}" } } } }`,
  });
  const seconds = Math.floor(Date.now() / 1000) - 90 * 86_400;
  const env = {
    PATH: process.env.PATH,
    HOME: at,
    GIT_COMMITTER_DATE: `${seconds} +0000`,
    GIT_AUTHOR_DATE: `${seconds} +0000`,
  };
  for (const words of [
    ['init', '-q'],
    ['add', '.'],
    ['-c', 'user.name=t', '-c', 'user.email=t@t.example', 'commit', '-qm', 'x'],
  ])
    execFileSync('git', ['-C', at, ...words], { env });
  const [finding] = (await scanned([at, '--no-probe'])).findings;
  assert.match(finding!.evidence, /^`T` holds a Stripe live key: sk_l…, 32 characters; in git for 90 days$/);
  assert.match(finding!.fix, /deleting the line is not enough/);
});

test('a file that everybody may write is told', { skip: process.platform === 'win32' }, async () => {
  const at = home('mode', { '.mcp.json': clean });
  chmodSync(join(at, '.mcp.json'), 0o666);
  const [finding] = (await scanned([at, '--no-probe'])).findings;
  assert.equal(finding!.rule, 'config-writable');
  assert.equal(finding!.evidence, 'mode 666');
});

test('nothing is written', async () => {
  const at = home('still', { '.mcp.json': unpinned, '.cursor/mcp.json': clean });
  const state = () =>
    readdirSync(at, { recursive: true }).map((name) => [name, statSync(join(at, String(name))).mtimeMs]);
  const before = state();
  await runScan([at, '--no-probe']);
  await runScan([at, '--no-probe', '--sarif']);
  assert.deepEqual(state(), before);
});

test('for people there is a line for each finding, then why and the fix under its number', async () => {
  const at = home('people', { '.mcp.json': unpinned });
  const { stdout } = await runScan([at, '--no-probe']);
  assert.match(stdout, /^medium {2}1 {2}unpinned-package {2}\S+\.mcp\.json:1 {2}`x` runs whatever is newest/);
  assert.match(stdout, /\n1 unpinned-package: `npx` fetches `x`\n {4}# Write the version/);
  assert.match(stdout, /one file read: 0 high, 1 medium, 0 low\n$/);
});

test('names out of a configuration cannot steer the terminal', async () => {
  const at = home('steer', { '.mcp.json': unpinned.replace('"x":', '"\\u001b[2J\\u202ex":') });
  const { stdout } = await runScan([at, '--no-probe']);
  assert.ok(stdout.includes('unpinned-package'));
  assert.ok(!stdout.includes('\u001b') && !stdout.includes('\u202e'));
});
