// When a connection ends: with its certificate, its trust domain, its identity, or the rules that admitted it.

import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { denial, trustDomainOf } from '@writ/core';
import {
  ask,
  caller,
  closed,
  issue,
  keptRequest,
  movableClock,
  ours,
  partner,
  request,
  sessionsFrom,
  start,
  store,
  until,
} from './mtls-listener.fixture.ts';
import type { MtlsPeer } from './mtls-listener.ts';
import { openClient, rawExchange, wallClock } from './tls-fixtures.ts';

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
