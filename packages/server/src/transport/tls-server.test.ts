import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Denial } from '@writ/core';
import { openClient, rawExchange, testAuthority } from './tls-fixtures.ts';
import { createTlsServer, isLoopback, type OauthPeer, type TlsServerOptions } from './tls-server.ts';

const authority = await testAuthority();
const { identity, der } = await authority.issue({ dnsNames: ['localhost'] });
const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

async function start(t: TestContext, options: Partial<TlsServerOptions> = {}) {
  const peers: OauthPeer[] = [];
  const refused: Denial[] = [];
  const server = createTlsServer({
    tls: identity,
    onRefused: (denial) => void refused.push(denial),
    handler(_request, response, peer) {
      peers.push(peer);
      response.end('served');
    },
    ...options,
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => server.close({ drainMillis: 0 }));
  return { server, port, peers, refused };
}

/** One exchange in the clear. */
async function plainExchange(port: number, text: string): Promise<string> {
  const socket = connectTcp(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk));
  socket.on('error', () => {});
  socket.write(text);
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

test('with a certificate anybody is heard over TLS and nobody is known', async (t) => {
  const { port, peers } = await start(t);
  const { answer } = await rawExchange(
    port,
    { ca: authority.pem, rejectUnauthorized: true, servername: 'localhost' },
    request,
  );
  assert.match(answer, /served$/);
  assert.equal(peers[0]?.listener, 'oauth');
  assert.match(peers[0]!.remote, /^127\.0\.0\.1:[0-9]+$/);
});

test('a certificate shown unasked gives no identity', async (t) => {
  const { port, peers } = await start(t);
  const { answer } = await rawExchange(port, { cert: identity.certPem, key: identity.keyPem }, request);
  assert.match(answer, /served$/);
  assert.deepEqual(Object.keys(peers[0]!), ['listener', 'remote']);
});

test('a new certificate is shown from the next connection on', async (t) => {
  const { server, port } = await start(t);
  const before = await openClient(port, {});
  assert.deepEqual(before.getPeerX509Certificate()?.raw, Buffer.from(der));
  const next = await authority.issue();
  server.setTls(next.identity);
  const after = await openClient(port, {});
  assert.deepEqual(after.getPeerX509Certificate()?.raw, Buffer.from(next.der));
  before.destroy();
  after.destroy();
});

test('plain HTTP is served on loopback and refused anywhere else', async (t) => {
  const { port } = await start(t, { tls: null });
  assert.match(await plainExchange(port, request), /served$/);
  const open = createTlsServer({ tls: null, handler: () => {}, onRefused: () => {} });
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'gateway.example']) {
    await assert.rejects(
      open.listen({ host, port: 0 }),
      new RegExp(`plain HTTP on \`${host.replaceAll('.', '\\.')}\` would send tokens in the clear`),
    );
  }
});

test('loopback is known by address, not by promise', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) assert.ok(isLoopback(host), host);
  for (const host of ['128.0.0.1', '0.0.0.0', '::', '::2', '10.0.0.1', 'localhost.evil', '127.0.0.1.evil', '']) {
    assert.ok(!isLoopback(host), host);
  }
});

test('what is no HTTP is answered with 400 and reported; a failed handshake is only ended', async (t) => {
  const plain = await start(t, { tls: null });
  assert.match(await plainExchange(plain.port, 'NONSENSE\r\n\r\n'), /^HTTP\/1\.1 400 /);
  assert.deepEqual(
    plain.refused.map(({ code }) => code),
    ['gateway.malformed'],
  );
  const secure = await start(t);
  await plainExchange(secure.port, request);
  assert.deepEqual(secure.refused, []);
  assert.deepEqual(secure.peers, []);
});
