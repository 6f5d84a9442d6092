// go-spiffe against a whole plane: its watcher over rotations and a restart, its TLS on both sides of ours, its token checks, and the
// vectors of test/vectors/spiffe put before both.

import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { createServer } from 'node:tls';
import { mtlsAgent, mtlsFetch, openX509Source } from '@writ/agent/node';
import { parseSpiffeId } from '@writ/core';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { runProgram } from './programs.ts';
import { type SvidFolder, svidFolder } from './svid-files.ts';

const program = process.env.WRIT_INTEROP_GO_SPIFFE!;
assert.ok(program, 'WRIT_INTEROP_GO_SPIFFE names no program; `npm run interop` builds one');

const own = 'spiffe://zylos.local/demo/me';
const gatewayId = 'spiffe://zylos.local/writ/gateway';
const yaml = `
agents:
  demo/me: { attest: { uid: ${process.getuid?.() ?? 0} }, calls: [demo/other] }
  demo/other: { attest: { uid: 4000001 } }
users:
  howard: { roles: [admin] }
`;

type Line = { readonly [member: string]: unknown };

let world: TestPlane;
let svids: SvidFolder;
const children: ChildProcessWithoutNullStreams[] = [];

before(async () => {
  world = await startTestPlane({ yaml });
  svids = svidFolder(world);
});

after(async () => {
  for (const child of children) child.kill('SIGKILL');
  svids?.remove();
  await world?.close();
});

const environment = () => ({ ...process.env, SPIFFE_ENDPOINT_SOCKET: String(world.plane.ready.workloadApi) });

/** A subcommand that goes on until its stdin ends, and the lines it has said so far. */
function start(args: readonly string[]): { readonly lines: Line[]; next(): Promise<Line> } {
  const child = spawn(program, args, { stdio: 'pipe', env: environment() });
  children.push(child);
  const lines: Line[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Line));
  child.stderr.pipe(process.stderr);
  let read = 0;
  return {
    lines,
    async next() {
      for (let i = 0; i < 1500 && lines.length <= read; i++) await new Promise((resolve) => setTimeout(resolve, 10));
      assert.ok(lines.length > read, `nothing more was said after ${JSON.stringify(lines)}`);
      return lines[read++]!;
    },
  };
}

/** One answer of a subcommand that ends by itself. */
async function ask(args: readonly string[]): Promise<Line> {
  process.env.SPIFFE_ENDPOINT_SOCKET = environment().SPIFFE_ENDPOINT_SOCKET;
  const said = await runProgram(program, args);
  assert.equal(said.status, 0, said.stderr);
  return JSON.parse(said.stdout) as Line;
}

const gateway = () => new URL(world.mtls).host;
const rotate = async (body: object) => {
  const answer = await world.person('/keys', { method: 'POST', body: JSON.stringify(body) });
  assert.equal(answer.status, 200, await answer.text());
};

test('its TLS client reaches the gateway by the right ID, and hangs up on any other', async () => {
  const right = await ask(['dial', gateway(), gatewayId]);
  assert.match(String(right.answered), /^HTTP\/1\.1 404/);
  for (const wrong of [
    'spiffe://zylos.local/writ/issuer',
    'spiffe://zylos.local/writ/gateway/x',
    'spiffe://zylos.local',
  ]) {
    assert.match(String((await ask(['dial', gateway(), wrong])).refused), /unexpected ID/);
  }
  assert.match(String((await ask(['dial', gateway(), 'spiffe://other.test/writ/gateway'])).refused), /unexpected ID/);
});

test('its TLS client under a forged, a foreign and an expired SVID gets no answer', async () => {
  for (const make of [svids.forged, svids.foreign, svids.expired]) {
    const { cert, key } = await make('demo/me');
    const said = await ask(['dial', gateway(), gatewayId, cert, key, svids.bundle]);
    assert.ok(typeof said.refused === 'string', JSON.stringify(said));
  }
  const { cert, key } = await svids.good('demo/me');
  assert.match(String((await ask(['dial', gateway(), gatewayId, cert, key, svids.bundle])).answered), /^HTTP/);
});

test('its TLS client hangs up on a server that only claims to be the gateway', async (t) => {
  const forged = await svids.forged('writ/gateway');
  const server = createServer({
    cert: readFileSync(forged.cert),
    key: readFileSync(forged.key),
    minVersion: 'TLSv1.3',
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const said = await ask(['dial', `127.0.0.1:${port}`, gatewayId]);
  assert.match(String(said.refused), /unknown authority/);
});

test('our client reaches its TLS server by the right ID, and hangs up on any other', async (t) => {
  const peer = start(['listen', own]);
  const url = `https://${(await peer.next()).address}/`;
  const source = await openX509Source({ endpoint: environment().SPIFFE_ENDPOINT_SOCKET });
  t.after(() => source.close());
  const call = async (expected: string) => {
    const agent = mtlsAgent({ svid: () => source.current(), expect: parseSpiffeId(expected)! });
    try {
      return await (await mtlsFetch(agent)(url)).text();
    } finally {
      agent.destroy();
    }
  };
  assert.equal(await call(own), `hello ${own}`);
  assert.equal((await peer.next()).served, own);
  await assert.rejects(call('spiffe://zylos.local/demo/other'));
  assert.ok('refused' in (await peer.next()));
});

test('its TLS server lets in whom it names, and neither another identity nor a forged one', async () => {
  const peer = start(['listen', 'spiffe://zylos.local/demo/other']);
  const address = String((await peer.next()).address);
  const asWhom = async ({ cert, key }: { cert: string; key: string }) => {
    const said = await ask(['dial', address, own, cert, key, svids.bundle]);
    return 'answered' in said;
  };
  assert.equal(await asWhom(await svids.good('demo/other')), true);
  assert.equal(await asWhom(await svids.good('demo/me')), false);
  assert.equal(await asWhom(await svids.forged('demo/other')), false);
  assert.equal(await asWhom(await svids.foreign('demo/other')), false);
});

test('a JWT-SVID is fetched, checked with the bundle and by the plane, and refused for another audience by both', async () => {
  const said = await ask(['jwt', 'spiffe://zylos.local/demo/other']);
  const { lives, ...rest } = said;
  assert.deepEqual(rest, { id: own, here: own, there: own, subject: own, otherHere: false, otherThere: false });
  assert.ok(Number(lives) > 200 && Number(lives) <= 300, String(lives));
});

test('both judge the vectors alike, except where they say so', async () => {
  const folder = resolve(import.meta.dirname, '../vectors/spiffe');
  const { status, stdout, stderr } = await runProgram(program, ['vectors', folder]);
  assert.equal(status, 0, stderr);
  for (const line of stdout.trim().split('\n')) {
    const { file, accepted } = JSON.parse(line) as { file: string; accepted: { [name: string]: boolean } };
    const { cases } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
      cases: { name: string; code?: string | null; kept?: object | null; goSpiffe?: string }[];
    };
    const differing = cases.filter(({ name, code = null, kept, goSpiffe }) => {
      const wanted = goSpiffe ?? (code === null && kept !== null ? 'accepts' : 'refuses');
      return accepted[name] !== (wanted === 'accepts');
    });
    assert.deepEqual(
      differing.map(({ name }) => name),
      [],
      file,
    );
  }
});

test('its watcher follows three rotations and a restart of the plane', async () => {
  const peer = start(['watch']);
  const serials = new Set<unknown>();
  const update = async () => {
    let line = await peer.next();
    while ('error' in line) line = await peer.next();
    assert.deepEqual([line.id, line.chain, line.verified], [own, 2, true], JSON.stringify(line));
    assert.ok(!serials.has(line.serial));
    serials.add(line.serial);
    return line;
  };
  assert.equal((await update()).roots, 1);
  await rotate({ kind: 'root' });
  assert.equal((await update()).roots, 2);
  await rotate({ kind: 'root', revoke: true });
  assert.equal((await update()).roots, 1);
  await rotate({ kind: 'root' });
  assert.equal((await update()).roots, 2);
  await world.plane.stop();
  const seen = peer.lines.length;
  world = { ...(await startTestPlane({ yaml, dataDir: world.dataDir })), dataDir: world.dataDir };
  assert.equal((await update()).roots, 2);
  assert.ok(peer.lines.slice(seen).every((line) => 'error' in line || line.id === own));
});
