import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { loadConfig } from '../config/load.ts';
import { serversOf } from './init-client-config.ts';
import { run } from './plane.fixture.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'writ-init-'));
  file = join(folder, 'writ.yaml');
});
afterEach(() => rm(folder, { recursive: true }));

const client = {
  mcpServers: {
    github: {
      command: 'npx',
      args: ['-y', 'server-github'],
      env: { GITHUB_TOKEN: 'ghp_0123456789', LOG_LEVEL: 'debug' },
    },
    'my files': { command: 'mcp-server-filesystem', args: ['/srv'] },
    mail: { url: 'https://mail.example/mcp', headers: { Authorization: 'Bearer m4il' } },
    writ: { command: 'x', env: { GITHUB_TOKEN: 'another' } },
    leaky: { command: 'x', args: ['--api-key=sk-live-0123456789'] },
    odd: { transport: 'carrier pigeon' },
  },
};

test('a first file is in order as it is written, and editors find its schema', async () => {
  assert.equal((await run(['init', '--config', file])).exitCode, 0);
  const text = readFileSync(file, 'utf8');
  assert.equal(text.split('\n')[0], '# yaml-language-server: $schema=./writ.schema.json');
  assert.ok('config' in loadConfig(file));
  for (const name of ['writ.schema.json', 'writ.manifest.schema.json'])
    assert.equal(JSON.parse(readFileSync(join(folder, name), 'utf8')).type, 'object');
});

test('servers of a client are taken over, and their secrets are not in the file', async () => {
  await writeFile(join(folder, 'client.json'), JSON.stringify(client));
  const ran = await run(['init', '--config', file, '--from', join(folder, 'client.json')]);
  assert.equal(ran.exitCode, 0, ran.stderr);
  const text = readFileSync(file, 'utf8');
  for (const secret of ['ghp_0123456789', 'm4il', 'another', 'sk-live']) assert.ok(!text.includes(secret), secret);
  const loaded = loadConfig(file);
  assert.ok('config' in loaded);
  const { servers, agents } = loaded.config;
  assert.deepEqual([...servers.keys()], ['github', 'my-files', 'mail', 'writ-server']);
  assert.deepEqual(servers.get('mail')?.credential, { kind: 'env', name: 'MAIL_TOKEN' });
  const { mcp } = servers.get('github')!;
  assert.ok(mcp?.kind === 'command');
  assert.deepEqual(mcp.env.get('GITHUB_TOKEN'), { kind: 'env', name: 'GITHUB_TOKEN' });
  assert.deepEqual(mcp.env.get('LOG_LEVEL'), { kind: 'text', value: 'debug' });
  assert.deepEqual(agents.get('my/agent')?.calls, [...servers.keys()]);
  assert.equal(
    readFileSync(join(folder, 'writ.env'), 'utf8').split('\n').slice(1, 4).join('\n'),
    "GITHUB_TOKEN='ghp_0123456789'\nMAIL_TOKEN='m4il'\nGITHUB_TOKEN_2='another'",
  );
  assert.equal(statSync(join(folder, 'writ.env')).mode & 0o777, 0o600);
  assert.match(ran.stderr, /`leaky` was not taken over: its command line/);
  assert.match(ran.stderr, /`odd` was not taken over/);
});

test('nothing is written over unasked, and what was is put back', async () => {
  await writeFile(file, 'mine: true\n');
  const refused = await run(['init', '--config', file]);
  assert.equal(refused.exitCode, 2);
  assert.equal(readFileSync(file, 'utf8'), 'mine: true\n');
  assert.equal((await run(['init', '--config', file, '--force'])).exitCode, 0);
  assert.equal((await run(['init', '--config', file, '--undo'])).exitCode, 0);
  assert.equal(readFileSync(file, 'utf8'), 'mine: true\n');
  assert.deepEqual(readdirSync(folder), ['writ.yaml']);
});

test('what somebody changed since is not taken back', async () => {
  await run(['init', '--config', file]);
  await writeFile(file, 'version: 1\ntrustDomain: mine\n');
  const undone = await run(['init', '--config', file, '--undo', '--json']);
  assert.equal(undone.exitCode, 1);
  assert.deepEqual(JSON.parse(undone.stdout).kept, [file]);
  assert.ok(existsSync(file));
  assert.ok(!existsSync(join(folder, 'writ.schema.json')));
});

test('a second undo has nothing to undo', async () => {
  assert.equal((await run(['init', '--config', file, '--undo'])).exitCode, 2);
});

const secretive: [title: string, name: string, value: string, kept: boolean][] = [
  ['a key by its name', 'API_KEY', 'short', false],
  ['a long word of its own', 'VALUE', 'q8Zx0rTt7LmN2vBc', false],
  ['an address with a password', 'DB', 'postgres://u:p@h/d', false],
  ['an address with a query', 'HOOK', 'https://hooks.example/x?sig=1', false],
  ['a switch', 'VERBOSE', 'true', true],
  ['a number', 'PORT', '8080', true],
  ['a path', 'ROOT', '/srv/files', true],
  ['an address', 'BASE', 'https://api.example/v1', true],
];
for (const [title, name, value, kept] of secretive) {
  test(`${title} ${kept ? 'stays in the file' : 'becomes a reference'}`, () => {
    const { servers, secrets } = serversOf({ s: { command: 'x', env: { [name]: value } } });
    assert.deepEqual(servers.get('s')?.mcp.env, { [name]: kept ? value : { env: name } });
    assert.equal(secrets.get(name), kept ? undefined : value);
  });
}
