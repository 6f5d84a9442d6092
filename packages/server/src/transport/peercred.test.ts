import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { type Kernel, openKernel } from './peercred.ts';

/** A child that connects to `name` and stays until its stdin ends. */
function connectFromChild(name: string, uid?: number) {
  const script = `require('node:net').connect('\\0' + process.argv[1]).on('error',()=>{}); process.stdin.resume().on('end',()=>process.exit())`;
  return spawn(process.execPath, ['-e', script, name.slice(1)], {
    stdio: ['pipe', 'ignore', 'inherit'],
    uid,
    gid: uid,
  });
}

async function acceptOne(name: string, connectIt: () => unknown): Promise<Socket> {
  const server = createServer();
  server.listen(name);
  await once(server, 'listening');
  connectIt();
  const [socket] = (await once(server, 'connection')) as [Socket];
  server.close();
  return socket;
}

for (const options of [{}, { peerPidfd: false }]) {
  const how = options.peerPidfd === false ? 'pidfd_open' : 'SO_PEERPIDFD';

  test(`${how}: the peer is the process that connected, and its end is seen`, async () => {
    const kernel = await openKernel(options);
    const name = `\0writ-peercred-${process.pid}-${how}`;
    let child!: ReturnType<typeof connectFromChild>;
    const socket = await acceptOne(name, () => {
      child = connectFromChild(name);
    });
    const verdict = kernel.peerOf(socket);
    assert.equal(verdict.outcome, 'pass');
    if (verdict.outcome !== 'pass') return;
    assert.equal(verdict.facts.process.pid, child.pid);
    assert.equal(verdict.facts.uid, process.geteuid?.());
    assert.equal(verdict.facts.process.isAlive(), true);
    const exited = once(child, 'exit');
    child.stdin.end();
    await exited;
    assert.equal(verdict.facts.process.isAlive(), false);
    verdict.facts.process.close();
    socket.destroy();
  });
}

test('a uid that means nobody in particular is refused', {
  skip: process.geteuid?.() !== 0 && 'needs root',
}, async () => {
  const kernel = await openKernel();
  const name = `\0writ-peercred-${process.pid}-nobody`;
  let child!: ReturnType<typeof connectFromChild>;
  const socket = await acceptOne(name, () => {
    child = connectFromChild(name, 65534);
  });
  const verdict = kernel.peerOf(socket);
  assert.equal(verdict.outcome, 'deny');
  if (verdict.outcome === 'deny') {
    assert.equal(verdict.denial.code, 'transport.peer_not_attested');
    assert.equal(verdict.denial.detail.uid, 65534);
  }
  socket.destroy();
  child.stdin.end();
  await once(child, 'exit');
});

test('a socket that is closed already names nobody', async () => {
  const kernel = await openKernel();
  const name = `\0writ-peercred-${process.pid}-closed`;
  const socket = await acceptOne(name, () => connect(name).on('error', () => {}));
  socket.destroy();
  await once(socket, 'close');
  assert.equal(kernel.peerOf(socket).outcome, 'deny');
});

test('a closed handle is not alive and gives its descriptor back once', async () => {
  const kernel: Kernel = await openKernel();
  const before = readdirSync('/proc/self/fd').length;
  const handle = kernel.open(process.pid)!;
  assert.equal(readdirSync('/proc/self/fd').length, before + 1);
  assert.equal(handle.isAlive(), true);
  handle.close();
  handle.close();
  assert.equal(handle.isAlive(), false);
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

test('there is no hold on a process that does not exist', async () => {
  const kernel = await openKernel();
  for (const pid of [0, -1, 1.5, 2 ** 22 + 1]) assert.equal(kernel.open(pid), null);
});
