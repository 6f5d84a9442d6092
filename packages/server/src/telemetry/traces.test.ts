// Traces at their edges: over TLS to a collector that is proven, to one that is not, to one that never answers; and which are kept.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Call } from '@writ/core';
import { testAuthority } from '../transport/tls-fixtures.ts';
import { createNames } from './names.ts';
import { createTraces, type TraceOptions } from './traces.ts';
import type { Course } from './types.ts';

const names = createNames({ servers: new Set(['files']), agents: new Set(), isReviewed: () => true });

function call(more: Partial<Call> = {}): Call {
  return {
    ...{ decisionId: 'd-1', protocol: 'mcp', operation: 'tools/call', isAction: true, trace: null },
    target: { kind: 'server', server: 'files', name: 'read' },
    peer: { listener: 'oauth', remote: '127.0.0.1:1' },
    ...more,
  } as unknown as Call;
}

const over = (of: Call): Course => ({
  ...{ call: of, decision: null, answer: 'complete' },
  ...{ begun: 1_000, judged: 1_001, recorded: 1_002, forwarded: 1_002, answered: 1_003, ended: 1_004 },
});

async function listening(t: TestContext, server: Server & { closeAllConnections(): void }): Promise<number> {
  server.unref();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function tracing(url: string, more: Partial<TraceOptions> = {}) {
  const told: (Error | null)[] = [];
  const traces = createTraces({
    ...{ url, percent: 100, ca: null, names, service: { version: '0', instance: '1' }, delayMillis: 20 },
    headers: async () => ({ authorization: 'Bearer of-the-collector' }),
    exported: (error) => told.push(error),
    ...more,
  });
  return { traces, told };
}

test('a collector behind TLS gets spans and the secret only if the configured anchor proves it', async (t) => {
  const authority = await testAuthority();
  const leaf = await authority.issue({ dnsNames: ['localhost'] });
  const heard: (string | undefined)[] = [];
  const server = createTlsServer({ cert: leaf.identity.certPem, key: leaf.identity.keyPem }, (req, res) => {
    heard.push(req.headers.authorization);
    req.resume().on('end', () => res.end('{}'));
  });
  const url = `https://localhost:${await listening(t, server)}/v1/traces`;
  for (const [ca, isProven] of [
    [authority.pem, true],
    [(await testAuthority()).pem, false],
    [null, false],
  ] as const) {
    heard.length = 0;
    const { traces, told } = tracing(url, { ca });
    traces.begin(call(), 1_000)!.ended(over(call()));
    await traces.close();
    assert.deepEqual(heard, isProven ? ['Bearer of-the-collector'] : []);
    assert.equal(told[0] === null, isProven, String(told[0]));
  }
});

test('spans past the queue are dropped, and a collector that never answers does not hold up a stop', async (t) => {
  let posts = 0;
  const silent = createServer((req) => {
    posts++;
    req.resume();
  });
  const { traces } = tracing(`http://127.0.0.1:${await listening(t, silent)}/v1/traces`);
  for (let i = 0; i < 20_000; i++) traces.begin(call(), 1_000)!.ended(over(call()));
  await traces.close();
  assert.ok(posts > 0 && posts < 20, `${posts} batches`);
});

test('a trace is kept by its id alone; of one that is not, nothing is said in its place', async () => {
  const { traces } = tracing('http://127.0.0.1:9/v1/traces', { percent: 1 });
  const traced = (trace: string) => call({ trace, traceSpan: 'b'.repeat(16) });
  assert.equal(traces.begin(traced('ffffffff'.padEnd(32, '0')), 1_000), null);
  const kept = traces.begin(traced('00000001'.padEnd(32, '0')), 1_000);
  const outgoing = await kept!.forwarding(async () => traces.outgoing(), 1_000);
  assert.match(outgoing.traceparent!, /^00-000000010{24}-[0-9a-f]{16}-01$/);
  assert.deepEqual(traces.outgoing(), {});
  await traces.close();
});

test('a call that waits inside another tells its own callee its own part', async () => {
  const { traces } = tracing('http://127.0.0.1:9/v1/traces');
  const [one, two] = [traces.begin(call(), 1_000)!, traces.begin(call(), 1_000)!];
  const later = (trace: typeof one) =>
    trace.forwarding(async () => {
      await new Promise((done) => setImmediate(done));
      return traces.outgoing().traceparent;
    }, 1_000);
  const [first, second] = await Promise.all([later(one), later(two)]);
  assert.notEqual(first, second);
  await traces.close();
});
