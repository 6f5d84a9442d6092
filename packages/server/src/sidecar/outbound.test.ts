// The plain side of the sidecar with stock programs as its clients: bytes as they are, no faster than they are taken, nothing past the
// limits. What the gateway answers is the test's; whole planes are in test/plane/sidecar.test.ts.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { JSON_BOUNDS } from '@writ/core';
import * as http from '../gateway/http-io.ts';
import { openInboundCalls } from './calls.ts';
import type { Authority, Incoming, Outgoing } from './gateway-port.ts';
import { openOutbound } from './outbound.ts';

const started: ChildProcess[] = [];
after(() => {
  for (const child of started) child.kill('SIGKILL');
});

/** Clients of the test are its children; they count as the tree. */
async function open(send: (request: Outgoing, authority: Authority) => Promise<Incoming>) {
  const outbound = await openOutbound({
    tree: { holdsClient: () => true, holdsPort: () => true, holdsPath: () => true },
    calls: openInboundCalls(),
    http,
    gateway: () => ({ send, card: async () => ({}), close() {} }),
    say() {},
  });
  after(() => outbound.close());
  return outbound.url;
}

function curl(...words: string[]): ChildProcess {
  const child = spawn('curl', ['-sS', '-N', ...words], { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  return child;
}

async function told(child: ChildProcess): Promise<string> {
  return (await child.stdout!.toArray()).map(String).join('');
}

const answer = (body: Readable, headers: Record<string, string> = {}): Incoming => ({
  status: 200,
  headers: new Headers(headers),
  body,
});

test('bytes pass as they are, both ways, with the headers that are not of a connection or a credential', async () => {
  const bytes = randomBytes(300_000);
  let seen: Outgoing | null = null;
  const url = await open(async (request) => {
    seen = request;
    return answer(Readable.from([bytes]), { 'content-type': 'x/y', 'www-authenticate': 'Bearer', 'x-own': '1' });
  });
  const child = curl('-i', '-H', 'mcp-session-id: s', '-H', 'expect:', '--data-binary', '@-', `${url}/mcp/files?a=b`);
  child.stdin!.end(bytes);
  const parts = await child.stdout!.toArray();
  const received = Buffer.concat(parts);
  const head = received.subarray(0, received.indexOf('\r\n\r\n')).toString();
  const body = received.subarray(received.indexOf('\r\n\r\n') + 4);
  const digest = (of: Uint8Array) => createHash('sha256').update(of).digest('hex');
  assert.equal(digest(body), digest(bytes));
  assert.equal(digest(seen!.body!), digest(bytes));
  assert.match(head, /x-own: 1/);
  assert.doesNotMatch(head, /authenticate/i);
  const { callee, below, headers } = seen! as Outgoing;
  assert.deepEqual([callee, below, headers['mcp-session-id']], ['files', '?a=b', 's']);
  assert.deepEqual(
    ['host', 'content-length', 'connection'].filter((name) => name in headers),
    [],
  );
});

test('an event is passed on before the next one exists', async () => {
  const stream = new Readable({ read() {} });
  const url = await open(async () => answer(stream, { 'content-type': 'text/event-stream' }));
  const child = curl('-X', 'POST', `${url}/mcp/files`);
  stream.push('data: 1\n\n');
  const [first] = await once(child.stdout!, 'data');
  assert.equal(String(first), 'data: 1\n\n');
  stream.push('data: 2\n\n');
  const [second] = await once(child.stdout!, 'data');
  assert.equal(String(second), 'data: 2\n\n');
  stream.push(null);
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('nothing is read from the gateway that the program does not take, and its leaving is passed on', async () => {
  let made = 0;
  const total = 512;
  const chunk = Buffer.alloc(1024 * 1024);
  const endless = new Readable({
    read() {
      this.push(made++ < total ? chunk : null);
    },
  });
  const left = Promise.withResolvers<void>();
  const url = await open(async ({ signal }) => {
    signal.addEventListener('abort', () => left.resolve());
    return answer(endless);
  });
  const child = curl('-X', 'POST', `${url}/mcp/files`);
  await once(child.stdout!, 'readable'); // and reads no further
  let before = -1;
  while (before !== made) {
    before = made;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.ok(made < total, `${made} MB were made for a reader that took nothing`);
  child.kill('SIGKILL');
  await left.promise;
});

test('an answer that breaks off does not look whole', async () => {
  const url = await open(async () => {
    const stream = new Readable({ read() {} });
    stream.push('half');
    setImmediate(() => stream.destroy(new Error('gone')));
    return answer(stream);
  });
  const child = curl('-o', '/dev/null', '-X', 'POST', `${url}/mcp/files`);
  const [code] = await once(child, 'exit');
  assert.notEqual(code, 0);
});

test('a body past the limit and a coded one never reach the gateway', async () => {
  let asked = 0;
  const url = await open(async () => {
    asked++;
    return answer(Readable.from(['x']));
  });
  const status = ['-o', '/dev/null', '-w', '%{http_code}'];
  const large = curl(
    ...status,
    '-H',
    'expect:',
    '-H',
    'transfer-encoding: chunked',
    '--data-binary',
    '@-',
    `${url}/mcp/files`,
  );
  large.stdin!.on('error', () => {}).end(Buffer.alloc(JSON_BOUNDS.bytesMax + 1, 'x'));
  assert.match(await told(large), /^413/);
  const coded = curl(...status, '-H', 'content-encoding: gzip', '--data-binary', 'x', `${url}/mcp/files`);
  assert.equal(await told(coded), '400');
  assert.equal(asked, 0);
});

test('it is no proxy, and serves its own paths only', async () => {
  const url = await open(async () => answer(Readable.from(['x'])));
  const status = ['-o', '/dev/null', '-w', '%{http_code}'];
  const at = (...words: string[]) => told(curl(...status, ...words));
  assert.equal(await at('--proxy', url, 'http://example.invalid/mcp/files'), '421');
  assert.equal(await at('-H', 'host: rebound.example', `${url}/mcp/files`), '421');
  for (const path of [
    '/',
    '/oauth/token',
    '/mcp/',
    '/mcp/a/b',
    '/mcp/..%2fx',
    '/a2a/db',
    '/.well-known/oauth-protected-resource/mcp/files',
  ])
    assert.equal(await at('--path-as-is', `${url}${path}`), '404', path);
  assert.equal(await at(`${url.replace('127.0.0.1', 'localhost')}/mcp/files`, '-X', 'POST'), '200');
});
