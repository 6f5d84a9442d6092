import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { JsonObject } from '@writ/core';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { Stop } from './stop.ts';
import { openTerminal } from './terminal.ts';
import { runUp, type UpPorts } from './up.ts';

let folder: string;
let config: Config;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'writ-up-'));
  await writeFile(join(folder, 'writ.yaml'), 'version: 1\ntrustDomain: zylos.local\ndata: ./d\n');
  const loaded = loadConfig(join(folder, 'writ.yaml'));
  assert.ok('config' in loaded);
  config = loaded.config;
});
afterEach(() => rm(folder, { recursive: true }));

const ready: JsonObject = { event: 'ready', pid: 1, adminLink: 'http://127.0.0.1:1/login?once=secret' };

/** A plane that records its end, and a process whose signals and time the test moves. */
function stage(start?: UpPorts['start']) {
  const said: string[] = [];
  const happened: string[] = [];
  const signals = new EventEmitter();
  const time = { millis: 0 };
  const stopped = Promise.withResolvers<void>();
  const stop = () => {
    happened.push('stop');
    return stopped.promise;
  };
  const reload = async () => {
    happened.push('reload');
    return 'the policy is as it was';
  };
  const ports: UpPorts = {
    start: start ?? (async () => ({ ready, stop, reload })),
    signals: signals as unknown as UpPorts['signals'],
    kill: (code) => happened.push(`kill ${code}`),
    nowMillis: () => time.millis,
  };
  const write = (text: string | Uint8Array) => said.push(String(text)) > 0;
  const terminal = openTerminal(
    { stdout: { write, isTTY: false }, stderr: { write: () => true }, stdin: { isTTY: false }, env: {} },
    true,
  );
  const ended = runUp(config, terminal, ports);
  return { said, happened, signals, time, stopped, ended };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('the ready line is printed whole and kept without the link of the first admin', async () => {
  const { said, signals, stopped, ended } = stage();
  await turn();
  assert.deepEqual(JSON.parse(said[0]!), ready);
  const file = join(config.dataDir, 'ready.json');
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { event: 'ready', pid: 1 });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  signals.emit('SIGINT', 'SIGINT');
  stopped.resolve();
  assert.equal(await ended, 0);
  assert.equal(existsSync(file), false);
  assert.deepEqual(
    said.slice(1).map((line) => JSON.parse(line).event),
    ['draining', 'stopped'],
  );
});

test('the first Ctrl-C waits for open calls, and its echo changes nothing', async () => {
  const { happened, signals, time, stopped, ended } = stage();
  await turn();
  signals.emit('SIGINT', 'SIGINT');
  time.millis = 100;
  signals.emit('SIGINT', 'SIGINT');
  await turn();
  assert.deepEqual(happened, ['stop']);
  stopped.resolve();
  assert.equal(await ended, 0);
});

test('a second Ctrl-C does not wait', async () => {
  const { happened, signals, time, stopped, ended } = stage();
  await turn();
  signals.emit('SIGINT', 'SIGINT');
  time.millis = 1000;
  signals.emit('SIGINT', 'SIGINT');
  assert.deepEqual(happened, ['kill 130']);
  stopped.resolve();
  await ended;
  assert.equal(signals.listenerCount('SIGINT'), 0);
});

test('a SIGHUP reloads, and the plane goes on', async () => {
  const { happened, signals, stopped, ended } = stage();
  await new Promise((resolve) => setImmediate(resolve));
  signals.emit('SIGHUP', 'SIGHUP');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(happened, ['reload']);
  signals.emit('SIGTERM', 'SIGTERM');
  stopped.resolve();
  assert.equal(await ended, 0);
});

test('a Ctrl-C while starting is remembered', async () => {
  const starting = Promise.withResolvers<Awaited<ReturnType<UpPorts['start']>>>();
  const { signals, ended, said } = stage(() => starting.promise);
  signals.emit('SIGTERM', 'SIGTERM');
  starting.resolve({ ready, stop: async () => {}, reload: async () => '' });
  assert.equal(await ended, 0);
  assert.equal(said.length, 3);
});

test('a start that fails leaves no ready line', async () => {
  const failed = Object.assign(new Error('listen EADDRINUSE'), {
    code: 'EADDRINUSE',
    address: '127.0.0.1',
    port: 8443,
  });
  const { ended } = stage(() => Promise.reject(failed));
  await assert.rejects(ended, failed);
  assert.equal(existsSync(join(config.dataDir, 'ready.json')), false);
});

test('a start that fails with a sentence ends with that sentence, and a bug stays a bug', async () => {
  const sentence = stage(() =>
    Promise.reject(new Error('the log is shorter than its checkpoint; restore the newer copy')),
  );
  await assert.rejects(
    sentence.ended,
    (error) => error instanceof Stop && error.exitCode === 2 && /^the log is shorter/.test(error.message),
  );
  await assert.rejects(stage(() => Promise.reject(new TypeError('x is undefined'))).ended, TypeError);
});

test('a data folder whose sockets would have too long a path is refused before anything starts', async () => {
  config = { ...config, dataDir: join(folder, 'x'.repeat(120)) };
  const { ended } = stage(() => assert.fail('nothing starts'));
  await assert.rejects(ended, (error) => error instanceof Stop && error.exitCode === 2 && /107/.test(error.message));
});

test('a file where the data folder should be is refused', async () => {
  await writeFile(join(folder, 'd'), '');
  const { ended } = stage(() => assert.fail('nothing starts'));
  await assert.rejects(
    ended,
    (error) => error instanceof Stop && error.exitCode === 2 && /not a folder/.test(error.message),
  );
});
