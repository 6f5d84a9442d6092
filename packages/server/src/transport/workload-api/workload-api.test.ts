import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectSocket, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Code } from '@connectrpc/connect';
import { openX509Source, type WorkloadApiError } from '../../../../agent/src/node/workload-api.ts';
import { launch } from '../launch-client.ts';
import { entryOf, eventually } from '../launch-fixtures.ts';
import {
  type Bench,
  codeOf,
  foreignClient,
  metadata,
  openBench,
  openSource,
  resident,
  startSeconds,
} from './bench.fixture.ts';
import { createWorkloadApi } from './server.ts';

const agents = ['demo/one', 'demo/two', 'demo/three', 'demo/four', 'demo/five'];

test('a process of a registered uid gets an SVID of its agent, with key and roots', async (t) => {
  const bench = await openBench(t, [resident]);
  const source = await openSource(t, bench).opened;
  const svid = source.current();
  assert.equal(svid.spiffeId, 'spiffe://zylos.local/demo/resident');
  assert.equal(svid.notAfterSeconds, startSeconds + 100);
  assert.match(svid.bundlePem, /^-----BEGIN CERTIFICATE-----/);
  assert.equal(bench.api.expiresOf(svid.spiffeId), startSeconds + 100);
  assert.equal(bench.api.expiresOf('spiffe://zylos.local/demo/other'), null);
});

test('five children of one parent, of one executable and one uid, hold five SVIDs', async (t) => {
  const bench = await openBench(
    t,
    agents.map((agent) => entryOf(agent, { launched: true })),
  );
  const client = new URL('../../../../agent/src/node/workload-api.ts', import.meta.url).href;
  const script = `const { openX509Source } = await import(${JSON.stringify(client)});
    const source = await openX509Source({ clock: { nowSeconds: () => ${startSeconds} } });
    console.log(source.current().spiffeId); source.close();`;
  const flags = process.execArgv.filter((flag) => !flag.startsWith('--test'));
  const seen = await Promise.all(
    agents.map(async (agent) => {
      const result = await launch({
        launchSocket: bench.plane.launchSocket,
        agent,
        command: [process.execPath, ...flags, '--input-type=module', '-e', script],
        credential: { session: 's' },
        environment: process.env,
        planeEnvironment: { SPIFFE_ENDPOINT_SOCKET: bench.api.endpoint },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      assert.ok(result.ok);
      const [[text]] = await Promise.all([once(result.launched.process.stdout!, 'data'), result.launched.exited]);
      return String(text).trim();
    }),
  );
  assert.deepEqual(
    seen,
    agents.map((agent) => `spiffe://zylos.local/${agent}`),
  );
  const serials = bench.events.flatMap((event) => (event.kind === 'issued' ? [event.serialHex] : []));
  assert.equal(new Set(serials).size, 5);
});

test('a process that nobody registered is told no more than that, and the log why', async (t) => {
  const bench = await openBench(t, [entryOf('demo/one', { launched: true })]);
  await assert.rejects(openSource(t, bench).opened, (error: WorkloadApiError) => {
    assert.equal(error.status, Code.PermissionDenied);
    assert.equal(error.message, 'no identity issued');
    return true;
  });
  const refused = bench.events.find((event) => event.kind === 'refused');
  assert.equal(refused?.denial.code, 'transport.peer_not_attested');
  assert.deepEqual(refused?.denial.detail.missing, ['launch']);
});

test('two registrations that both match give no identity', async (t) => {
  const bench = await openBench(t, [resident, entryOf('demo/other', {})]);
  await assert.rejects(openSource(t, bench).opened, { status: Code.PermissionDenied });
  const refused = bench.events.find((event) => event.kind === 'refused');
  assert.equal(refused?.denial.code, 'transport.ambiguous_attestation');
});

test('a call without the mandatory metadata is an invalid argument, whatever it asks', async (t) => {
  const bench = await openBench(t, [resident]);
  for (const wrong of [{}, { 'workload.spiffe.io': 'True' }, { 'workload.spiffe.io': 'true, true' }]) {
    const client = foreignClient(t, bench, wrong as Record<string, string>);
    assert.equal(await codeOf(client.fetchX509SVID({})), Code.InvalidArgument);
    assert.equal(await codeOf(client.fetchX509Bundles({})), Code.InvalidArgument);
    assert.equal(await codeOf(client.fetchJWTSVID({ audience: ['x'] })), Code.InvalidArgument);
  }
  assert.deepEqual(bench.events, []);
});

test('a foreign client reads the SVID and the bundles, and what is not offered is unimplemented', async (t) => {
  const bench = await openBench(t, [resident], {
    federated: () => new Map([['spiffe://partner.test', [new Uint8Array([0x30, 0])]]]),
  });
  const client = foreignClient(t, bench, metadata);
  for await (const { svids, federatedBundles } of client.fetchX509SVID({})) {
    assert.deepEqual(
      svids.map(({ spiffeId }) => spiffeId),
      ['spiffe://zylos.local/demo/resident'],
    );
    assert.deepEqual(federatedBundles['spiffe://partner.test'], new Uint8Array([0x30, 0]));
    break;
  }
  for await (const { bundles } of client.fetchX509Bundles({})) {
    assert.deepEqual(Object.keys(bundles).sort(), ['spiffe://partner.test', 'spiffe://zylos.local']);
    assert.deepEqual(Buffer.from(bundles['spiffe://zylos.local']!), Buffer.concat(bench.authority.bundle()));
    break;
  }
  assert.equal(await codeOf(client.fetchWITSVID({})), Code.Unimplemented);
});

test('half-way through its life an SVID is replaced on the open stream', async (t) => {
  const bench = await openBench(t, [resident]);
  const { opened, updates } = openSource(t, bench);
  const source = await opened;
  bench.now = startSeconds + 49; // random 0.5: renewal at 50 of 100 s
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(updates.length, 1);
  bench.now = startSeconds + 50;
  await eventually('the push', () => updates.length === 2);
  assert.notEqual(updates[0]!.certPem, updates[1]!.certPem);
  assert.notEqual(updates[0]!.keyPem, updates[1]!.keyPem);
  assert.equal(source.current().notAfterSeconds, startSeconds + 150);
});

test('an SVID that is over as it is minted is not minted again without a pause', async (t) => {
  let minted = 0;
  const bench: Bench = await openBench(t, [resident], {
    mint: async (request) => {
      minted++;
      return { ...(await bench.authority.mint(request)), notAfterSeconds: bench.now };
    },
  });
  const { opened, updates } = openSource(t, bench);
  await opened;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(minted, 1);
  bench.now += 1;
  await eventually('the next one', () => updates.length === 2);
});

test('an issuer that fails takes nothing away, and the renewal comes when it is back', async (t) => {
  let fails = false;
  const bench: Bench = await openBench(t, [resident], {
    mint: async (request) => {
      if (fails) throw new Error('disk full');
      return bench.authority.mint(request);
    },
  });
  const { opened, updates } = openSource(t, bench);
  const source = await opened;
  fails = true;
  bench.now += 60;
  await eventually('the outage', () => bench.events.some(({ kind }) => kind === 'outage'));
  assert.equal(source.current(), updates[0]);
  fails = false;
  bench.now += 6;
  await eventually('the push', () => updates.length === 2);
});

test('an issuer that fails at the first request is unavailable, not a refusal', async (t) => {
  const bench = await openBench(t, [resident], { mint: () => Promise.reject(new Error('disk full')) });
  assert.equal(await codeOf(foreignClient(t, bench, metadata).fetchX509SVID({})), Code.Unavailable);
});

test('a withdrawn registration ends the stream, the client lets go, and a new registration brings it back', async (t) => {
  const bench = await openBench(t, [resident]);
  const { opened, updates } = openSource(t, bench);
  const source = await opened;
  bench.plane.setEntries([]);
  bench.api.refresh();
  await eventually('the withdrawal', () => updates.at(-1) === null);
  assert.throws(() => source.current(), { status: Code.PermissionDenied });
  bench.plane.setEntries([resident]);
  await eventually('the return', () => updates.length === 3);
  assert.equal(source.current().spiffeId, 'spiffe://zylos.local/demo/resident');
});

test('a refresh without a change pushes nothing, and a changed identity pushes the new one', async (t) => {
  const bench = await openBench(t, [resident]);
  const { opened, updates } = openSource(t, bench);
  await opened;
  bench.api.refresh();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(updates.length, 1);
  bench.plane.setEntries([entryOf('demo/renamed', {})]);
  bench.api.refresh();
  await eventually('the push', () => updates.at(-1)?.spiffeId === 'spiffe://zylos.local/demo/renamed');
});

test('a changed bundle is pushed with the SVID', async (t) => {
  const partner = new Map<string, readonly Uint8Array[]>();
  const bench = await openBench(t, [resident], { federated: () => partner });
  const { opened, updates } = openSource(t, bench);
  await opened;
  partner.set('spiffe://partner.test', bench.authority.bundle());
  bench.api.refresh();
  await eventually('the push', () => updates.length === 2);
  assert.equal(updates[1]?.federatedPem.get('partner.test'), updates[1]?.bundlePem);
});

test('the client outlives a restart of the server and keeps its SVID meanwhile', async (t) => {
  const bench = await openBench(t, [resident]);
  const { opened, updates } = openSource(t, bench);
  const source = await opened;
  await bench.api.close();
  assert.equal(existsSync(bench.options.socketPath), false);
  assert.equal(source.current(), updates[0]);
  bench.api = await createWorkloadApi(bench.options);
  await eventually('the reconnection', () => updates.length === 2);
  bench.now += 1000;
  assert.throws(() => source.current(), /expired/);
});

test('streams of one process are limited, and a stream that ended makes room', async (t) => {
  const bench = await openBench(t, [resident], { streamsPerPidMax: 2 });
  const client = foreignClient(t, bench, metadata);
  const open = async () => {
    const stop = new AbortController();
    const stream = client.fetchX509Bundles({}, { signal: stop.signal })[Symbol.asyncIterator]();
    await stream.next();
    return async () => {
      stop.abort();
      await stream.next().catch(() => {});
    };
  };
  const [closeOne, closeTwo] = [await open(), await open()];
  assert.equal(await codeOf(client.fetchX509Bundles({})), Code.ResourceExhausted);
  await closeOne!();
  await eventually('room', async () => (await codeOf(client.fetchX509Bundles({}))) === undefined);
  await closeTwo!();
  assert.deepEqual(
    bench.events.filter(({ kind }) => kind === 'outage'),
    [],
  );
});

test('bytes that are not HTTP/2 end their own connection only', async (t) => {
  const bench = await openBench(t, [resident]);
  const socket = connectSocket(bench.options.socketPath);
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  socket.resume();
  await once(socket, 'close');
  assert.ok((await openSource(t, bench).opened).current());
});

test('no authority, path or header of a caller ends more than its own call', async (t) => {
  const bench = await openBench(t, [resident]);
  const ask = (headers: Record<string, string>) => {
    const session = connectHttp2('http://localhost', {
      createConnection: () => connectSocket(bench.options.socketPath),
    });
    t.after(() => session.destroy());
    const stream = session
      .on('error', () => {})
      .request({
        ...{ ':method': 'POST', ':path': '/SpiffeWorkloadAPI/FetchX509Bundles', 'content-type': 'application/grpc' },
        ...{ te: 'trailers', 'workload.spiffe.io': 'true', ...headers },
      });
    stream.on('error', () => {}).end(Buffer.alloc(5));
    const ended = new Promise((resolve) => stream.once('close', () => resolve('ended')));
    return Promise.race([ended, new Promise((resolve) => stream.once('data', () => resolve('answered')))]);
  };
  // The first is what gRPC's C core sends, Python among others.
  assert.equal(await ask({ ':authority': 'tmp%2Fwrit%2Fworkload.sock' }), 'answered');
  for (const authority of ['[', 'a b', '%', 'x'.repeat(4000), 'user@host:99999'])
    await ask({ ':authority': authority });
  const odd: Record<string, string>[] = [
    { ':path': '//' },
    { ':path': '/%' },
    { ':path': '*' },
    { ':method': 'GET' },
    { 'content-type': 'a' },
  ];
  for (const headers of odd) assert.equal(await ask(headers), 'ended', JSON.stringify(headers));
  assert.ok((await openSource(t, bench).opened).current());
});

test('two hundred connections of clients that exit leave no descriptor behind', async (t) => {
  const bench = await openBench(t, [resident]);
  await openSource(t, bench).opened;
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  const script = `let open = 0; const all = 5;
    for (let i = 0; i < all; i++) require('node:net').connect(process.argv[1], () => ++open === all && process.exit());`;
  const one = async () => {
    const client = spawn(process.execPath, ['-e', script, bench.options.socketPath], { stdio: 'ignore', env: {} });
    assert.deepEqual(await once(client, 'exit'), [0, null]);
  };
  for (let batch = 0; batch < 8; batch++) await Promise.all(Array.from({ length: 5 }, one));
  await eventually('the descriptors are back', () => descriptors() <= before);
});

test('a source says at once what is wrong with its endpoint, and gives up on a server that never answers', async (t) => {
  await assert.rejects(openX509Source({ endpoint: 'http://localhost' }), /is no Workload API endpoint/);
  const bench = await openBench(t, [resident]);
  const endpoint = `unix://${bench.plane.folder}/none.sock`;
  await assert.rejects(openX509Source({ endpoint, openMillisMax: 60, backoffMillis: () => 5 }), /ENOENT/);
  const silent = createServer().listen(join(bench.plane.folder, 'silent.sock'));
  t.after(() => silent.close());
  await assert.rejects(
    openX509Source({ endpoint: `unix://${bench.plane.folder}/silent.sock`, openMillisMax: 60 }),
    /no SVID has arrived yet/,
  );
});
