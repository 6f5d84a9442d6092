import assert from 'node:assert/strict';
import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../../bin/writ.js', import.meta.url));

/** A Node older than 24 on this machine, or null. The launcher is what such a Node has to understand. */
const oldNode =
  ['/usr/bin/node', '/usr/local/bin/node'].find((path) => path !== process.execPath && existsSync(path)) ?? null;
const nodes: [name: string, path: string | null][] = [
  ['this Node', process.execPath],
  ['the Node of the system', oldNode],
];

async function start(node: string, file: string, words: string[], options: SpawnOptions = {}) {
  const child = spawn(node, [file, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/bin:/bin' },
    ...options,
  });
  const said = { stdout: '', stderr: '' };
  child.stdout?.on('data', (part) => (said.stdout += part));
  child.stderr?.on('data', (part) => (said.stderr += part));
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...said }));
  return { child, said, ended };
}

describe('the launcher', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'writ-launcher-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** The launcher in a package whose program is `source`, beside the packages named. */
  function install(name: string, source: string, packages: Record<string, string> = {}): string {
    const root = join(folder, name);
    mkdirSync(join(root, 'bin'), { recursive: true });
    mkdirSync(join(root, 'dist/cli'), { recursive: true });
    cpSync(launcher, join(root, 'bin/writ.js'));
    writeFileSync(join(root, 'package.json'), '{"type":"module"}');
    writeFileSync(join(root, 'dist/cli/main.js'), source);
    for (const [dependency, target] of Object.entries(packages)) {
      mkdirSync(join(root, 'node_modules'), { recursive: true });
      symlinkSync(target, join(root, 'node_modules', dependency));
    }
    return join(root, 'bin/writ.js');
  }

  const bundled = `node-${process.platform}-${process.arch}`;
  const node24 = { [bundled]: dirname(dirname(process.execPath)) };
  const hasPackage = existsSync(join(node24[bundled]!, 'package.json'));

  for (const [name, node] of nodes) {
    const missing =
      node === null ? 'no second Node on this machine' : hasPackage ? false : `${bundled} is not installed`;

    test(`runs the sources of a clone on ${name}`, { skip: missing }, async () => {
      const { ended } = await start(node!, launcher, ['--version', '--json']);
      const { code, stdout, stderr } = await ended;
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(JSON.parse(stdout).version, /^\d+\.\d+\.\d+/);
    });

    test(`passes words and exit code on ${name}`, { skip: missing }, async () => {
      const source =
        'process.stdout.write(JSON.stringify([process.versions.node, process.argv.slice(2)])); process.exitCode = 7;';
      const { ended } = await start(node!, install(`words-${name}`, source, node24), ['a b', '--', '-x', '']);
      const { code, stdout } = await ended;
      const [version, words] = JSON.parse(stdout) as [string, string[]];
      assert.equal(code, 7);
      assert.ok(Number.parseInt(version, 10) >= 24, version);
      assert.deepEqual(words, ['a b', '--', '-x', '']);
    });

    test(`passes signals on ${name}`, { skip: missing }, async () => {
      const source = "process.on('SIGTERM', () => process.exit(5)); setInterval(() => {}, 1000); console.log('up');";
      const { child, ended } = await start(node!, install(`signals-${name}`, source, node24), []);
      await once(child.stdout!, 'data');
      child.kill('SIGTERM');
      assert.equal((await ended).code, 5);
    });

    test(`ends by the signal that ended the program on ${name}`, { skip: missing }, async () => {
      const source =
        "console.log('up'); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 10); setInterval(() => {}, 1000);";
      const { ended } = await start(node!, install(`killed-${name}`, source, node24), []);
      assert.equal((await ended).signal, 'SIGKILL');
    });
  }

  const flagsOf = 'process.stdout.write(JSON.stringify(process.execArgv))';

  test('a plane is started with less memory for the young, other verbs as they are', async () => {
    const program = install('flags', flagsOf);
    for (const [verb, wanted] of [
      ['up', ['--max-semi-space-size=8']],
      ['status', []],
    ] as const) {
      const { ended } = await start(process.execPath, program, [verb]);
      const { code, stdout } = await ended;
      assert.deepEqual([code, JSON.parse(stdout)], [0, wanted]);
    }
  });

  const cacheOf =
    "import { getCompileCacheDir } from 'node:module'; process.stdout.write(getCompileCacheDir() ?? 'none')";

  test('compiled code is kept where only this user can write, and nowhere else', async () => {
    const program = install('cache', cacheOf);
    const cacheIn = async (home: string, env: Record<string, string> = {}) => {
      const { ended } = await start(process.execPath, program, [], {
        env: { PATH: '/usr/bin:/bin', HOME: home, ...env },
      });
      const { code, stdout, stderr } = await ended;
      assert.deepEqual([code, stderr], [0, '']);
      return stdout;
    };
    const home = (name: string) => {
      mkdirSync(join(folder, name, '.cache'), { recursive: true });
      return join(folder, name);
    };
    const own = home('own');
    assert.ok((await cacheIn(own)).startsWith(join(own, '.cache/writ/')));
    assert.equal(statSync(join(own, '.cache/writ')).mode & 0o777, 0o700);
    const elsewhere = join(folder, 'xdg');
    assert.ok((await cacheIn(own, { XDG_CACHE_HOME: elsewhere })).startsWith(join(elsewhere, 'writ/')));

    // Whoever could write there could have code run as the plane: planted beforehand, or behind a link.
    const open = home('open');
    mkdirSync(join(open, '.cache/writ'));
    chmodSync(join(open, '.cache/writ'), 0o777);
    assert.equal(await cacheIn(open), 'none');
    const linked = home('linked');
    symlinkSync(join(own, '.cache/writ'), join(linked, '.cache/writ'));
    assert.equal(await cacheIn(linked), 'none');
    const file = home('file');
    writeFileSync(join(file, '.cache/writ'), '');
    assert.equal(await cacheIn(file), 'none');
  });

  test('says what to do when no Node of today is there', {
    skip: oldNode === null && 'no older Node on this machine',
  }, async () => {
    const { ended } = await start(oldNode!, install('alone', 'console.log("never")'), ['up']);
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^writ: this is Node \d+\.\d+\.\d+ and Writ needs Node 24 or newer; .*\n$/);
  });
});
