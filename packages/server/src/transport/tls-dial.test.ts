// The agent's dialler against real servers, good and bad. It lives here because the authorities for it do.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttps, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { createServer as createTls, type TLSSocket, type TlsOptions } from 'node:tls';
import { type DialSvid, httpRequest, type MtlsAgentOptions, mtlsAgent } from '@writ/agent/node';
import { parseSpiffeId } from '@writ/core';
import { createMtlsListener, type MtlsPeer } from './mtls-listener.ts';
import {
  type Issued,
  KeyUsageFlags,
  type LeafOptions,
  openClient,
  type TestAuthority,
  testAuthority,
  wallClock,
} from './tls-fixtures.ts';
import { openTrustStore } from './trust-store.ts';

const ours = await testAuthority({ uri: 'spiffe://our.test' });
const partner = await testAuthority({ uri: 'spiffe://partner.test' });
const gatewayId = parseSpiffeId('spiffe://our.test/writ/gateway')!;
const agentId = 'spiffe://our.test/a/b';

const svidOf = async (more: Partial<DialSvid> = {}): Promise<DialSvid> => ({
  ...(await ours.issue({ uris: [agentId] })).identity,
  spiffeId: agentId,
  bundlePem: [ours.pem],
  ...more,
});

async function portOf(server: Server | HttpsServer, t: TestContext): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return (server.address() as AddressInfo).port;
}

function dialler(t: TestContext, options: Omit<MtlsAgentOptions, 'expect'> & { expect?: MtlsAgentOptions['expect'] }) {
  const agent = mtlsAgent({ expect: gatewayId, ...options });
  t.after(() => agent.destroy());
  return agent;
}

const serverOptions = ({ identity }: Issued, rest: TlsOptions = {}): TlsOptions => ({
  cert: identity.certPem,
  key: identity.keyPem,
  ca: [ours.pem],
  requestCert: true,
  rejectUnauthorized: true,
  ...rest,
});

/** The gateway's own listener, telling whom it served. */
async function gateway(t: TestContext) {
  const served: MtlsPeer[] = [];
  const trust = await (await openTrustStore()).caList(new Map([['our.test', [ours.der]]]));
  const { identity } = await ours.issue({ uris: [gatewayId] });
  const listener = createMtlsListener({
    svid: identity,
    trust,
    clock: wallClock,
    admit: () => null,
    onRefused: () => {},
    handler(request, response, peer) {
      served.push(peer);
      request.pipe(response);
    },
  });
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => listener.close({ drainMillis: 0 }));
  return { url: `https://127.0.0.1:${port}/echo`, served, listener };
}

test('an agent and the gateway meet, each proving who it is', async (t) => {
  const { url, served } = await gateway(t);
  const svid = await svidOf();
  const agent = dialler(t, { svid: () => svid });
  for (const body of ['one', Buffer.from('two'), Readable.from(['th', 'ree'])]) {
    const answer = await httpRequest(agent, { url, body });
    assert.equal(answer.status, 200);
    assert.match(await text(answer.body), /^(one|two|three)$/);
  }
  assert.deepEqual(
    served.map((peer) => peer.spiffeId),
    [agentId, agentId, agentId],
  );
  assert.equal(new Set(served.map((peer) => peer.remote)).size, 1, 'one connection for all three');
});

const now = wallClock.nowSeconds();
const imitation = await testAuthority({ imitates: ours });
const impostors: [what: string, authority: TestAuthority, leaf: LeafOptions, says: RegExp][] = [
  [
    'another workload of our trust domain',
    ours,
    { uris: ['spiffe://our.test/writ/issuer'] },
    /`spiffe:\/\/our\.test\/writ\/issuer` answered where `spiffe:\/\/our\.test\/writ\/gateway` was expected/,
  ],
  ['a workload below the expected one', ours, { uris: [`${gatewayId}/x`] }, /answered where/],
  ['a partner with our name', partner, { uris: [gatewayId] }, /unable to verify|unable to get/],
  ['an imitation of our root', imitation, { uris: [gatewayId] }, /certificate signature failure|bad signature|unable/],
  ['a host with the right DNS name only', ours, { uris: [], dnsNames: ['localhost'] }, /`transport\.identity_invalid`/],
  ['two identities at once', ours, { uris: [gatewayId, 'spiffe://our.test/a/b'] }, /`transport\.identity_invalid`/],
  [
    'an authority',
    ours,
    { uris: [gatewayId], ca: true, keyUsage: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign },
    /`transport\.certificate_invalid`/,
  ],
  [
    'an expired certificate',
    ours,
    { uris: [gatewayId], fromSeconds: now - 100, untilSeconds: now - 1 },
    /certificate has expired/,
  ],
];

for (const [what, authority, leaf, says] of impostors) {
  test(`the dialler hangs up on ${what} without a byte of HTTP`, async (t) => {
    let heard = '';
    const server = createTls(serverOptions(await authority.issue(leaf)), (socket: TLSSocket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => (heard += chunk));
    });
    const ended: Promise<unknown>[] = [];
    server.on('connection', (socket) => ended.push(new Promise((resolve) => socket.once('close', resolve))));
    const port = await portOf(server, t);
    const svid = await svidOf();
    const agent = dialler(t, { svid: () => svid });
    await assert.rejects(httpRequest(agent, { url: `https://127.0.0.1:${port}/`, body: 'secret' }), says);
    await Promise.all(ended);
    assert.equal(heard, '');
  });
}

test('an older TLS is not spoken', async (t) => {
  const issued = await ours.issue({ uris: [gatewayId] });
  const port = await portOf(createTls(serverOptions(issued, { maxVersion: 'TLSv1.2' })), t);
  const svid = await svidOf();
  await assert.rejects(
    httpRequest(dialler(t, { svid: () => svid }), { url: `https://127.0.0.1:${port}/` }),
    /protocol version/,
  );
});

test('another trust domain is verified by its own bundle, and by nothing else', async (t) => {
  const theirs = parseSpiffeId('spiffe://partner.test/writ/gateway')!;
  const port = await portOf(
    createHttps(
      serverOptions(await partner.issue({ uris: [theirs] })),
      (_request, response) => void response.end('theirs'),
    ),
    t,
  );
  const url = `https://127.0.0.1:${port}/`;
  const without = await svidOf();
  await assert.rejects(httpRequest(dialler(t, { svid: () => without, expect: theirs }), { url }), {
    message: 'no bundle of `partner.test` is held, so `spiffe://partner.test/writ/gateway` cannot be verified',
  });
  const wrong = await svidOf({ federatedPem: new Map([['partner.test', [ours.pem]]]) });
  await assert.rejects(httpRequest(dialler(t, { svid: () => wrong, expect: theirs }), { url }), /unable to/);
  const right = await svidOf({ federatedPem: new Map([['partner.test', [partner.pem]]]) });
  const answer = await httpRequest(dialler(t, { svid: () => right, expect: theirs }), { url });
  assert.equal(await text(answer.body), 'theirs');
});

test('an empty bundle does not mean the public roots', async (t) => {
  const { url } = await gateway(t);
  const svid = await svidOf({ bundlePem: [] });
  await assert.rejects(httpRequest(dialler(t, { svid: () => svid }), { url }), /no bundle of `our\.test` is held/);
});

test('a server that offers resumption is checked in full each time', async (t) => {
  const reused: boolean[] = [];
  const server = createHttps(
    serverOptions(await ours.issue({ uris: [gatewayId] })),
    (_request, response) => void response.end('ok'),
  );
  server.on('secureConnection', (socket) => reused.push(socket.isSessionReused()));
  const port = await portOf(server, t);
  const svid = await svidOf();
  const agent = dialler(t, { svid: () => svid });
  const exchange = async () =>
    text((await httpRequest(agent, { url: `https://127.0.0.1:${port}/`, headers: { connection: 'close' } })).body);
  await exchange();
  await exchange();
  assert.deepEqual(reused, [false, false]);
  // The control: this very server does resume for a client that asks.
  const first = await openClient(port, { cert: svid.certPem, key: svid.keyPem });
  const [session] = await once(first, 'session');
  first.destroy();
  const met = once(server, 'secureConnection');
  const again = await openClient(port, { session });
  await met;
  again.destroy();
  assert.deepEqual(reused, [false, false, false, true]);
});

test('a rotated SVID is used by the next connection, and the old connection is not kept', async (t) => {
  const { url, served } = await gateway(t);
  let svid = await svidOf();
  const agent = dialler(t, { svid: () => svid });
  const call = async () => text((await httpRequest(agent, { url, body: 'x' })).body);
  await call();
  await call();
  const inFlight = httpRequest(agent, { url, body: 'x' });
  svid = await svidOf();
  await text((await inFlight).body);
  await call();
  const thumbprints = served.map((peer) => peer.thumbprint);
  assert.equal(new Set(thumbprints.slice(0, 3)).size, 1);
  assert.notEqual(thumbprints[3], thumbprints[2]);
});

test('a connection is not used again once the certificate of its peer has ended', async (t) => {
  const { url, served } = await gateway(t);
  const svid = await svidOf();
  let nowSeconds = wallClock.nowSeconds();
  const agent = dialler(t, { svid: () => svid, clock: { nowSeconds: () => nowSeconds } });
  const call = async () => text((await httpRequest(agent, { url, body: 'x' })).body);
  await call();
  await call();
  const answer = await httpRequest(agent, { url, body: 'x' });
  nowSeconds += 3601;
  await text(answer.body);
  nowSeconds -= 3601;
  await call();
  const remotes = served.map((peer) => peer.remote);
  assert.equal(new Set(remotes.slice(0, 3)).size, 1);
  assert.notEqual(remotes[3], remotes[2]);
});

test('a refused client reads a sentence, not a bare hang-up', async (t) => {
  const { url } = await gateway(t);
  const strange = await testAuthority();
  const svid = await svidOf({ ...(await strange.issue({ uris: [agentId] })).identity });
  await assert.rejects(httpRequest(dialler(t, { svid: () => svid }), { url }), (error: Error) => {
    assert.match(
      error.message,
      /^`https:\/\/127\.0\.0\.1:[0-9]+` hung up without an answer: it may not accept this identity/,
    );
    return error.cause instanceof Error;
  });
});

test('a silent server is given up after the time allowed', async (t) => {
  const port = await portOf(
    createTcp((socket) => socket.on('error', () => {})),
    t,
  );
  const svid = await svidOf();
  const agent = dialler(t, { svid: () => svid, connectMillisMax: 80 });
  await assert.rejects(httpRequest(agent, { url: `https://127.0.0.1:${port}/` }), {
    message: `\`127.0.0.1:${port}\` did not complete a connection within 80 ms`,
  });
});

test('an exchange ends when its signal says so, before the answer and in the middle of it', async (t) => {
  const server = createHttps(serverOptions(await ours.issue({ uris: [gatewayId] })), (request, response) => {
    if (request.url === '/begin') response.write('begun');
  });
  const port = await portOf(server, t);
  t.after(() => server.closeAllConnections());
  const svid = await svidOf();
  const agent = dialler(t, { svid: () => svid });
  const early = new AbortController();
  const waiting = httpRequest(agent, { url: `https://127.0.0.1:${port}/wait`, signal: early.signal });
  setTimeout(() => early.abort(), 50);
  await assert.rejects(waiting, { name: 'AbortError' });
  const late = new AbortController();
  const answer = await httpRequest(agent, { url: `https://127.0.0.1:${port}/begin`, signal: late.signal });
  const [chunk] = await once(answer.body, 'data');
  assert.equal(chunk.toString(), 'begun');
  late.abort();
  await assert.rejects(text(answer.body));
});
