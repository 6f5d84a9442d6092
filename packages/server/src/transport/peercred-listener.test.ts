import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually, temporaryFolder } from './launch-fixtures.ts';
import { openKernel, type Peer } from './peercred.ts';
import { listenForPeers } from './peercred-listener.ts';

async function listen(t: TestContext, path: string, onPeer: (socket: Socket, peer: Peer) => void = () => {}) {
  const kernel = await openKernel();
  const listener = await listenForPeers({ path, kernel, onPeer, onRefused: () => {}, connectionsPerPidMax: 2 });
  t.after(() => listener.close());
  return listener;
}

test('every connection comes with its process, and the hold ends with the connection', async (t) => {
  const path = join(await temporaryFolder(t), 's');
  const peers: Peer[] = [];
  await listen(t, path, (_, peer) => peers.push(peer));
  const client = connect(path);
  await eventually('the connection', () => peers.length === 1);
  assert.equal(peers[0]!.process.pid, process.pid);
  assert.equal(peers[0]!.process.isAlive(), true);
  client.destroy();
  await eventually('the end of the hold', () => !peers[0]!.process.isAlive());
});

test('anybody may connect, and nobody else may put a socket in its place', async (t) => {
  const folder = await temporaryFolder(t);
  await listen(t, join(folder, 's'));
  assert.equal(statSync(join(folder, 's')).mode & 0o777, 0o666);
  const open = join(folder, 'open');
  mkdirSync(open);
  for (const mode of [0o777, 0o720, 0o1777]) {
    chmodSync(open, mode);
    await assert.rejects(listen(t, join(open, 's')), /can be written by others/);
  }
  await assert.rejects(listen(t, join(folder, 'none', 's')), /does not exist/);
});

test('connections of one process are limited, and one that ended makes room', async (t) => {
  const path = join(await temporaryFolder(t), 's');
  let accepted = 0;
  await listen(t, path, () => accepted++);
  const [one, two, three] = [connect(path), connect(path), connect(path)];
  await once(three.resume(), 'close');
  assert.equal(accepted, 2);
  one.destroy();
  await once(one, 'close');
  const open: Socket[] = [two];
  await eventually('room', async () => {
    open.push(
      connect(path)
        .resume()
        .on('error', () => {}),
    );
    await once(open.at(-1)!, 'connect');
    return accepted === 3;
  });
  for (const socket of open) socket.destroy();
});

test('a socket nobody answers on is taken over, a live one and a foreign file are not', async (t) => {
  const path = join(await temporaryFolder(t), 's');
  const leave = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  await promisify(execFile)(process.execPath, ['-e', leave, path], { env: {} }).catch(() => {});
  assert.ok(existsSync(path));
  const listener = await listen(t, path);
  await assert.rejects(listen(t, path), /another plane answers/);
  await listener.close();
  assert.equal(existsSync(path), false);
  writeFileSync(path, 'x');
  await assert.rejects(listen(t, path), /is not a socket/);
});

test('a path that does not fit is said in one sentence', async (t) => {
  const folder = await temporaryFolder(t);
  const fits = join(folder, 'x'.repeat(107 - Buffer.byteLength(folder) - 1));
  await listen(t, fits);
  await assert.rejects(listen(t, `${fits}x`), /has 108 bytes and may have 107; choose a shorter `data` folder/);
});
