import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { entryOf, eventually, openSmallPlane, ownUid, type SmallPlane } from './launch-fixtures.ts';
import { ancestryOf, idsOf, observe, statOf } from './observe.ts';
import { createExecutableHash } from './observe-executable.ts';
import type { Peer } from './peercred.ts';
import { listenForPeers } from './peercred-listener.ts';
import { whoami } from './whoami.ts';

const node = realpathSync(process.execPath);

/** A child that connects to the test, and its peer as the plane sees it. It ends with its stdin. */
async function connectedChild(
  t: TestContext,
  plane: SmallPlane,
  script: string,
): Promise<{ child: ChildProcess; peer: Peer; socket: Socket }> {
  const path = join(plane.folder, 'test.sock');
  const { promise, resolve } = Promise.withResolvers<{ peer: Peer; socket: Socket }>();
  const onPeer = (socket: Socket, peer: Peer) => resolve({ peer, socket });
  const listener = await listenForPeers({ path, kernel: plane.kernel, onPeer, onRefused: () => {} });
  t.after(() => listener.close());
  const child = spawn(process.execPath, ['-e', script, path], { stdio: ['pipe', 'ignore', 'inherit'], env: {} });
  t.after(() => child.kill('SIGKILL'));
  return { child, ...(await promise) };
}

const connectAndStay = `require('node:net').connect(process.argv[1]); process.stdin.resume().on('end', () => process.exit());`;

test('path, digest and gid of a live process match what the kernel runs', async (t) => {
  const sha256 = createHash('sha256').update(readFileSync(node)).digest('hex');
  const plane = await openSmallPlane(t, [entryOf('demo/exact', { path: node, sha256, gid: process.getgid!() })]);
  const { peer } = await connectedChild(t, plane, connectAndStay);
  const answer = await plane.attestor.ofPeer(peer);
  assert.ok('identity' in answer, JSON.stringify(answer));
  assert.equal(answer.identity.agent, 'demo/exact');
});

test('a process that executes another program after it connected loses an identity by path', async (t) => {
  const plane = await openSmallPlane(t, [entryOf('demo/node', { path: node })]);
  // The connection survives the exec once its descriptor is not closed by it; pid, start time and pidfd all stay.
  const koffi = createRequire(import.meta.url).resolve('koffi');
  const script = `const socket = require('node:net').connect(process.argv[1]);
    process.stdin.once('data', () => {
      const fcntl = require(${JSON.stringify(koffi)}).load(null).func('int fcntl(int fd, int command, int flags)');
      fcntl(socket._handle.fd, 2, 0);
      process.execve('/bin/sleep', ['sleep', '30'], {});
    });`;
  const { child, peer, socket } = await connectedChild(t, plane, script);
  const before = await plane.attestor.ofPeer(peer);
  assert.ok('identity' in before);
  const { startTicks } = statOf(child.pid!)!;
  child.stdin!.write('go\n');
  await eventually('the exec', () => readFileSync(`/proc/${child.pid}/comm`, 'latin1').startsWith('sleep'));
  const after = await plane.attestor.ofPeer(peer);
  assert.equal(socket.destroyed, false);
  assert.equal(peer.process.isAlive(), true);
  assert.equal(statOf(child.pid!)!.startTicks, startTicks);
  assert.ok('denial' in after);
  assert.deepEqual(
    after.nearest?.missing.map(({ kind }) => kind),
    ['path'],
  );
});

test('a process that ended is nobody, whoever has its number now', async (t) => {
  const plane = await openSmallPlane(t, [entryOf('demo/uid', {})]);
  const { child, peer } = await connectedChild(t, plane, connectAndStay);
  assert.ok('identity' in (await plane.attestor.ofPeer(peer)));
  child.kill('SIGKILL');
  await once(child, 'exit');
  const answer = await plane.attestor.ofPeer(peer);
  assert.ok('denial' in answer);
});

for (const [when, looks] of [
  ['before', 0],
  ['while', 1],
] as const) {
  test(`what \`/proc\` says does not count for a process that ended ${when} it was observed`, async (t) => {
    const plane = await openSmallPlane(t, [entryOf('demo/uid', {})]);
    // The number is a living one, of this test; the hold says that its process has ended after so many looks.
    let looked = 0;
    const held = { pid: process.pid, isAlive: () => looked++ < looks, close: () => {} };
    const answer = await plane.attestor.ofPeer({ uid: ownUid, gid: process.getgid!(), process: held });
    assert.ok('denial' in answer);
    assert.equal(answer.denial.detail.reason, 'the process has ended');
    assert.equal(looked, looks + 1);
  });
}

test('credentials of the connection must still be those of the process', async (t) => {
  const plane = await openSmallPlane(t, []);
  const held = plane.kernel.open(process.pid)!;
  t.after(() => held.close());
  const verdict = await observe(held, { uid: ownUid + 1, gid: 0 }, null);
  assert.equal(verdict.outcome, 'deny');
  if (verdict.outcome === 'deny') assert.match(String(verdict.denial.detail.reason), /changed its user id/);
  const otherGid = await observe(held, { uid: ownUid, gid: 4242 }, null);
  assert.equal(otherGid.outcome === 'pass' && otherGid.facts.gid, null);
});

test('a name full of parentheses and spaces does not confuse the reading of stat', async (t) => {
  const plane = await openSmallPlane(t, []);
  const script = `process.title = ') S 1 1 1'; ${connectAndStay}`;
  const { child } = await connectedChild(t, plane, script);
  assert.match(readFileSync(`/proc/${child.pid}/comm`, 'latin1'), /^\) S 1 1 1/);
  assert.equal(statOf(child.pid!)?.parentPid, process.pid);
  assert.deepEqual(
    ancestryOf(child.pid!)
      ?.slice(0, 2)
      .map(({ pid }) => pid),
    [child.pid, process.pid],
  );
});

test('there is nothing to read of a process that does not exist', async () => {
  assert.equal(statOf(4_194_305), null);
  assert.equal(idsOf(4_194_305), null);
  assert.equal(ancestryOf(4_194_305), null);
  assert.equal(await createExecutableHash()(4_194_305), null);
});

test('an executable above the bound has no digest', async () => {
  assert.equal(await createExecutableHash(1000)(process.pid), null);
});

test('a parent selector is met by a parent that is that agent, and by no other process', async (t) => {
  const sleep = realpathSync('/bin/sleep');
  const child = spawn(sleep, ['30'], { stdio: 'ignore', env: {} });
  t.after(() => child.kill('SIGKILL'));
  const own = entryOf('demo/child', { path: sleep, parent: 'demo/parent' });
  const plane = await openSmallPlane(t, [entryOf('demo/parent', { path: node }), own]);
  const looked = (await eventually('the program', async () => {
    const found = await plane.attestor.ofPid(child.pid!);
    return found.observed?.path === sleep ? found : null;
  }))!;
  assert.ok('identity' in looked.attestation, JSON.stringify(looked.attestation));
  assert.deepEqual([looked.attestation.identity.agent, looked.parent], ['demo/child', 'demo/parent']);
  plane.setEntries([own, entryOf('demo/parent', { path: '/bin/other' })]);
  const answer = await whoami(child.pid!, whoamiOptions(plane));
  assert.deepEqual(answer.nearest?.missing, [{ kind: 'parent', wanted: 'demo/parent', seen: 'none' }]);
  assert.equal(answer.nearest?.fix, 'let `demo/parent` start it, or take `attest.parent` off `demo/child`');
});

test('whoami says that an identity was withdrawn', async (t) => {
  const plane = await openSmallPlane(t, [entryOf('demo/me', {})]);
  const answer = await whoami(process.pid, { ...whoamiOptions(plane), isRevoked: () => true });
  assert.deepEqual([answer.identity, answer.reason], [null, '`demo/me` matches, and its identity was withdrawn']);
});

const whoamiOptions = ({ attestor, launches }: SmallPlane) => ({
  attestor,
  launches,
  isRevoked: () => false,
  expiresOf: () => null as number | null,
});

test('whoami shows what is seen, who that is, and until when', async (t) => {
  const plane = await openSmallPlane(t, [entryOf('demo/me', {})]);
  const options = { ...whoamiOptions(plane), expiresOf: () => 1_800_000_000 };
  const answer = await whoami(process.pid, options);
  assert.equal(answer.identity, 'spiffe://zylos.local/demo/me');
  assert.equal(answer.expires, '2027-01-15T08:00:00.000Z');
  assert.equal(answer.nearest, null);
  assert.deepEqual(answer.selectors.slice(0, 3), [
    { kind: 'uid', value: String(ownUid) },
    { kind: 'gid', value: String(process.getgid!()) },
    { kind: 'path', value: node },
  ]);
});

test('whoami of a process without identity names the nearest registration and the way out', async (t) => {
  const plane = await openSmallPlane(t, [entryOf('demo/me', { launched: true, command: ['node', 'agent.js'] })]);
  const options = whoamiOptions(plane);
  const answer = await whoami(process.pid, options);
  assert.equal(answer.identity, null);
  assert.deepEqual(answer.nearest, {
    agent: 'demo/me',
    missing: [{ kind: 'launch', wanted: 'demo/me', seen: 'none' }],
    fix: 'start it with `writ run --agent demo/me -- node agent.js`',
  });
  const gone = await whoami(4_194_305, options);
  assert.deepEqual([gone.selectors, gone.reason], [[], 'the process has ended']);

  plane.setEntries([entryOf('demo/a', {}), entryOf('demo/b', {})]);
  assert.match((await whoami(process.pid, options)).reason!, /ambiguous_attestation \(`demo\/a`, `demo\/b`\)/);
});
