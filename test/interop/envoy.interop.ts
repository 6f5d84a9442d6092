// Two Envoys with nothing but the socket of our Workload API: mutual TLS between them by SDS, under SPIRE's resource names.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { envoyBootstrap } from '../../packages/server/src/cli/envoy-bootstrap.ts';
import { freePort } from '../free-port.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { type SvidFolder, svidFolder } from './svid-files.ts';

const binary = process.env.WRIT_INTEROP_ENVOY!;
assert.ok(binary, 'WRIT_INTEROP_ENVOY names no program; `npm run interop` installs one');

const own = 'spiffe://zylos.local/demo/me';
const dir = mkdtempSync(join(tmpdir(), 'writ-envoy-'));
const envoys: ChildProcess[] = [];

let world: TestPlane;
let svids: SvidFolder;
let ports: { readonly server: number; readonly right: number; readonly wrong: number };

before(async () => {
  const uid = process.getuid?.() ?? 0;
  world = await startTestPlane({
    yaml: `agents:\n  demo/me: { attest: { uid: ${uid} } }\nusers:\n  howard: { roles: [admin] }\n`,
  });
  svids = svidFolder(world);
  ports = { server: await freePort(), right: await freePort(), wrong: await freePort() };
  start('server', { listeners: [serverListener()], clusters: [] });
  start('client', {
    listeners: [plainListener(ports.right, 'right'), plainListener(ports.wrong, 'wrong')],
    clusters: [cluster('right', own), cluster('wrong', 'spiffe://zylos.local/demo/other')],
  });
  for (let i = 0; i < 1000 && (await ask(ports.right)).status !== 200; i++)
    await new Promise((resolve) => setTimeout(resolve, 20));
});

after(async () => {
  for (const envoy of envoys) envoy.kill('SIGKILL');
  svids?.remove();
  await world?.close();
  rmSync(dir, { recursive: true, force: true });
});

function start(name: string, resources: { readonly listeners: object[]; readonly clusters: object[] }): void {
  const path = String(world.plane.ready.workloadApi).slice('unix://'.length);
  const sds = {
    name: 'writ',
    connect_timeout: '1s',
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: assignment('writ', { pipe: { path } }),
  };
  const { listeners, clusters } = resources;
  const bootstrap = {
    node: { id: name, cluster: name },
    static_resources: { listeners, clusters: [sds, ...clusters] },
  };
  run(name, bootstrap);
}

function run(name: string, bootstrap: object): void {
  writeFileSync(join(dir, `${name}.json`), JSON.stringify(bootstrap));
  const args = ['-c', join(dir, `${name}.json`), '--log-level', 'error', '--concurrency', '1', '--disable-hot-restart'];
  const envoy = spawn(binary, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  envoy.stderr!.on('data', (text: Buffer) => process.stderr.write(text));
  envoys.push(envoy);
}

function assignment(name: string, address: object): object {
  return { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] };
}

const tcp = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

/** As the examples of SPIRE have it. `accepts`: the one peer. */
function tlsContext(bundle: string, accepts: string): object {
  const sds_config = {
    resource_api_version: 'V3',
    api_config_source: {
      api_type: 'GRPC',
      transport_api_version: 'V3',
      grpc_services: [{ envoy_grpc: { cluster_name: 'writ' } }],
    },
  };
  return {
    tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
    tls_certificate_sds_secret_configs: [{ name: 'default', sds_config }],
    combined_validation_context: {
      default_validation_context: {
        match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: accepts } }],
      },
      validation_context_sds_secret_config: { name: bundle, sds_config },
    },
  };
}

function http(route: object): object[] {
  const config = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'http',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, ...route }] }] },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
  return [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: config }] }];
}

function serverListener(): object {
  const [chain] = http({ direct_response: { status: 200, body: { inline_string: 'hello' } } });
  const typed_config = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    require_client_certificate: true,
    common_tls_context: tlsContext('ROOTCA', own),
  };
  const transport_socket = { name: 'envoy.transport_sockets.tls', typed_config };
  return { name: 'server', address: tcp(ports.server), filter_chains: [{ ...chain, transport_socket }] };
}

function plainListener(port: number, name: string): object {
  return { name, address: tcp(port), filter_chains: http({ route: { cluster: name } }) };
}

/** One request a connection, so that each is a handshake. */
function cluster(name: string, accepts: string): object {
  const typed_config = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    max_session_keys: 0,
    common_tls_context: tlsContext('ALL', accepts),
  };
  return {
    name,
    connect_timeout: '2s',
    max_requests_per_connection: 1,
    transport_socket: { name: 'envoy.transport_sockets.tls', typed_config },
    load_assignment: assignment(name, tcp(ports.server)),
  };
}

function ask(port: number): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, agent: false }, async (answer) => {
      let text = '';
      for await (const part of answer) text += part;
      resolve({ status: answer.statusCode!, text });
    });
    asked.on('error', () => resolve({ status: 0, text: '' }));
    asked.end();
  });
}

test('a request passes both, over mutual TLS with our secrets', async () => {
  assert.deepEqual(await ask(ports.right), { status: 200, text: 'hello' });
});

test('an upstream that is another identity is not spoken to', async () => {
  const { status, text } = await ask(ports.wrong);
  assert.equal(status, 503);
  assert.match(text, /connection failure/);
});

test('the server lets in nobody without an SVID, nobody else, and nobody forged', async () => {
  const answered = async (svid: { cert: string; key: string } | null) => {
    const shown = svid ? { cert: readFileSync(svid.cert), key: readFileSync(svid.key) } : {};
    const socket = connect({ port: ports.server, rejectUnauthorized: false, ...shown });
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const heard = await new Promise<boolean>((resolve) => {
      socket.once('data', () => resolve(true)).once('close', () => resolve(false));
    });
    socket.destroy();
    return heard;
  };
  assert.equal(await answered(await svids.good('demo/me')), true);
  assert.equal(await answered(null), false);
  for (const svid of [await svids.good('demo/other'), await svids.forged('demo/me'), await svids.foreign('demo/me')])
    assert.equal(await answered(svid), false);
});

test('the bootstrap that `writ envoy config` prints lets in callers by their edges, and says who they are', async (t) => {
  const heard: (string | undefined)[] = [];
  const app = createServer((req, res) => {
    heard.push(req.headers['x-forwarded-client-cert'] as string | undefined);
    res.end('from the app');
  });
  await once(app.listen(0, '127.0.0.1'), 'listening');
  t.after(() => app.close());
  const port = await freePort();
  const bootstrap = envoyBootstrap({
    socketPath: String(world.plane.ready.workloadApi).slice('unix://'.length),
    agent: 'demo/me',
    listen: { host: '127.0.0.1', port },
    app: { host: '127.0.0.1', port: (app.address() as { port: number }).port },
    callers: ['spiffe://zylos.local/demo/other', 'spiffe://zylos.local/demo/third'],
  });
  run('sidecar', bootstrap);
  const asked = async (path: string) => {
    const { cert, key } = await svids.good(path);
    const tls = { cert: readFileSync(cert), key: readFileSync(key) };
    const socket = connect({ port, rejectUnauthorized: false, ...tls });
    socket.on('error', () => {});
    const forged = 'x-forwarded-client-cert: URI=spiffe://zylos.local/demo/admin\r\n';
    socket.write(`GET / HTTP/1.1\r\nhost: x\r\n${forged}connection: close\r\n\r\n`);
    let text = '';
    socket.on('data', (part: Buffer) => (text += part));
    await new Promise((resolve) => socket.once('close', resolve));
    return text;
  };
  for (let i = 0; i < 500 && !(await asked('demo/other')).includes('from the app'); i++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.match(await asked('demo/third'), /from the app/);
  assert.match(heard.at(-1)!, /URI=spiffe:\/\/zylos\.local\/demo\/third$/);
  assert.doesNotMatch(heard.at(-1)!, /admin/);
  assert.equal(await asked('demo/me'), '');
});

test('roots and SVIDs rotate under load without one failed request', async () => {
  const rotate = async (body: object) => {
    const answer = await world.person('/keys', { method: 'POST', body: JSON.stringify(body) });
    assert.equal(answer.status, 200);
  };
  let over = false;
  const statuses = new Map<number, number>();
  const load = Array.from({ length: 4 }, async () => {
    while (!over) {
      const { status } = await ask(ports.right);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  for (let round = 0; round < 3; round++) {
    for (const body of [{ kind: 'root' }, { kind: 'root', atOnce: true }]) {
      await rotate(body);
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
  }
  over = true;
  await Promise.all(load);
  assert.deepEqual([...statuses.keys()], [200], JSON.stringify([...statuses]));
  assert.ok(statuses.get(200)! > 50, `${statuses.get(200)} requests`);
});
