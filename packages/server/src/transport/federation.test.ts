// SPIFFE Federation §5: a bundle comes from the configured endpoint of its own trust domain or not at all, and only ever gets newer.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, get, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { bundleDocument, type JsonObject, parseSpiffeId } from '@writ/core';
import { type Authority, openAuthority } from './ca.ts';
import { type Federation, openFederation, type Partner } from './federation.ts';
import { createBundleEndpoint } from './federation-endpoint.ts';
import { temporaryFolder, testAuthority, wallClock } from './tls-fixtures.ts';
import { tlsIdentity } from './tls-pem.ts';

const endpointId = 'spiffe://partner.test/bundles/endpoint';

interface World {
  readonly folder: string;
  readonly partner: Authority;
  readonly url: string;
  now: number;
  sequence: number;
  readonly problems: string[];
  readonly changes: string[];
  /** What is answered instead of the bundle. */
  answer: ((response: ServerResponse) => void) | null;
  serveAs(spiffeId: string): Promise<void>;
  open(change?: Partial<Partner>): Promise<Federation>;
}

const documentOf = (authority: Authority, sequence: number): JsonObject =>
  bundleDocument({
    roots: authority.bundle().map((der) => ({
      der,
      jwk: new X509Certificate(der).publicKey.export({ format: 'jwk' }) as JsonObject,
    })),
    jwtKeys: authority.jwtKeys(),
    sequence,
    refreshSeconds: 60,
  });

async function openWorld(t: TestContext): Promise<World> {
  const folder = await temporaryFolder(t);
  const partner = await openAuthority({ dir: join(folder, 'ca'), trustDomain: 'partner.test', clock: wallClock });
  const world = {
    folder,
    partner,
    now: wallClock.nowSeconds(),
    sequence: 1,
    problems: [],
    changes: [],
    answer: null,
  } as unknown as World & { url: string };
  const identity = tlsIdentity(await partner.mint({ spiffeId: endpointId }));
  const server: Server = createServer({ cert: identity.certPem, key: identity.keyPem }, (_req, res) => {
    if (world.answer) return world.answer(res);
    res.end(JSON.stringify(documentOf(partner, world.sequence)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  world.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  world.serveAs = async (spiffeId) => {
    const { certPem, keyPem } = tlsIdentity(await partner.mint({ spiffeId }));
    server.setSecureContext({ cert: certPem, key: keyPem });
  };
  world.open = async (change = {}) => {
    const federation = await openFederation({
      partners: [
        {
          trustDomain: 'partner.test',
          url: world.url,
          profile: { kind: 'https_spiffe', endpointId: parseSpiffeId(endpointId)! },
          bootstrap: JSON.stringify(documentOf(partner, 0)),
          ...change,
        },
      ],
      dir: join(folder, 'federation'),
      ownRoots: () => [],
      trustDomain: 'our.test',
      clock: { nowSeconds: () => world.now },
      suffix: () => crypto.randomUUID(),
      lookMillis: 60_000,
      onChange: (name) => world.changes.push(name),
      onProblem: (_, says) => world.problems.push(says),
    });
    t.after(() => federation.close());
    return federation;
  };
  return world;
}

const sequenceOf = (federation: Federation) => federation.bundles().get('partner.test')?.sequence;

test('a bundle is fetched from the endpoint of the right identity, and again when its hint says so', async (t) => {
  const world = await openWorld(t);
  const federation = await world.open();
  assert.equal(sequenceOf(federation), 0);
  await federation.poll();
  assert.deepEqual([sequenceOf(federation), world.changes], [1, ['partner.test']]);
  assert.deepEqual(
    [...federation.bundles().get('partner.test')!.jwtKeys.keys()],
    world.partner.jwtKeys().map(({ kid }) => kid),
  );
  world.sequence = 2;
  world.now += 59;
  await federation.poll();
  assert.equal(sequenceOf(federation), 1);
  world.now += 1;
  await federation.poll();
  assert.equal(sequenceOf(federation), 2);
});

test('rotations of a partner are followed one after another, although its first root is gone in the end', async (t) => {
  const world = await openWorld(t);
  const federation = await world.open();
  for (let round = 1; round <= 3; round++) {
    await world.partner.rotate('root', { atOnce: false, revoke: false });
    world.sequence++;
    await federation.poll({ all: true });
    await world.partner.rotate('root', { atOnce: true, revoke: false });
    await world.serveAs(endpointId);
    world.sequence++;
    await federation.poll({ all: true });
    assert.deepEqual([sequenceOf(federation), world.problems], [world.sequence, []]);
  }
});

const wrongIdentities = ['spiffe://partner.test/bundles', 'spiffe://partner.test/bundles/endpoint/x'];
for (const spiffeId of wrongIdentities) {
  test(`an endpoint that is ${spiffeId} is not asked`, async (t) => {
    const world = await openWorld(t);
    await world.serveAs(spiffeId);
    const federation = await world.open();
    await federation.poll();
    assert.deepEqual([sequenceOf(federation), world.changes.length], [0, 0]);
    assert.match(world.problems[0]!, /its endpoint is `spiffe:/);
  });
}

test('an endpoint under an authority that is not held is not asked, whatever name it shows', async (t) => {
  const world = await openWorld(t);
  const { identity } = await (await testAuthority()).issue({ uris: [endpointId] });
  const impostor = createBundleEndpoint({ identity, document: () => ({ keys: [], spiffe_sequence: 9 }) });
  const { port } = await impostor.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => impostor.close());
  const federation = await world.open({ url: `https://127.0.0.1:${port}/` });
  await federation.poll();
  assert.deepEqual([sequenceOf(federation), world.changes.length], [0, 0]);
  assert.match(world.problems[0]!, /unable to|self-signed|issuer/);
});

const badAnswers: [what: string, answer: (res: ServerResponse) => void, says: RegExp][] = [
  [
    'a redirect to plain HTTP',
    (res) => void res.writeHead(302, { location: 'http://127.0.0.1/' }).end(),
    /answers 302/,
  ],
  ['a redirect to HTTPS', (res) => void res.writeHead(307, { location: 'https://127.0.0.1/' }).end(), /answers 307/],
  ['an error', (res) => void res.writeHead(500).end('{"keys":[]}'), /answers 500/],
  ['a page', (res) => void res.end('<html></html>'), /not strict JSON/],
  ['no keys', (res) => void res.end('{}'), /no `keys`/],
  ['keys twice', (res) => void res.end('{"keys":[],"keys":[]}'), /duplicate_name/],
  ['a lower sequence', (res) => void res.end('{"keys":[],"spiffe_sequence":0}'), /older than the one that is held/],
  ['no sequence any more', (res) => void res.end('{"keys":[]}'), /older than the one that is held/],
  ['no end', (res) => void res.write('x'.repeat(1_200_000)), /does not stop answering/],
  [
    'half an answer',
    (res) => void res.writeHead(200, { 'content-length': '100' }).write('{', () => res.destroy()),
    /aborted|hang up/,
  ],
];
for (const [what, answer, says] of badAnswers) {
  test(`${what} changes nothing, is told once, and the next good answer counts`, async (t) => {
    const world = await openWorld(t);
    const federation = await world.open();
    await federation.poll();
    world.answer = answer;
    await federation.poll({ all: true });
    await federation.poll({ all: true });
    assert.deepEqual([sequenceOf(federation), world.changes.length, world.problems.length], [1, 1, 1]);
    assert.match(world.problems[0]!, says);
    world.answer = null;
    world.sequence = 2;
    await federation.poll({ all: true });
    assert.equal(sequenceOf(federation), 2);
  });
}

test('a bundle without keys revokes the whole trust domain, and nobody can give it back over the network', async (t) => {
  const world = await openWorld(t);
  const federation = await world.open();
  world.answer = (res) => void res.end('{"keys":[],"spiffe_sequence":5}');
  await federation.poll();
  assert.deepEqual(federation.bundles().get('partner.test'), {
    roots: [],
    jwtKeys: new Map(),
    sequence: 5,
    refreshSeconds: null,
  });
  world.answer = null;
  world.sequence = 6;
  await federation.poll({ all: true });
  assert.equal(sequenceOf(federation), 5);
  assert.match(world.problems[0]!, /no key of its endpoint is held any more; configure its bundle anew/);
});

test('what was seen last outlives a restart, and a bundle in the file that is older does not bring it back', async (t) => {
  const world = await openWorld(t);
  world.sequence = 7;
  const federation = await world.open();
  await federation.poll();
  federation.close();
  assert.equal(sequenceOf(await world.open()), 7);
  assert.equal(sequenceOf(await world.open({ bootstrap: JSON.stringify(documentOf(world.partner, 8)) })), 8);
});

test('a bundle file that cannot be read stops the start with its name', async (t) => {
  const world = await openWorld(t);
  await assert.rejects(world.open({ bootstrap: '{"keys":1}' }), {
    message: 'the bundle given for `partner.test` is no bundle: no `keys`',
  });
});

test('https_web asks the web authorities it was given, and no others', async (t) => {
  const world = await openWorld(t);
  const web = await testAuthority();
  const { identity } = await web.issue({ uris: [], dnsNames: ['localhost'], subject: 'CN=localhost' });
  const endpoint = createBundleEndpoint({ identity, document: () => documentOf(world.partner, 3) });
  const { port } = await endpoint.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => endpoint.close());
  const url = `https://localhost:${port}/bundle.json`;
  const known = await world.open({ url, profile: { kind: 'https_web', caPem: web.pem }, bootstrap: null });
  assert.equal(sequenceOf(known), undefined);
  await known.poll();
  assert.deepEqual([sequenceOf(known), world.problems], [3, []]);
  const public_ = await world.open({ url, profile: { kind: 'https_web', caPem: null }, bootstrap: null });
  await public_.poll();
  assert.match(world.problems[0]!, /unable to|self-signed|issuer/);
  const elsewhere = await world.open({
    url: url.replace('localhost', '127.0.0.1'),
    profile: { kind: 'https_web', caPem: web.pem },
  });
  await elsewhere.poll();
  assert.match(world.problems[1]!, /does not match certificate/);
});

test('the endpoint answers two paths to read and nothing else', async (t) => {
  const { identity } = await (await testAuthority()).issue();
  const endpoint = createBundleEndpoint({ identity, document: () => ({ keys: [] }) });
  const { port } = await endpoint.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => endpoint.close());
  const ask = (path: string, method = 'GET') =>
    new Promise<string>((resolve, reject) => {
      const asked = get({ port, path, method, rejectUnauthorized: false, agent: false }, async (answer) => {
        let text = '';
        for await (const part of answer) text += part;
        resolve(`${answer.statusCode} ${text}`);
      });
      asked.on('error', reject);
    });
  assert.equal(await ask('/'), '200 {"keys":[]}');
  assert.equal(await ask('/bundle.json'), '200 {"keys":[]}');
  assert.equal(await ask('/', 'HEAD'), '200 ');
  assert.equal(await ask('/', 'POST'), '405 {}');
  for (const path of ['/x', '/..', '/bundle.json/', '//']) assert.equal(await ask(path), '404 {}');
});
