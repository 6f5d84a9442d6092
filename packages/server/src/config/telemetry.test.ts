// `telemetry` in writ.yaml: what holds when it is not there, and what is refused.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from './load.ts';

function load(telemetry: string) {
  const dir = mkdtempSync(join(tmpdir(), 'writ-config-'));
  const file = join(dir, 'writ.yaml');
  writeFileSync(file, `version: 1\ntrustDomain: zylos.local\n${telemetry}`, { mode: 0o600 });
  const loaded = loadConfig(file);
  rmSync(dir, { recursive: true });
  return 'problems' in loaded ? loaded.problems.map(({ path }) => path).join() : loaded.config.telemetry;
}

const traces = (text: string) => load(`telemetry: { traces: ${text} }\n`);

test('without a word nothing is sent, and numbers are counted once somebody asks', () => {
  assert.deepEqual(load(''), { metrics: 'asked', traces: null });
  assert.deepEqual(load('telemetry: { metrics: true }\n'), { metrics: 'started', traces: null });
  assert.deepEqual(load('telemetry: { metrics: false }\n'), { metrics: 'off', traces: null });
});

test('a collector is a URL, with secrets by reference and over TLS or loopback only', () => {
  assert.deepEqual(traces('{ url: "http://collector:4318/v1/traces" }'), {
    metrics: 'asked',
    traces: { url: 'http://collector:4318/v1/traces', percent: 100, headers: new Map(), caFile: null },
  });
  const headers = 'headers: { authorization: { env: KEY } }';
  for (const url of ['https://collector:4318/v1/traces', 'http://127.0.0.1:4318/v1/traces']) {
    assert.equal(typeof traces(`{ url: "${url}", percent: 5, ${headers} }`), 'object', url);
  }
  const bad = [
    `{ url: "http://collector:4318/v1/traces", ${headers} }`,
    '{ url: "https://user:word@collector/v1/traces" }',
    '{ url: "https://collector/v1/traces", headers: { authorization: "Bearer in-the-file" } }',
    '{ url: "https://collector/v1/traces", percent: 0 }',
    '{ url: "https://collector/v1/traces", arguments: true }',
    '{ percent: 5 }',
  ];
  for (const text of bad) assert.match(String(traces(text)), /^telemetry\.traces/, text);
});
