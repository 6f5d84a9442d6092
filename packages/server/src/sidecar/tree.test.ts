// Rules §1.2: a socket belongs to the tree when a process of the tree holds it, as the kernel shows it.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { StatOf } from './ports.ts';
import { openTree } from './tree.ts';

const statOf: StatOf = (pid) => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return { parentPid: Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]) };
  } catch {
    return null;
  }
};

// The tree is what hangs below this process; this process is its runner and no part of it.
const tree = openTree(process.pid, statOf);
const folder = mkdtempSync(join(tmpdir(), 'writ-tree-'));
const started: ChildProcess[] = [];
let server: Server;
let port: number;

before(async () => {
  server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  port = (server.address() as AddressInfo).port;
});

after(async () => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
  server.close();
});

function python(...lines: string[]): ChildProcess {
  const script = ['import os, socket, sys', ...lines].join('\n');
  const child = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  return child;
}

const wait = 'print("up", flush=True)\nsys.stdin.read()';
const clientEnd = (socket: Socket) => ({
  localAddress: socket.remoteAddress!,
  localPort: socket.remotePort!,
  remoteAddress: socket.localAddress!,
  remotePort: socket.localPort!,
});

test('a connection of a child and of its child is held by the tree, its own and others are not', async () => {
  const accepted = () => once(server, 'connection').then(([socket]) => socket as Socket);
  for (const [how, lines] of [
    ['a child', [`s = socket.create_connection(('127.0.0.1', ${port}))`, wait]],
    [
      'a grandchild',
      [`if os.fork(): os.wait(); os._exit(0)`, `s = socket.create_connection(('127.0.0.1', ${port}))`, wait],
    ],
    [
      'IPv4 by an IPv6 socket',
      [`s = socket.socket(socket.AF_INET6)`, `s.connect(('::ffff:127.0.0.1', ${port}))`, wait],
    ],
    [
      'another loopback address',
      [`s = socket.create_connection(('127.0.0.1', ${port}), None, ('127.0.0.9', 0))`, wait],
    ],
  ] as const) {
    const coming = accepted();
    const child = python(...lines);
    await once(child.stdout!, 'data');
    const socket = await coming;
    assert.equal(tree.holdsClient(clientEnd(socket)), true, how);
    assert.equal(tree.holdsClient({ ...clientEnd(socket), localPort: 1 }), false, 'another port');
    socket.destroy();
    child.stdin!.end();
  }
  const coming = accepted();
  const own = connect(port, '127.0.0.1');
  const socket = await coming;
  assert.equal(tree.holdsClient(clientEnd(socket)), false, 'the runner is no part of the tree');
  own.destroy();
  socket.destroy();
});

test('an address is the tree’s when everything that listens there is', async () => {
  assert.equal(tree.holdsPort(port), false, 'the runner listens there');
  const child = python(
    `s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1); s.bind(('127.0.0.1', 0)); s.listen()`,
    `u = socket.socket(socket.AF_UNIX); u.bind(${JSON.stringify(join(folder, 'a b.sock'))}); u.listen()`,
    `print(s.getsockname()[1], flush=True)`,
    `sys.stdin.read()`,
  );
  const [said] = await once(child.stdout!, 'data');
  const theirs = Number(String(said));
  assert.equal(tree.holdsPort(theirs), true);
  assert.equal(tree.holdsPath(join(folder, 'a b.sock')), true);
  assert.equal(tree.holdsPath(join(folder, 'b.sock')), false);
  const squatter = createServer();
  await new Promise<void>((done) => squatter.listen({ port: theirs, host: '127.0.0.1', reusePort: true }, done));
  assert.equal(tree.holdsPort(theirs), false, 'a second one beside it may get the call');
  squatter.close();
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(tree.holdsPort(theirs), false);
});
