// SPIRE on the other side: its agent gives a plane its identity, its client asks our socket, its server follows our bundle and we its.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from 'node:tls';
import { openX509Source, type X509Svid } from '@writ/agent/node';
import { freePort } from '../free-port.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { runProgram } from './programs.ts';

const [serverProgram, agentProgram] = [process.env.WRIT_INTEROP_SPIRE_SERVER!, process.env.WRIT_INTEROP_SPIRE_AGENT!];
assert.ok(
  serverProgram && agentProgram,
  'WRIT_INTEROP_SPIRE_SERVER and _AGENT name no programs; `npm run interop` builds them',
);

const dir = mkdtempSync(join(tmpdir(), 'writ-spire-'));
const children: ChildProcess[] = [];
const worlds: TestPlane[] = [];
const uid = process.getuid?.() ?? 0;

after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(worlds.map((world) => world.close()));
  rmSync(dir, { recursive: true, force: true });
});

async function eventually(what: string, look: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`did not happen: ${what}`);
}

function start(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  children.push(child);
  return child;
}

async function said(program: string, args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await runProgram(program, args);
  assert.equal(status, 0, `${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

interface Server {
  readonly socket: string;
  readonly port: number;
  ask(...words: string[]): Promise<string>;
}

/** A server of its own; `more` goes into its `server` section. */
async function startServer(trustDomain: string, more = ''): Promise<Server> {
  const at = join(dir, trustDomain);
  mkdirSync(at, { mode: 0o700 });
  const [socket, port] = [join(at, 'server.sock'), await freePort()];
  writeFileSync(
    join(at, 'server.conf'),
    `server {
  bind_address = "127.0.0.1"
  bind_port = "${port}"
  socket_path = "${socket}"
  trust_domain = "${trustDomain}"
  data_dir = "${at}"
  log_level = "ERROR"
  ${more}
}
plugins {
  DataStore "sql" { plugin_data { database_type = "sqlite3" connection_string = "${at}/db.sqlite3" } }
  KeyManager "memory" { plugin_data {} }
  NodeAttestor "join_token" { plugin_data {} }
}
`,
  );
  start(serverProgram, ['run', '-config', join(at, 'server.conf')]);
  const ask = (...words: string[]) => said(serverProgram, [...words, '-socketPath', socket]);
  await eventually(
    'the server',
    async () => (await runProgram(serverProgram, ['healthcheck', '-socketPath', socket])).status === 0,
  );
  return { socket, port, ask };
}

function startAgent(server: Server, token: string | null): { readonly socket: string; readonly process: ChildProcess } {
  const at = join(dir, 'agent');
  mkdirSync(at, { recursive: true, mode: 0o700 });
  const socket = join(at, 'agent.sock');
  writeFileSync(
    join(at, 'agent.conf'),
    `agent {
  data_dir = "${at}"
  log_level = "ERROR"
  server_address = "127.0.0.1"
  server_port = "${server.port}"
  socket_path = "${socket}"
  trust_domain = "zylos.local"
  insecure_bootstrap = true
}
plugins {
  KeyManager "disk" { plugin_data { directory = "${at}" } }
  NodeAttestor "join_token" { plugin_data {} }
  WorkloadAttestor "unix" { plugin_data {} }
}
`,
  );
  const joining = token === null ? [] : ['-joinToken', token];
  return { socket, process: start(agentProgram, ['run', '-config', join(at, 'agent.conf'), ...joining]) };
}

const gatewayId = 'spiffe://zylos.local/writ/gateway';

test('a SPIRE agent gives the plane its identity; it outlives a restart of the agent and ends with its entry', async () => {
  const server = await startServer('zylos.local');
  const token = /Token: (\S+)/.exec(
    await server.ask('token', 'generate', '-spiffeID', 'spiffe://zylos.local/host'),
  )![1]!;
  let agent = startAgent(server, token);
  const entry = ['-parentID', 'spiffe://zylos.local/host', '-spiffeID', gatewayId, '-selector', `unix:uid:${uid}`];
  const entryId = /Entry ID\s*: (\S+)/.exec(await server.ask('entry', 'create', ...entry))![1]!;
  const fetched = () => runProgram(agentProgram, ['api', 'fetch', 'x509', '-socketPath', agent.socket]);
  await eventually('the entry', async () => (await fetched()).stdout.includes(gatewayId));
  const world = await startTestPlane({
    yaml: `
identity: { source: workloadApi, socket: "unix://${agent.socket}" }
agents:
  demo/me: { calls: [demo/other] }
  demo/other: {}
users:
  howard: { roles: [admin] }
`,
  });
  worlds.push(world);
  await server.ask('x509', 'mint', '-spiffeID', 'spiffe://zylos.local/demo/me', '-write', dir);
  const [cert, key, ca] = ['svid.pem', 'key.pem', 'bundle.pem'].map((file) => readFileSync(join(dir, file)));
  const answers = () => {
    const { hostname: host, port } = new URL(world.mtls);
    const tls = { host, port: Number(port), cert: cert!, key: key!, ca: ca! };
    const socket = connect({ ...tls, checkServerIdentity: () => undefined });
    socket.on('error', () => {});
    socket.write('GET /none HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    return new Promise<boolean>((resolve) => {
      socket.once('data', () => resolve(true)).once('close', () => resolve(false));
    });
  };
  assert.equal(await answers(), true);
  agent.process.kill('SIGTERM');
  await eventually('its end', () => agent.process.exitCode !== null || agent.process.signalCode !== null);
  assert.equal(await answers(), true, 'what is held serves on');
  agent = startAgent(server, null);
  await eventually('its return', async () => (await fetched()).stdout.includes(gatewayId));
  await server.ask('entry', 'delete', '-entryID', entryId);
  await eventually('the withdrawal', async () => !(await answers()));
  assert.ok(
    world.said.some((one) => /has withdrawn the identity of this plane/.test(one)),
    world.said.join('\n'),
  );
  await server.ask('entry', 'create', ...entry);
  await eventually('the return', answers);
});

test("SPIRE's own client fetches and checks what our socket gives", async () => {
  const world = await startTestPlane({
    yaml: `agents:\n  demo/me: { attest: { uid: ${uid} } }\nusers:\n  howard: {}\n`,
  });
  worlds.push(world);
  const at = ['-socketPath', String(world.plane.ready.workloadApi).slice('unix://'.length)];
  assert.match(
    await said(agentProgram, ['api', 'fetch', 'x509', ...at]),
    /SPIFFE ID:\s+spiffe:\/\/zylos\.local\/demo\/me/,
  );
  const printed = await said(agentProgram, ['api', 'fetch', 'jwt', '-audience', 'service', ...at]);
  const token = /eyJ\S+/.exec(printed)![0];
  const validate = (audience: string) => ['api', 'validate', 'jwt', '-audience', audience, '-svid', token, ...at];
  assert.match(await said(agentProgram, validate('service')), /SVID is valid/);
  assert.notEqual((await runProgram(agentProgram, validate('other'))).status, 0);
});

test('its server follows our bundle, and our agents are given its', async () => {
  const [ours, theirs] = [await freePort(), await freePort()];
  const server = await startServer(
    'spire.test',
    `federation {
    bundle_endpoint { address = "127.0.0.1" port = ${theirs} profile "https_spiffe" {} }
    federates_with "zylos.local" {
      bundle_endpoint_url = "https://127.0.0.1:${ours}/"
      bundle_endpoint_profile "https_spiffe" { endpoint_spiffe_id = "${gatewayId}" }
    }
  }`,
  );
  const bootstrap = join(dir, 'spire.json');
  writeFileSync(bootstrap, await server.ask('bundle', 'show', '-format', 'spiffe'));
  const world = await startTestPlane({
    yaml: `
agents:
  demo/me: { attest: { uid: ${uid} } }
users:
  howard: { roles: [admin] }
federation:
  listen: 127.0.0.1:${ours}
  partners:
    spire.test: { url: "https://127.0.0.1:${theirs}/", profile: https_spiffe, endpoint: "spiffe://spire.test/spire/server", bundle: ${bootstrap} }
`,
  });
  worlds.push(world);
  let newest: X509Svid | null = null;
  const endpoint = String(world.plane.ready.workloadApi);
  const source = await openX509Source({ endpoint, onUpdate: (svid) => (newest = svid) });
  await eventually('their roots', () => newest?.federatedPem.get('spire.test')?.includes('BEGIN') ?? false);
  source.close();
  assert.deepEqual(
    world.said.filter((one) => one.includes('`spire.test`')),
    [],
    'its endpoint is asked without a problem',
  );

  const { certificates, document } = await ourDocument(world, ours);
  writeFileSync(join(dir, 'ours.json'), document);
  await server.ask(
    'bundle',
    'set',
    '-id',
    'spiffe://zylos.local',
    '-format',
    'spiffe',
    '-path',
    join(dir, 'ours.json'),
  );
  await server.ask('federation', 'refresh', '-id', 'spiffe://zylos.local');
  const held = async () => {
    const text = await server.ask('bundle', 'list', '-id', 'spiffe://zylos.local', '-format', 'spiffe');
    return (JSON.parse(text) as { keys: { use: string }[] }).keys.filter(({ use }) => use === 'x509-svid').length;
  };
  assert.equal(await held(), certificates);
  const answer = await world.person('/keys', { method: 'POST', body: '{"kind":"root"}' });
  assert.equal(answer.status, 200);
  await server.ask('federation', 'refresh', '-id', 'spiffe://zylos.local');
  await eventually('our new root there', async () => (await held()) === certificates + 1);
});

/** As an operator would carry it over by hand. */
async function ourDocument(world: TestPlane, port: number) {
  const document = await new Promise<string>((resolve, reject) => {
    get({ host: '127.0.0.1', port, rejectUnauthorized: false, agent: false }, async (answer) => {
      let text = '';
      for await (const part of answer) text += part;
      resolve(text);
    }).on('error', reject);
  });
  return { document, certificates: world.authority.bundle().length };
}
