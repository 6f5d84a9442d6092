// Federation with go-spiffe on the other side: its client fetches our bundle, its handler publishes a partner's, in both profiles.

import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openX509Source, type X509Svid } from '@writ/agent/node';
import { bundleDocument, type JsonObject } from '@writ/core';
import { type Authority, openAuthority } from '../../packages/server/src/transport/ca.ts';
import { testAuthority } from '../../packages/server/src/transport/tls-fixtures.ts';
import { type TlsIdentity, tlsIdentity, toPem } from '../../packages/server/src/transport/tls-pem.ts';
import { freePort } from '../free-port.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { runProgram } from './programs.ts';

const program = process.env.WRIT_INTEROP_GO_SPIFFE!;
assert.ok(program, 'WRIT_INTEROP_GO_SPIFFE names no program; `npm run interop` builds one');

const endpointId = 'spiffe://partner.test/endpoint';
const dir = mkdtempSync(join(tmpdir(), 'writ-federation-'));
const children: ChildProcessWithoutNullStreams[] = [];
const worlds: TestPlane[] = [];
let partner: Authority;

before(async () => {
  mkdirSync(join(dir, 'ca'), { mode: 0o700 });
  const clock = { nowSeconds: () => Math.floor(Date.now() / 1000) };
  partner = await openAuthority({ dir: join(dir, 'ca'), trustDomain: 'partner.test', clock });
});

after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(worlds.map((world) => world.close()));
  rmSync(dir, { recursive: true, force: true });
});

/** Its present bundle in a file. */
function writeDocument(name: string, sequence: number): string {
  const jwkOf = (der: Uint8Array) => new X509Certificate(der).publicKey.export({ format: 'jwk' }) as JsonObject;
  const document = bundleDocument({
    roots: partner.bundle().map((der) => ({ der, jwk: jwkOf(der) })),
    jwtKeys: partner.jwtKeys(),
    sequence,
    refreshSeconds: 300,
  });
  writeFileSync(join(dir, name), JSON.stringify(document));
  return join(dir, name);
}

/** The library's handler; resolves with its address. */
async function serve(document: string, { certPem, keyPem }: TlsIdentity): Promise<string> {
  const name = join(dir, crypto.randomUUID());
  writeFileSync(`${name}.crt`, certPem);
  writeFileSync(`${name}.key`, keyPem);
  const child = spawn(program, ['serve-bundle', 'partner.test', document, `${name}.crt`, `${name}.key`], {
    stdio: 'pipe',
  });
  children.push(child);
  child.stderr.resume();
  const [line] = await once(child.stdout, 'data');
  return (JSON.parse(String(line)) as { address: string }).address;
}

async function planeWith(federation: object): Promise<TestPlane> {
  const uid = process.getuid?.() ?? 0;
  const yaml = `agents:\n  demo/me: { attest: { uid: ${uid} } }\nusers:\n  howard: { roles: [admin] }\nfederation: ${JSON.stringify(federation)}\n`;
  const world = await startTestPlane({ yaml });
  worlds.push(world);
  return world;
}

/** How many roots of the partner an agent of that plane is given, once it is more than `above`. */
async function rootsGiven({ plane }: TestPlane, above: number): Promise<number> {
  let newest: X509Svid | null = null;
  const source = await openX509Source({
    endpoint: String(plane.ready.workloadApi),
    onUpdate: (svid) => (newest = svid),
  });
  const count = () => (newest?.federatedPem.get('partner.test') ?? '').split('-----BEGIN').length - 1;
  for (let i = 0; i < 500 && count() <= above; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  source.close();
  return count();
}

test('a partner is followed in https_spiffe, and its new root reaches our agents', async () => {
  const bootstrap = writeDocument('before.json', 1);
  const identity = tlsIdentity(await partner.mint({ spiffeId: endpointId }));
  await partner.rotate('root', { atOnce: false, revoke: false });
  const url = `https://${await serve(writeDocument('after.json', 2), identity)}/`;
  const world = await planeWith({
    partners: { 'partner.test': { url, profile: 'https_spiffe', endpoint: endpointId, bundle: bootstrap } },
  });
  assert.equal(await rootsGiven(world, 1), 2);
});

test('an endpoint of another identity gives our agents nothing new', async () => {
  const identity = tlsIdentity(await partner.mint({ spiffeId: 'spiffe://partner.test/other' }));
  const url = `https://${await serve(writeDocument('after.json', 2), identity)}/`;
  const bundle = join(dir, 'before.json');
  const world = await planeWith({
    partners: { 'partner.test': { url, profile: 'https_spiffe', endpoint: endpointId, bundle } },
  });
  for (let i = 0; i < 500 && !world.said.some((one) => one.includes('other')); i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(
    world.said.some((one) => /its endpoint is `spiffe:\/\/partner\.test\/other`/.test(one)),
    world.said.join('\n'),
  );
  assert.equal(await rootsGiven(world, 0), 1);
});

test('a partner is followed in https_web', async () => {
  const web = await testAuthority();
  const { identity } = await web.issue({ uris: [], dnsNames: ['localhost'], subject: 'CN=localhost' });
  writeFileSync(join(dir, 'web.pem'), web.pem);
  const address = await serve(writeDocument('after.json', 2), identity);
  const url = `https://localhost:${address.split(':')[1]}/`;
  const world = await planeWith({
    partners: { 'partner.test': { url, profile: 'https_web', ca: join(dir, 'web.pem') } },
  });
  assert.equal(await rootsGiven(world, 1), 2);
});

test('its client fetches our bundle in https_spiffe, and refuses an endpoint that is somebody else', async () => {
  const port = await freePort();
  const world = await planeWith({ listen: `127.0.0.1:${port}` });
  const roots = join(dir, 'ours.pem');
  writeFileSync(
    roots,
    world.authority
      .bundle()
      .map((der) => toPem('CERTIFICATE', der))
      .join(''),
  );
  const fetched = async (id: string) => {
    const said = await runProgram(program, ['fetch-bundle', `https://127.0.0.1:${port}/`, id, roots]);
    assert.equal(said.status, 0, said.stderr);
    return JSON.parse(said.stdout);
  };
  const gateway = 'spiffe://zylos.local/writ/gateway';
  const first = await fetched(gateway);
  assert.deepEqual(first, { roots: 1, keys: 1, sequence: first.sequence, hint: 300 });
  assert.match((await fetched('spiffe://zylos.local/writ/other')).refused, /unexpected ID/);
  const answer = await world.person('/keys', { method: 'POST', body: '{"kind":"root"}' });
  assert.equal(answer.status, 200);
  assert.deepEqual(await fetched(gateway), { roots: 2, keys: 1, sequence: first.sequence + 1, hint: 300 });
});
