import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { ask, closed, gateway, issue, ours, present, start, trust } from './mtls-listener.fixture.ts';
import { createMtlsListener } from './mtls-listener.ts';
import { openClient, rawExchange, wallClock } from './tls-fixtures.ts';

test('a peer is served under the identity of its certificate, read once for all its requests', async (t) => {
  const { port, served, refusals } = await start(t);
  const leaf = await ours.issue({ uris: ['spiffe://our.test/a/b'], dnsNames: ['localhost'] });
  const socket = await openClient(port, present(leaf.identity));
  assert.match(await ask(socket), /^HTTP\/1\.1 200 OK\r\n[\s\S]*served$/);
  assert.match(await ask(socket), /served$/);
  const certificate = new X509Certificate(leaf.der);
  const [first, second] = served;
  assert.equal(first, second);
  assert.deepEqual(first, {
    listener: 'mtls',
    spiffeId: 'spiffe://our.test/a/b',
    notAfterSeconds: certificate.validToDate.getTime() / 1000,
    serialHex: certificate.serialNumber.toLowerCase(),
    thumbprint: Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url'),
    boundary: 'none',
    assertedBy: null,
    remote: `127.0.0.1:${socket.localPort}`,
  });
  assert.deepEqual(refusals, []);
});

test('clients that dawdle over the handshake or the headers are let go', async (t) => {
  const limits = { handshakeMillisMax: 100, headersMillisMax: 200, requestMillisMax: 200 };
  const { port, refusals } = await start(t, { limits });
  const silent = connectTcp(port, '127.0.0.1').on('error', () => {});
  await once(silent.resume(), 'close');
  assert.deepEqual(refusals.shift()!.refused.detail, { cause: 'ERR_TLS_HANDSHAKE_TIMEOUT' });
  const halfway = await rawExchange(port, await issue(), 'GET / HTTP/1.1\r\nHost: gate');
  assert.match(halfway.answer, /^HTTP\/1\.1 408 /);
  assert.equal(refusals.shift()!.refused.code, 'gateway.malformed');
  const mute = await openClient(port, await issue());
  await closed(mute.resume());
  assert.deepEqual(refusals, [], 'a peer that says nothing says nothing wrong');
});

test('headers beyond their bound are refused as too large', async (t) => {
  const { port, codes, served } = await start(t, { limits: { headerBytesMax: 2000 } });
  const { answer } = await rawExchange(
    port,
    await issue(),
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(3000)}\r\n\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 431 /);
  assert.deepEqual(codes(), ['gateway.too_large']);
  assert.deepEqual(served, []);
});

test('closing lets a response finish, ends idle connections, and cuts what is left at the deadline', async (t) => {
  const begun: ServerResponse[] = [];
  const handler = (_request: unknown, response: ServerResponse) => {
    response.write('begun');
    begun.push(response);
  };
  const { listener, port } = await start(t, { handler });
  const idle = await openClient(port, await issue());
  const [finishing, stuck] = [await openClient(port, await issue()), await openClient(port, await issue())];
  await ask(finishing);
  await ask(stuck);
  const closing = listener.close({ drainMillis: 150 });
  await closed(idle.resume());
  let rest = '';
  finishing.on('data', (chunk) => (rest += chunk));
  begun[0]!.end('finished');
  await closed(finishing);
  assert.match(rest, /finished/);
  assert.equal(stuck.closed, false);
  await closing;
  await closed(stuck);
});

test('a connection that never finishes its handshake does not hold up the close', async (t) => {
  const { listener, port } = await start(t);
  const halfway = connectTcp(port, '127.0.0.1').on('error', () => {});
  await once(halfway, 'connect');
  const served = await openClient(port, await issue());
  await ask(served);
  const from = performance.now();
  await listener.close({ drainMillis: 50 });
  assert.ok(performance.now() - from < 1000);
  await Promise.all([closed(served.resume()), once(halfway.resume(), 'close')]);
});

test('a port that is taken is named in the refusal to start', async (t) => {
  const { port } = await start(t);
  const second = createMtlsListener({
    svid: gateway.identity,
    trust,
    clock: wallClock,
    admit: () => null,
    handler: () => {},
    onRefused: () => {},
  });
  await assert.rejects(second.listen({ host: '127.0.0.1', port }), {
    message: `\`127.0.0.1:${port}\` is in use by another program; choose another port, or 0`,
  });
});
