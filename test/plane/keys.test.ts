// Keys of the authority while a plane runs: a rotation reaches whoever listens, dials or holds a stream, and a revoking one ends
// everything that was signed before.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { type DialSvid, openX509Source, type X509Source } from '@writ/agent/node';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

let world: TestPlane;
let source: X509Source;
const pushed: string[] = [];

before(async () => {
  world = await startTestPlane({
    yaml: `
agents:
  demo/me: { attest: { uid: ${process.getuid?.() ?? 0} }, calls: [demo/other] }
  demo/other: { attest: { uid: 4000001 } }
users:
  howard: { roles: [admin] }
`,
  });
  const endpoint = String(world.plane.ready.workloadApi);
  source = await openX509Source({ endpoint, onUpdate: (svid) => svid && pushed.push(svid.certPem) });
});

after(async () => {
  source?.close();
  await world?.close();
});

const rotate = async (body: object) => {
  const answer = await world.person('/keys', { method: 'POST', body: JSON.stringify(body) });
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()) as { root: { number: number; state: string }[]; sequence: number };
};

const present = (): DialSvid => source.current();

/** Resolves with an open connection, or null when the gateway did not want it. */
async function dial({ certPem, keyPem, bundlePem }: DialSvid): Promise<TLSSocket | null> {
  const { hostname: host, port } = new URL(world.mtls);
  const ca = [bundlePem].flat() as string[];
  const socket = connect({
    host,
    port: Number(port),
    cert: certPem,
    key: keyPem,
    ca,
    checkServerIdentity: () => undefined,
  });
  socket.on('error', () => {});
  socket.write('GET /none HTTP/1.1\r\nhost: x\r\n\r\n');
  const answered = await Promise.race([once(socket, 'data').then(() => true), once(socket, 'close').then(() => false)]);
  return answered ? socket : null;
}

async function eventually(what: string, look: () => boolean): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (look()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`did not happen: ${what}`);
}

test('a prepared root is pushed to agents, and nobody is interrupted', async () => {
  const kept = await dial(present());
  assert.ok(kept);
  const before = present();
  const seen = pushed.length;
  const { root } = await rotate({ kind: 'root' });
  assert.deepEqual(
    root.map(({ state }) => state),
    ['signs', 'next'],
  );
  await eventually('the push', () => pushed.length > seen);
  assert.notEqual(present().bundlePem, before.bundlePem);
  assert.equal(kept.destroyed, false);
  for (const svid of [before, present()]) {
    const socket = await dial(svid);
    assert.ok(socket, 'both bundles hold the root that signs');
    socket.destroy();
  }
  kept.destroy();
});

test('an activated root signs for gateway and agents, and an SVID of the former one is good to its end', async () => {
  const before = present();
  const { root } = await rotate({ kind: 'root', atOnce: true });
  assert.deepEqual(
    root.map(({ state }) => state),
    ['former', 'signs'],
  );
  const socket = await dial(before);
  assert.ok(socket);
  socket.destroy();
});

test('after a leak: former SVIDs cannot connect, open connections of theirs end within a second, agents go on', async () => {
  const before = present();
  const [open, forged] = [await dial(before), await world.svid('demo/me')];
  assert.ok(open);
  const seen = pushed.length;
  const closed = once(open, 'close').then(() => performance.now());
  const asked = performance.now();
  const { root, sequence } = await rotate({ kind: 'root', revoke: true });
  assert.deepEqual(
    root.map(({ state }) => state),
    ['signs'],
  );
  assert.ok((await closed) - asked < 1000, 'within a second');
  await eventually('the push', () => pushed.length > seen);
  const bundlePem = present().bundlePem;
  assert.equal(await dial({ ...before, bundlePem }), null);
  assert.equal(await dial({ ...forged, bundlePem }), null, 'whoever has the former key signs in vain');
  const socket = await dial(present());
  assert.ok(socket);
  socket.destroy();
  assert.ok(sequence > 0);
});

test('who may not administer may not rotate', async () => {
  const answer = await fetch(`${world.api}/keys`, { method: 'POST', body: '{"kind":"root"}' });
  assert.equal(answer.status, 401);
});
