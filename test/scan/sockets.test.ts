// Endpoints behind listening sockets: found without anybody naming them, and everything else that listens left in peace.

import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { LEGACY_VERSIONS, META, MODERN_VERSIONS } from '../../packages/server/src/gateway/mcp/words.ts';
import { asker, listeningSockets, type ScanResult, scan, type World } from '../../packages/server/src/scan/index.ts';
import { type Running, runAgent, runV1, runV2, serve } from './real-servers.ts';

async function scanSockets(
  addresses: readonly { readonly address: string; readonly port: number }[],
): Promise<ScanResult> {
  const clientInfo = { name: 'writ-scan', version: '0.0.0' };
  const mcp = { modernVersion: MODERN_VERSIONS[0]!, legacyVersion: LEGACY_VERSIONS[0]!, meta: META, clientInfo };
  const world: World = {
    clock: { nowSeconds: () => 1_800_000_000 },
    ask: asker('writ-scan/test'),
    words: { mcp, a2a: { version: '1.0', taskNotFound: -32001, methodNotFound: -32601, unknownTask: 'no-such-task' } },
    history: async () => ({ tracked: false, sinceSeconds: null }),
    sockets: () => addresses,
    start: async () => ({ ok: false, says: 'not here' }),
    homeFolder: '/home/nobody',
    baseFolder: '/home/nobody',
  };
  return scan({ home: null, machine: false, paths: [], hosts: [], sockets: true, probe: true, start: [] }, world);
}

const portOf = ({ url }: Running) => Number(new URL(url).port);

test('servers and agents are found by their ports, older and newer', async () => {
  await using v1 = await runV1();
  await using v2 = await runV2();
  await using agent = await runAgent();
  await using guarded = await runV1({ isProtected: true, hasMetadata: true });
  const all = [v1, v2, agent, guarded];
  const { probes, findings } = await scanSockets(all.map((one) => ({ address: '127.0.0.1', port: portOf(one) })));
  assert.deepEqual(
    probes.map(({ url, result }) => [new URL(url).port, result]).toSorted(),
    [
      [String(portOf(v1)), 'open'],
      [String(portOf(v2)), 'open'],
      [String(portOf(agent)), 'open'],
      [String(portOf(guarded)), 'protected'],
    ].toSorted(),
  );
  assert.ok(findings.every(({ place }) => place === null));
});

test('an open server that the whole network reaches weighs more', async () => {
  await using server = await runV2();
  const severityAt = async (address: string) => {
    const { findings } = await scanSockets([{ address, port: portOf(server) }]);
    return findings.find(({ rule }) => rule === 'open-endpoint')!.severity;
  };
  assert.equal(await severityAt('127.0.0.1'), 'medium');
  assert.equal(await severityAt('0.0.0.0'), 'high');
});

test('what is no server of agents is neither a finding nor named', async () => {
  await using page = await serve('/', () => (_request, response) => void response.writeHead(404).end('nothing'));
  await using login = await serve(
    '/',
    () => (_request, response) => void response.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end(),
  );
  const shouting = createServer((socket) => void socket.on('error', () => {}).end('220 mail ready\r\n'));
  await new Promise<void>((resolve) => shouting.listen(0, '127.0.0.1', resolve));
  const ports = [portOf(page), portOf(login), (shouting.address() as AddressInfo).port];
  const result = await scanSockets(ports.map((port) => ({ address: '127.0.0.1', port })));
  shouting.close();
  assert.deepEqual([result.probes, result.findings], [[], []]);
  assert.ok(
    [...page.asked, ...login.asked].every((one) => /^GET \/(?:\.well-known|sse)|^POST server\/discover$/.test(one)),
    page.asked.join(),
  );
});

test('the kernel’s tables show a server that listens', { skip: process.platform !== 'linux' }, async () => {
  await using server = await runV2();
  assert.ok(listeningSockets().some(({ address, port }) => address === '127.0.0.1' && port === portOf(server)));
});
