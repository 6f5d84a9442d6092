import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { type Denial, type DenialCode, type Detail, denial, parseSpiffeId, trustDomainOf } from '@writ/core';
import { createMtlsListener, type MtlsListenerOptions, type MtlsPeer, type RefusalInfo } from './mtls-listener.ts';
import {
  KeyUsageFlags,
  type LeafOptions,
  openClient,
  rawExchange,
  temporaryFolder,
  testAuthority,
  wallClock,
} from './tls-fixtures.ts';
import type { TlsIdentity } from './tls-pem.ts';
import { openTrustStore } from './trust-store.ts';

const store = await openTrustStore();
const ours = await testAuthority({ uri: 'spiffe://our.test' });
const partner = await testAuthority({ uri: 'spiffe://partner.test' });
const trust = await store.caList(
  new Map([
    ['our.test', [ours.der]],
    ['partner.test', [partner.der]],
  ]),
);
const gateway = await ours.issue({ uris: ['spiffe://our.test/writ/gateway'] });
const caller = parseSpiffeId('spiffe://our.test/a/b')!;
const request = 'GET /x HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n';
const keptRequest = 'GET /x HTTP/1.1\r\nHost: gateway\r\n\r\n';

/** A clock that stands on wall time until the test moves it; certificates are checked against wall time by OpenSSL. */
function movableClock() {
  let aheadMillis = 0;
  const nowMillis = () => Date.now() + aheadMillis;
  return {
    nowMillis,
    nowSeconds: () => Math.floor(nowMillis() / 1000),
    move(seconds: number) {
      aheadMillis += seconds * 1000;
    },
  };
}

interface Refused {
  readonly refused: Denial;
  readonly info: RefusalInfo;
}

async function start(t: TestContext, options: Partial<MtlsListenerOptions> = {}) {
  const served: MtlsPeer[] = [];
  const refusals: Refused[] = [];
  const listener = createMtlsListener({
    svid: gateway.identity,
    trust,
    clock: wallClock,
    admit: () => null,
    handler: (_request, response) => void response.end('served'),
    onRefused: (refused, info) => void refusals.push({ refused, info }),
    ...options,
    ...(options.handler
      ? {}
      : {
          handler: (_request, response, peer) => {
            served.push(peer);
            response.end('served');
          },
        }),
  });
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => listener.close({ drainMillis: 0 }));
  return { listener, port, served, refusals, codes: () => refusals.map(({ refused }) => refused.code) };
}

const present = ({ certPem, keyPem }: TlsIdentity) => ({ cert: certPem, key: keyPem });
const issue = async (options: LeafOptions = {}, authority = ours) => present((await authority.issue(options)).identity);
const closed = (socket: TLSSocket) => (socket.closed ? Promise.resolve() : once(socket, 'close'));

/** Soon, or the test runs into its time limit. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** One answer on a connection that stays open. */
async function ask(socket: TLSSocket): Promise<string> {
  socket.write(keptRequest);
  const [chunk] = await once(socket, 'data');
  return chunk.toString();
}

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

const now = wallClock.nowSeconds();
const stranger = await testAuthority({ uri: 'spiffe://stranger.test' });
const imitation = await testAuthority({ imitates: ours });
const strangerLeaf = await stranger.issue({ uris: ['spiffe://stranger.test/a/b'] });
const strangerWithRoot = { ...strangerLeaf.identity, certPem: strangerLeaf.identity.certPem + stranger.pem };

const mayCertify = KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign;
const named = (...uriNames: string[]) => ({ uriNames });

/** The detail shows who refused: OpenSSL in the handshake gives a cause, our own reader says what it saw. */
const refusedPeers: [what: string, client: object, code: DenialCode, detail: Detail][] = [
  [
    'without a certificate',
    {},
    'transport.certificate_missing',
    { cause: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' },
  ],
  [
    'with an expired certificate',
    await issue({ fromSeconds: now - 100, untilSeconds: now - 1 }),
    'transport.certificate_expired',
    { cause: 'CERT_HAS_EXPIRED' },
  ],
  [
    'with a certificate of tomorrow',
    await issue({ fromSeconds: now + 1000 }),
    'transport.certificate_expired',
    { cause: 'CERT_NOT_YET_VALID' },
  ],
  [
    'of a trust domain we hold no bundle of',
    present(strangerLeaf.identity),
    'transport.trust_domain_unknown',
    { cause: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
  ],
  [
    'of an unknown trust domain that sends its root too',
    present(strangerWithRoot),
    'transport.trust_domain_unknown',
    { cause: 'SELF_SIGNED_CERT_IN_CHAIN' },
  ],
  [
    'whose identity a partner forged',
    await issue({ uris: ['spiffe://our.test/a/b'] }, partner),
    'transport.certificate_invalid',
    { cause: 'UNSPECIFIED', says: 'its issuer may not speak for this trust domain, most likely' },
  ],
  [
    'whose identity an imitation of our root forged',
    await issue({ uris: ['spiffe://our.test/a/b'] }, imitation),
    'transport.certificate_invalid',
    { cause: 'CERT_SIGNATURE_FAILURE' },
  ],
  [
    'with two URI names',
    await issue({ uris: ['spiffe://our.test/a/b', 'spiffe://our.test/c/d'] }),
    'transport.identity_invalid',
    named('spiffe://our.test/a/b', 'spiffe://our.test/c/d'),
  ],
  [
    'whose trust domain carries a port, which OpenSSL lets pass',
    await issue({ uris: ['spiffe://partner.test:80/a'] }, partner),
    'transport.identity_invalid',
    named('spiffe://partner.test:80/a'),
  ],
  [
    'with no path in its identity',
    await issue({ uris: ['spiffe://our.test'] }),
    'transport.identity_invalid',
    named('spiffe://our.test'),
  ],
  ['with only a DNS name', await issue({ uris: [], dnsNames: ['our.test'] }), 'transport.identity_invalid', named()],
  [
    "with an authority's certificate",
    await issue({ ca: true, keyUsage: mayCertify }),
    'transport.certificate_invalid',
    { says: 'it is the certificate of an authority' },
  ],
  [
    'with a key that may sign certificates',
    await issue({ keyUsage: mayCertify }),
    'transport.certificate_invalid',
    { says: 'the key may sign certificates or revocation lists' },
  ],
  [
    'with TLS 1.2',
    { ...(await issue()), maxVersion: 'TLSv1.2' },
    'transport.certificate_missing',
    { cause: 'ERR_SSL_UNSUPPORTED_PROTOCOL' },
  ],
];

for (const [what, client, code, detail] of refusedPeers) {
  test(`a peer ${what} is refused as ${code}, and the refusal has its source`, async (t) => {
    const { port, served, refusals, codes } = await start(t);
    const { answer } = await rawExchange(port, client, request);
    assert.equal(answer, '');
    assert.deepEqual(served, []);
    assert.deepEqual(codes(), [code], JSON.stringify(refusals));
    assert.deepEqual(refusals[0]!.refused.detail, detail);
    assert.equal(refusals[0]!.info.source, '127.0.0.1');
  });
}

test('a self-signed certificate is no identity', async (t) => {
  const { port, served, codes } = await start(t);
  const dir = await temporaryFolder(t);
  const [key, cert] = [join(dir, 'k'), join(dir, 'c')];
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/',
    '-keyout',
    key,
    '-out',
    cert,
    '-addext',
    'subjectAltName=critical,URI:spiffe://our.test/a/b',
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  ]);
  if (made.status !== 0) return t.skip('openssl is not installed');
  const { answer } = await rawExchange(port, { key: await readFile(key), cert: await readFile(cert) }, request);
  assert.equal(answer, '');
  assert.deepEqual(served, []);
  assert.deepEqual(codes(), ['transport.certificate_invalid']);
});

test('a peer that nobody admits is closed before a byte of HTTP is parsed', async (t) => {
  // A parser would answer this with 400 and report it; the admitted peer shows that it does.
  const noise = 'THIS IS NOT HTTP\r\n\r\n';
  const seen: MtlsPeer[] = [];
  const refusing = await start(t, {
    admit(peer) {
      seen.push(peer);
      return denial('transport.edge_not_allowed', { peer: peer.spiffeId });
    },
  });
  assert.equal((await rawExchange(refusing.port, await issue(), noise)).answer, '');
  assert.equal((await rawExchange(refusing.port, await issue(), request)).answer, '');
  assert.deepEqual(refusing.codes(), ['transport.edge_not_allowed', 'transport.edge_not_allowed']);
  assert.equal(refusing.refusals[0]!.info.peer, caller);
  assert.deepEqual(
    seen.map((peer) => peer.spiffeId),
    [caller, caller],
  );
  assert.deepEqual(refusing.served, []);
  assert.equal(refusing.listener.connectionCount(), 0);

  const admitting = await start(t);
  assert.match((await rawExchange(admitting.port, await issue(), noise)).answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.deepEqual(admitting.codes(), ['gateway.malformed']);
  assert.equal(admitting.refusals[0]!.info.peer, caller);
});

test('a peer that only knocks is not counted as refused', async (t) => {
  const { port, refusals } = await start(t);
  const socket = connectTcp(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.end();
  await once(socket, 'close');
  await rawExchange(port, await issue(), request);
  assert.deepEqual(refusals, []);
});

test('what speaks no TLS at all is refused with its cause', async (t) => {
  const { port, refusals } = await start(t);
  const socket = connectTcp(port, '127.0.0.1').on('error', () => {});
  socket.resume();
  socket.write(request);
  await once(socket, 'close');
  assert.deepEqual(refusals[0]!.refused.detail, { cause: 'ERR_SSL_HTTP_REQUEST' });
});

/** Sessions a Node client is offered during one exchange. */
async function sessionsFrom(port: number, client: object): Promise<Buffer[]> {
  const socket = await openClient(port, client);
  const sessions: Buffer[] = [];
  socket.on('session', (session) => sessions.push(session));
  socket.write(request);
  await closed(socket.resume());
  return sessions;
}

/** The same TLS settings with tickets left on, to show that the tests below would notice. */
async function resumingServer(t: TestContext): Promise<number> {
  const { certPem: cert, keyPem: key } = gateway.identity;
  const server = createServer({
    cert,
    key,
    ca: [...trust.caPem],
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  });
  server.on('secureConnection', (socket: TLSSocket) =>
    socket.on('error', () => {}).end(socket.isSessionReused() ? 'reused' : 'full'),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('no session is ever resumed, neither one of ours nor one from elsewhere', async (t) => {
  const client = await issue();
  const elsewhere = await resumingServer(t);
  const [foreign] = await sessionsFrom(elsewhere, client);
  assert.ok(foreign, 'the control gives a ticket');
  assert.equal(
    (await rawExchange(elsewhere, { session: foreign }, '')).answer,
    'reused',
    'and takes it without a certificate',
  );

  const { port, served, codes } = await start(t);
  // TLS 1.3 sends session tickets all the same; here they are empty names that nothing is kept under.
  const sessions = [foreign, ...(await sessionsFrom(port, client))];
  served.length = 0;
  for (const session of sessions) {
    assert.equal((await rawExchange(port, { session }, request)).answer, '');
    const socket = await openClient(port, { ...client, session });
    assert.equal(socket.isSessionReused(), false);
    assert.match(await ask(socket), /served/);
  }
  assert.deepEqual(
    codes(),
    sessions.map(() => 'transport.certificate_missing'),
  );
  assert.equal(served.length, sessions.length);
});

test('openssl s_client with a saved session gets a new one each time', async (t) => {
  if (spawnSync('openssl', ['version']).status !== 0) return t.skip('openssl is not installed');
  const dir = await temporaryFolder(t);
  const { identity } = await ours.issue();
  await writeFile(join(dir, 'cert'), identity.certPem);
  await writeFile(join(dir, 'key'), identity.keyPem);
  const connectTo = async (port: number, ...more: string[]) => {
    const child = spawn(
      'openssl',
      ['s_client', '-connect', `127.0.0.1:${port}`, '-cert', 'cert', '-key', 'key', '-ign_eof', ...more],
      { cwd: dir },
    );
    child.stdin.write(request);
    let said = '';
    child.stdout.on('data', (chunk) => (said += chunk));
    await once(child, 'close');
    return said;
  };
  const elsewhere = await resumingServer(t);
  await connectTo(elsewhere, '-sess_out', 'control');
  assert.match(await connectTo(elsewhere, '-sess_in', 'control'), /^Reused, TLSv1\.3/m);

  const { port, served } = await start(t);
  assert.match(await connectTo(port, '-sess_out', 'session'), /^New, TLSv1\.3/m);
  // Nothing may have been saved; the ticket of the control server is then the best there is to try.
  const saved = spawnSync('test', ['-s', join(dir, 'session')]).status === 0 ? 'session' : 'control';
  assert.match(await connectTo(port, '-sess_in', saved), /^New, TLSv1\.3/m);
  assert.equal(served.length, 2);
});

/** A client whose certificate, by the listener's clock, ends in `millis`: OpenSSL asks the wall clock and is content. */
async function clientEndingIn(
  millis: number,
  port: number,
  clock: ReturnType<typeof movableClock>,
): Promise<TLSSocket> {
  const untilSeconds = wallClock.nowSeconds() + 3600;
  clock.move(untilSeconds - (clock.nowMillis() + millis) / 1000);
  return openClient(port, await issue({ untilSeconds }));
}

test('an idle connection ends with the certificate it began with', async (t) => {
  const clock = movableClock();
  const { port, listener } = await start(t, { clock });
  const socket = await clientEndingIn(400, port, clock);
  assert.match(await ask(socket), /served/);
  const from = performance.now();
  await closed(socket);
  assert.ok(performance.now() - from > 200, 'not before its time');
  await until(() => listener.connectionCount() === 0);
});

test('a response under way at the end may finish, and nothing new begins on its connection', async (t) => {
  const clock = movableClock();
  const begun: ServerResponse[] = [];
  const { port } = await start(t, { clock, handler: (_request, response) => void begun.push(response) });
  const socket = await clientEndingIn(300, port, clock);
  socket.write(keptRequest);
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk));
  await new Promise((resolve) => setTimeout(resolve, 400));
  begun[0]!.end('finished');
  socket.write(keptRequest);
  await closed(socket);
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\nconnection: close\r\n[\s\S]*finished$/i);
  assert.equal(begun.length, 1);
});

test('a response that does not finish is cut off after the grace', async (t) => {
  const clock = movableClock();
  const handler = (_request: unknown, response: ServerResponse) => void response.write('begun');
  const { port, listener } = await start(t, { clock, handler, expiryGraceMillis: 50 });
  const socket = await clientEndingIn(200, port, clock);
  assert.match(await ask(socket), /begun/);
  await closed(socket);
  await until(() => listener.connectionCount() === 0);
});

test('a request after the end is not served even where no timer has fired yet', async (t) => {
  const clock = movableClock();
  const { port, served } = await start(t, { clock });
  const socket = await openClient(port, await issue());
  assert.match(await ask(socket), /served/);
  clock.move(3601);
  socket.write(keptRequest);
  await closed(socket);
  assert.equal(served.length, 1);
});

test('a new SVID of the gateway is seen by new connections and leaves the live ones alone', async (t) => {
  const { listener, port } = await start(t);
  const before = await openClient(port, await issue());
  const next = await ours.issue({ uris: ['spiffe://our.test/writ/gateway'] });
  listener.setSvid(next.identity);
  const after = await openClient(port, await issue());
  assert.deepEqual(after.getPeerX509Certificate()?.raw, Buffer.from(next.der));
  assert.match(await ask(before), /served/);
  assert.match(await ask(after), /served/);
  // Settings that a careless rotation would drop.
  assert.equal((await rawExchange(port, {}, request)).answer, '');
  assert.equal((await rawExchange(port, { ...(await issue()), maxVersion: 'TLSv1.2' }, request)).answer, '');
  const [session] = await sessionsFrom(port, await issue());
  assert.equal((await rawExchange(port, { session }, request)).answer, '');
});

test('a withdrawn trust domain loses its live connections and gets no new ones', async (t) => {
  const { listener, port, codes } = await start(t);
  const own = await openClient(port, await issue());
  const theirs = await openClient(port, await issue({ uris: ['spiffe://partner.test/a/b'] }, partner));
  assert.match(await ask(theirs), /served/);
  listener.setTrust(await store.caList(new Map([['our.test', [ours.der]]])));
  await closed(theirs);
  assert.match(await ask(own), /served/);
  assert.equal(
    (await rawExchange(port, await issue({ uris: ['spiffe://partner.test/a/b'] }, partner), request)).answer,
    '',
  );
  assert.deepEqual(codes(), ['transport.trust_domain_unknown']);
});

test('a revoked identity loses its connections at once, and only that identity', async (t) => {
  const { listener, port } = await start(t, { handler: (_request, response) => void response.write('begun') });
  const revoked = await Promise.all([openClient(port, await issue()), openClient(port, await issue())]);
  const other = await openClient(port, await issue({ uris: ['spiffe://our.test/a/bc'] }));
  for (const socket of [...revoked, other]) assert.match(await ask(socket), /begun/);
  const from = performance.now();
  assert.equal(listener.revoke(caller), 2);
  await Promise.all(revoked.map(closed));
  assert.ok(performance.now() - from < 1000);
  assert.equal(other.closed, false);
  assert.equal(listener.connectionCount(), 1);
});

test('a review closes whom the new rules do not admit', async (t) => {
  const withdrawn = new Set<string>();
  const admit = (peer: MtlsPeer) =>
    withdrawn.has(trustDomainOf(peer.spiffeId)) ? denial('transport.edge_not_allowed') : null;
  const { listener, port } = await start(t, { admit });
  const own = await openClient(port, await issue());
  const theirs = await openClient(port, await issue({ uris: ['spiffe://partner.test/a/b'] }, partner));
  await Promise.all([ask(own), ask(theirs)]);
  assert.equal(listener.review(), 0);
  withdrawn.add('partner.test');
  assert.equal(listener.review(), 1);
  await closed(theirs);
  assert.match(await ask(own), /served/);
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
