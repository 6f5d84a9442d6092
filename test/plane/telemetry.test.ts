// What leaves a whole plane as telemetry: traces as a collector gets them, numbers as Prometheus gets them, and that nothing else does.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DeniedError } from '@writ/agent';
import type { Agent } from '@writ/agent/node';
import type { JsonObject } from '@writ/core';
import { readScrape } from '../../packages/server/src/telemetry/scrape.fixture.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { type Collector, type ReadSpan, startCollector } from './collector.fixture.ts';

/** In every text that must not leave. */
const MARK = `zq9mark${crypto.randomUUID().replaceAll('-', '')}`;
const caller = { trace: 'a'.repeat(32), span: 'b'.repeat(16) };
const inBody = { trace: 'c'.repeat(32), span: 'd'.repeat(16) };

let world: TestPlane;
let agent: Agent;
let collector: Collector;
let shop: Server;
let peer: Server;
const shopHeard: { headers: IncomingHttpHeaders; name: unknown }[] = [];
const peerHeard: IncomingHttpHeaders[] = [];

const manifest = `manifest: 1
servers:
  shop:
    tools:
      size: { risk: 1, effect: read, args: { /note: { role: payload, type: text } }, outputs: [{ at: "", text: 3, keys: 3 }] }
      slow: { risk: 1, effect: read, args: { /note: { role: payload, type: text } }, outputs: [{ at: "", text: 3, keys: 3 }] }
      buy: { risk: 2, effect: write, args: { /note: { role: payload, type: text } }, outputs: [{ at: "", text: 3, keys: 3 }] }
`;
const cedar = `@id("house.ask-before-buying") @outcome("approval")
forbid (principal, action in Writ::Action::"tool.call", resource in Writ::Server::"shop") when { context.risk >= 2 };
`;

before(async () => {
  collector = await startCollector();
  shop = createServer(async (req, res) => {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    const { id, method, params = {} } = JSON.parse(String(Buffer.concat(parts))) as JsonObject & { params: JsonObject };
    if (method === 'tools/call') shopHeard.push({ headers: req.headers, name: params.name });
    const last = JSON.stringify({ jsonrpc: '2.0', id, result: shopAnswer(String(method)) });
    if (params.name !== 'slow') {
      res.writeHead(200, { 'content-type': 'application/json' });
      res.end(last);
      return;
    }
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    const note = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: MARK } };
    res.write(`data: ${JSON.stringify(note)}\n\n`);
    res.end(`data: ${last}\n\n`);
  });
  peer = createServer((req, res) => {
    peerHeard.push(req.headers);
    const parts = [{ text: MARK }];
    const message = { messageId: 'm', role: 'ROLE_AGENT', parts };
    req.resume().on('end', () => {
      res.writeHead(200, { 'content-type': 'application/json' });
      res.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { message } }));
    });
  });
  const dataDir = mkdtempSync(join(tmpdir(), 'writ-telemetry-'));
  mkdirSync(join(dataDir, 'policy'), { mode: 0o700 });
  writeFileSync(join(dataDir, 'policy', 'house.cedar'), cedar, { mode: 0o600 });
  writeFileSync(join(dataDir, 'shop.manifest.yaml'), manifest, { mode: 0o600 });
  world = await startTestPlane({
    dataDir,
    environment: { SHOP_KEY: `${MARK}-shop`, COLLECTOR_KEY: 'Bearer of-the-collector' },
    yaml: `
agents:
  claude/orchestrator: { attest: { launched: true }, inputs: gated, memory: task, calls: [shop, db/agent], scopes: ["shop:size", "shop:slow", "shop:buy"] }
  db/agent: { attest: { launched: true }, a2a: "${await listening(peer)}/" }
servers:
  shop: { mcp: { url: "${await listening(shop)}/mcp" }, manifest: ./shop.manifest.yaml, credential: { env: SHOP_KEY } }
users:
  howard: { roles: [admin, approver] }
allow:
  - { agent: claude/orchestrator, tool: shop/size }
  - { agent: claude/orchestrator, tool: shop/slow }
  - { agent: claude/orchestrator, tool: shop/buy }
policy: ./policy
telemetry:
  traces: { url: "${collector.url}", headers: { authorization: { env: COLLECTOR_KEY } } }
`,
  });
  agent = await world.agent('claude/orchestrator');
});

after(async () => {
  await world?.close();
  await collector?.close();
  for (const server of [shop, peer]) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
});

async function listening(server: Server): Promise<string> {
  server.unref();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function shopAnswer(method: string): JsonObject {
  const kept = { ttlMs: 0, cacheScope: 'private', resultType: 'complete' };
  if (method === 'server/discover') {
    return { supportedVersions: ['2026-07-28'], capabilities: { tools: {}, logging: {} }, ...kept };
  }
  const inputSchema = { type: 'object', properties: { note: { type: 'string' } } };
  if (method === 'tools/list')
    return { tools: ['size', 'slow', 'buy'].map((name) => ({ name, inputSchema })), ...kept };
  return { content: [{ type: 'text', text: `the answer ${MARK}` }], resultType: 'complete' };
}

/** One raw request within a task; its answer as text. */
async function ask(
  method: string,
  params: JsonObject,
  more: { headers?: object; meta?: object } = {},
): Promise<string> {
  const task = await agent.task(await world.task('claude/orchestrator', { prompt: `buy ${MARK}` }));
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    ...more.meta,
  };
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof params.name === 'string' ? { 'mcp-name': params.name } : {}),
    ...more.headers,
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: `id-${MARK}`, method, params: { ...params, _meta } });
  // One token for all, so that what it does not cover is refused by the gateway and not by the SDK.
  const tools = ['shop/size', 'shop/slow', 'shop/buy'];
  try {
    return await task.run(async () => {
      const token = await agent.spawn({ tools, audience: 'shop', estimatedSeconds: 60 });
      const answer = await agent.fetch('shop', { token })(agent.url('shop'), { method: 'POST', headers, body });
      return answer.text();
    });
  } catch (error) {
    if (error instanceof DeniedError) return `"error": ${error.denial.code}`;
    throw error;
  } finally {
    task.close();
  }
}

const callTool = (name: string, more: Parameters<typeof ask>[2] = {}) =>
  ask('tools/call', { name, arguments: { note: MARK } }, more);
const header = ({ trace, span }: typeof caller, flags = '01') => `00-${trace}-${span}-${flags}`;
const viewer = () => readFileSync(join(world.dataDir, 'data', 'viewer.token'), 'utf8').trim();
const scraped = (authorization?: string) =>
  fetch(`${world.issuer}/metrics`, { headers: authorization ? { authorization } : {} });

async function spanOf(find: (span: ReadSpan) => boolean): Promise<ReadSpan> {
  await collector.until((spans) => spans.some(find));
  return collector.spans.find(find)!;
}

test('before anybody scrapes nothing is counted; who may read status may scrape, and nobody else (rules §7.1)', async () => {
  assert.equal((await scraped()).status, 401);
  for (const bad of ['Bearer none-such', `Bearer ${MARK}.${MARK}.${MARK}`, 'Basic eDp5']) {
    const refused = await scraped(bad);
    assert.deepEqual([refused.status, await refused.json()], [401, { error: 'unauthorized' }]);
  }
  const task = await agent.task(await world.task('claude/orchestrator'));
  const spawn = { tools: ['shop/size'], audience: 'shop', estimatedSeconds: 60 };
  const { token } = await task.run(() => agent.spawn(spawn));
  assert.equal((await scraped(`Bearer ${token}`)).status, 401, 'a token that was made for an agent');
  task.close();
  const byViewer = await scraped(`Bearer ${viewer()}`);
  assert.equal(byViewer.status, 200);
  assert.equal(readScrape(await byViewer.text()).sum('writ_calls_total'), 0);
  assert.equal((await scraped(`Bearer ${world.plane.demoSession}`)).status, 200, 'a person');
  const posted = await fetch(`${world.issuer}/metrics`, {
    method: 'POST',
    headers: { authorization: `Bearer ${viewer()}` },
  });
  assert.equal(posted.status, 405);
  const overSocket = await new Promise<number>((resolve, reject) => {
    const socketPath = join(world.dataDir, 'data', 'admin.sock');
    const sent = request({ socketPath, path: '/metrics' }, (res) => resolve(res.resume().statusCode!));
    sent.on('error', reject).end();
  });
  assert.equal(overSocket, 200);
});

test('an allowed call is one trace below the caller’s, and the callee is told its part of it', async () => {
  assert.match(await callTool('size', { headers: { traceparent: header(caller) } }), /the answer/);
  const span = await spanOf(({ traceId, kind }) => traceId === caller.trace && kind === 2);
  assert.equal(span.name, 'tools/call size');
  assert.equal(span.parentSpanId, caller.span);
  const { attributes } = span;
  assert.equal(attributes['service.name'], 'writ');
  assert.equal(attributes['mcp.method.name'], 'tools/call');
  assert.equal(attributes['gen_ai.tool.name'], 'size');
  assert.equal(attributes['gen_ai.operation.name'], 'execute_tool');
  assert.equal(attributes['writ.outcome'], 'allow');
  assert.equal(attributes['writ.caller'], 'spiffe://zylos.local/claude/orchestrator');
  assert.equal((await world.decision(String(attributes['writ.decision.id']))).trace, caller.trace);
  await collector.until((spans) => spans.filter(({ parentSpanId }) => parentSpanId === span.spanId).length === 3);
  const parts = collector.spans.filter(({ parentSpanId }) => parentSpanId === span.spanId);
  assert.deepEqual(parts.map(({ name }) => name).sort(), ['forward', 'judge', 'record']);
  for (const { startNanos, endNanos } of parts) {
    assert.ok(startNanos >= span.startNanos && endNanos >= startNanos && endNanos <= span.endNanos);
  }
  const forward = parts.find(({ name }) => name === 'forward')!;
  assert.equal(shopHeard.at(-1)!.headers.traceparent, `00-${caller.trace}-${forward.spanId}-01`);
  assert.equal(collector.heads[0]!.authorization, 'Bearer of-the-collector');
});

test('what the message says of its trace comes before its header, and no flag switches tracing off', async () => {
  await callTool('size', {
    headers: { traceparent: header(caller, '00') },
    meta: { traceparent: header(inBody, '00') },
  });
  const span = await spanOf(({ traceId, kind }) => traceId === inBody.trace && kind === 2);
  assert.equal(span.parentSpanId, inBody.span);
  for (const odd of ['00-zz', `00-${'0'.repeat(32)}-${caller.span}-01`, `${header(caller)}${MARK}`]) {
    assert.match(await callTool('size', { headers: { traceparent: odd } }), /the answer/);
  }
});

test('a message to an agent is a trace too, and carries it on', async () => {
  const task = await agent.task(await world.task('claude/orchestrator'));
  await task.run(() => agent.a2a('db/agent').sendMessage({ parts: [{ text: MARK }] }));
  task.close();
  const span = await spanOf(({ name }) => name === 'invoke_agent db/agent');
  assert.equal(span.attributes['gen_ai.agent.name'], 'db/agent');
  assert.match(String(peerHeard.at(-1)!.traceparent), new RegExp(`^00-${span.traceId}-[0-9a-f]{16}-01$`));
});

test('no token, argument, result, id, prompt, secret or made-up name is in any exported byte', async () => {
  assert.equal((await scraped(`Bearer ${viewer()}`)).status, 200, 'from here on it is counted');
  assert.match(await callTool('slow'), /the answer/);
  const asked = await callTool('buy');
  assert.match(asked, /-31002|input_required/);
  assert.match(await callTool(`tool-${MARK}`), /"error"/);
  await ask(`method/${MARK}`, {});
  await ask('resources/read', { uri: `file:///${MARK}` });
  await ask('prompts/get', { name: MARK, arguments: { note: MARK } });
  const odd = { tracestate: `x=${MARK}`, baggage: `note=${MARK}`, 'mcp-session-id': MARK };
  await callTool('size', { headers: odd });
  const bare = { method: 'POST', headers: { authorization: `Bearer ${MARK}` }, body: MARK };
  await fetch(`${world.oauth}/mcp/shop`, bare);
  await fetch(`${world.oauth}/mcp/${MARK}`, bare);
  await collector.until((spans) => {
    const ends = spans.map(({ attributes }) => attributes);
    return ['slow', 'buy', 'other'].every((tool) => ends.some((one) => one['gen_ai.tool.name'] === tool));
  });
  await spanOf(({ attributes }) => attributes['writ.outcome'] === 'approval');
  const refused = await spanOf(({ status }) => status === 2);
  assert.match(String(refused.attributes['error.type']), /^(token|action|gateway)\./);

  const text = await (await scraped(`Bearer ${viewer()}`)).text();
  const numbers = readScrape(text);
  for (const outcome of ['allow', 'deny', 'approval'])
    assert.ok(numbers.sum('writ_calls_total', { outcome }) > 0, outcome);
  assert.ok(numbers.sum('writ_audit_records_total') > numbers.sum('writ_audit_flush_records_count') / 2);
  assert.ok(numbers.sum('writ_requests_refused_total') > 0);
  assert.equal(numbers.sum('writ_approvals_waiting'), 1);
  assert.ok(numbers.sum('writ_evidence_chars') > 0);
  assert.equal(numbers.sum('writ_revocation_fresh'), 1);
  assert.ok(numbers.sum('writ_trace_exports_total', { result: 'arrived' }) > 0);

  const tokens = /eyJ[A-Za-z0-9_-]{10,}\./;
  for (const bytes of [...collector.bytes, text]) {
    assert.ok(!bytes.includes(MARK), `it left: ${bytes.slice(Math.max(0, bytes.indexOf(MARK) - 200)).slice(0, 400)}`);
    assert.doesNotMatch(bytes, tokens);
  }
});

test('while the collector is down every call goes on, the operator hears it once, and the plane stops', async () => {
  await collector.close();
  const before = world.said.length;
  const answers = await Promise.all(Array.from({ length: 20 }, () => callTool('size')));
  for (const one of answers) assert.match(one, /the answer/);
  for (let i = 0; i < 150 && !world.said.slice(before).some((one) => /traces do not reach/.test(one)); i++) {
    await callTool('size');
    await new Promise((done) => setTimeout(done, 100));
  }
  const said = world.said.slice(before).filter((one) => /traces do not reach/.test(one));
  assert.equal(said.length, 1);
  assert.match(said[0]!, /Calls are not affected/);
  const numbers = readScrape(await (await scraped(`Bearer ${viewer()}`)).text());
  assert.ok(numbers.sum('writ_trace_exports_total', { result: 'lost' }) > 0);
});
