// Off until somebody asks: nothing is loaded, wrapped or counted before.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { test } from 'node:test';
import type { Call, Decision } from '@writ/core';
import { readScrape } from './scrape.fixture.ts';
import { openTelemetry, type TelemetryOptions } from './telemetry.ts';
import type { Counted } from './types.ts';

const call = {
  ...{ decisionId: 'd-1', protocol: 'mcp', operation: 'tools/call' },
  target: { kind: 'server', server: 'files', name: 'read' },
} as unknown as Call;
const exchange = {
  call,
  forward: async (_decision: Decision) => 'reply',
  refuse: async (_decision: Decision) => {},
  release: async () => ({ state: 'complete' }),
};

function options(metrics: TelemetryOptions['metrics'], listeners: Set<unknown>): TelemetryOptions {
  return {
    ...{ metrics, traces: null, service: { version: '0', instance: '1' }, report() {}, say() {} },
    known: { servers: new Set(['files']), agents: new Set(), isReviewed: () => true },
    readings: new Proxy({} as TelemetryOptions['readings'], {
      get: () => () => {
        throw new Error('still starting');
      },
    }),
    onRecord(listener: (record: Counted) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const isLoaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('/prom-client/'));

test('the first scrape starts the counting; before it exchanges pass as they are and nothing is loaded', async () => {
  const listeners = new Set();
  const telemetry = await openTelemetry(options('asked', listeners));
  assert.equal(telemetry.around(exchange).exchange, exchange);
  assert.deepEqual([listeners.size, isLoaded(), telemetry.outgoing()], [0, false, {}]);
  const [first, second] = await Promise.all([telemetry.scrape()!, telemetry.scrape()!]);
  assert.deepEqual([listeners.size, isLoaded()], [1, true], 'two first scrapes count once');
  assert.match(first.type, /^text\/plain; version=0\.0\.4/);
  assert.ok(readScrape(second.body).sum('writ_readings_failed_total') > 0, 'a plane that is starting can be scraped');
  const watched = telemetry.around(exchange);
  assert.notEqual(watched.exchange, exchange);
  watched.done();
  assert.equal(readScrape((await telemetry.scrape()!).body).sum('writ_calls_total'), 1);
  await telemetry.close();
  assert.equal(listeners.size, 0);
});

test('from the start, or not at all', async () => {
  const listeners = new Set();
  const started = await openTelemetry(options('started', listeners));
  assert.equal(listeners.size, 1);
  await started.scrape();
  assert.equal(listeners.size, 1);
  assert.equal((await openTelemetry(options('off', listeners))).scrape(), null);
});

test('the libraries are imported by one file each, and those files only when they are wanted', () => {
  const root = resolve(import.meta.dirname, '..');
  const files = globSync('**/*.ts', { cwd: root }).filter((file) => !/\.(test|fixture)\.ts$/.test(file));
  const importing = (pattern: RegExp) =>
    files.filter((file) => pattern.test(readFileSync(resolve(root, file), 'utf8')));
  assert.deepEqual(importing(/from 'prom-client'/), ['telemetry/metrics.ts']);
  assert.deepEqual(importing(/from '@opentelemetry\//), ['telemetry/traces.ts']);
  assert.deepEqual(
    importing(/^import (?!type)[^;]*telemetry\/(metrics|traces)\.ts'|^import (?!type)[^;]*'\.\/(metrics|traces)\.ts'/m),
    [],
  );
});
