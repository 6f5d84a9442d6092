// A plane whose identities come from somebody else's Workload API, as from a SPIRE agent's: it serves under what it is given, follows
// rotations, outlives a restart of the source, and serves nobody once its own identity is withdrawn.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { type Authority, openAuthority } from '../../packages/server/src/transport/ca.ts';
import { entryOf, openSmallPlane, type SmallPlane } from '../../packages/server/src/transport/launch-fixtures.ts';
import { tlsIdentity, toPem } from '../../packages/server/src/transport/tls-pem.ts';
import { createWorkloadApi, type WorkloadApi } from '../../packages/server/src/transport/workload-api/server.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

const clock = { nowSeconds: () => Math.floor(Date.now() / 1000) };
const gateway = entryOf('writ/gateway', {});
const cleanups: (() => unknown)[] = [];

let elsewhere: SmallPlane;
let authority: Authority;
let api: WorkloadApi;
let world: TestPlane;

before(async () => {
  elsewhere = await openSmallPlane({ after: (run: () => unknown) => void cleanups.push(run) } as TestContext, [
    gateway,
  ]);
  authority = await openAuthority({ dir: join(elsewhere.folder, 'ca'), trustDomain: 'zylos.local', clock });
  api = await openApi();
  world = await startTestPlane({
    yaml: `
identity: { source: workloadApi, socket: "${api.endpoint}" }
agents:
  demo/me: { calls: [demo/other] }
  demo/other: {}
users:
  howard: { roles: [admin] }
`,
  });
});

after(async () => {
  await world?.close();
  await api?.close();
  for (const cleanup of cleanups) await cleanup();
});

const openApi = () =>
  createWorkloadApi({
    socketPath: join(elsewhere.folder, 'agent.sock'),
    kernel: elsewhere.kernel,
    identityOf: elsewhere.attestor.ofPeer,
    mint: authority.mint,
    bundle: authority.bundle,
    mintJwt: authority.mintJwt,
    jwtKeys: () => new Map(),
    isRevoked: () => false,
    clock,
    onEvent: () => {},
  });

/** An answered connection of an agent of that trust domain, or null. */
async function dial(): Promise<TLSSocket | null> {
  const { certPem: cert, keyPem: key } = tlsIdentity(
    await authority.mint({ spiffeId: 'spiffe://zylos.local/demo/me' }),
  );
  const { hostname: host, port } = new URL(world.mtls);
  const ca = authority.bundle().map((der) => toPem('CERTIFICATE', der));
  const socket = connect({ host, port: Number(port), cert, key, ca, checkServerIdentity: () => undefined });
  socket.on('error', () => {});
  socket.write('GET /none HTTP/1.1\r\nhost: x\r\n\r\n');
  const answered = await new Promise<boolean>((resolve) => {
    socket.once('data', () => resolve(true)).once('close', () => resolve(false));
  });
  return answered ? socket : null;
}

async function eventually(what: string, look: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`did not happen: ${what}`);
}

const answers = async () => {
  const socket = await dial();
  socket?.destroy();
  return socket !== null;
};

test('agents of that trust domain are met under the SVID that the source gave, and asked to get theirs there', async () => {
  const socket = await dial();
  assert.ok(socket, 'the chain verified against the roots of the source alone');
  assert.match(String(socket.getPeerX509Certificate()?.subjectAltName), /spiffe:\/\/zylos\.local\/writ\/gateway/);
  socket.destroy();
  assert.equal(world.plane.ready.workloadApi, api.endpoint);
});

test('a rotation of the source is followed', async () => {
  await authority.rotate('root', { atOnce: true, revoke: true });
  api.refresh();
  await eventually('the new root', answers);
});

test('while the source restarts everybody is served', async () => {
  await api.close();
  assert.equal(await answers(), true);
  api = await openApi();
  assert.equal(await answers(), true);
});

test('once the identity is withdrawn nobody is served, open connections end within two looks, and it comes back', async () => {
  // The connection to the source has to be there again before anything can be withdrawn on it.
  await eventually('the stream', async () => api.expiresOf('spiffe://zylos.local/writ/gateway') !== null);
  const open = await dial();
  assert.ok(open);
  const askedAtOauth = async () => (await fetch(`${world.oauth}/none`)).status;
  assert.equal(await askedAtOauth(), 404);
  elsewhere.setEntries([]);
  api.refresh();
  await once(open, 'close');
  assert.equal(await answers(), false);
  assert.equal(await askedAtOauth(), 503, 'and nobody at the listener for clients without an SVID');
  assert.ok(world.said.some((one) => /has withdrawn the identity of this plane/.test(one)));
  elsewhere.setEntries([gateway]);
  await eventually('the return', answers);
  assert.equal(await askedAtOauth(), 404);
  assert.deepEqual(
    world.said.filter((one) => one.startsWith('keys of the authority')),
    [],
    'what was withdrawn is no fault of this plane',
  );
});

test('keys of somebody else cannot be rotated here, and nothing is issued', async () => {
  const answer = await world.person('/keys', { method: 'POST', body: '{"kind":"root"}' });
  assert.notEqual(answer.status, 200);
  assert.equal(authority.keys().root.length, 1);
});

test('nor does the log say of keys that they changed here', () => {
  const dir = join(world.dataDir, 'data', 'audit');
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const log = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1')).join('');
  const events = new Set([...log.matchAll(/"event":"([a-z_.]+)"/g)].map(([, name]) => name));
  assert.ok(events.has('keys.rotated'), 'the attempt before');
  assert.equal(events.has('identity.keys_changed'), false);
});
