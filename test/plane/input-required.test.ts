// A request in several rounds, end to end (rules §4.4): a person is asked at a page, the same request is said again with the sealed
// state, and goes through once; and a server's own question travels with its state inside ours.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { DeniedError, openMcpClient } from '@writ/agent';
import type { Agent } from '@writ/agent/node';
import type { JsonObject } from '@writ/core';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

let world: TestPlane;
let agent: Agent;
let shop: Server;
/** What the shop was told, and what it answers. */
const heard: JsonObject[] = [];
let question: JsonObject = {};

const cedar = `@id("house.ask-before-writing") @outcome("approval")
forbid (principal, action in Writ::Action::"tool.call", resource in Writ::Server::"files") when { context.risk >= 2 };
`;
const manifest = `manifest: 1
servers:
  shop:
    tools:
      size: { risk: 0, effect: read, args: {}, outputs: [{ at: "", text: 3, keys: 3 }] }
      buy: { risk: 2, effect: write, args: {}, outputs: [{ at: "", text: 3, keys: 3 }] }
`;

before(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'writ-rounds-'));
  mkdirSync(join(dataDir, 'policy'), { mode: 0o700 });
  writeFileSync(join(dataDir, 'policy', 'house.cedar'), cedar, { mode: 0o600 });
  writeFileSync(join(dataDir, 'shop.manifest.yaml'), manifest, { mode: 0o600 });
  shop = createServer(async (req, res) => {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    const { id, method, params } = JSON.parse(String(Buffer.concat(parts))) as JsonObject & { params: JsonObject };
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ jsonrpc: '2.0', id, result: shopAnswer(String(method), params) }));
  });
  shop.unref();
  await new Promise<void>((done) => shop.listen(0, '127.0.0.1', done));
  world = await startTestPlane({
    dataDir,
    yaml: `
agents:
  claude/orchestrator: { attest: { launched: true }, inputs: gated, memory: task, calls: [files, shop], scopes: ["files:write_file", "shop:size", "shop:buy"] }
  claude/second: { attest: { launched: true }, inputs: gated, memory: task, calls: [files], scopes: ["files:write_file"] }
servers:
  files: { mcp: { command: ["$NODE", "$FILES", "$DOCS"] }, manifest: "builtin:filesystem" }
  shop: { mcp: { url: "http://127.0.0.1:${(shop.address() as AddressInfo).port}/mcp" }, manifest: ./shop.manifest.yaml }
users:
  howard: { roles: [admin, approver] }
allow:
  - { agent: claude/orchestrator, tool: files/write_file }
  - { agent: claude/second, tool: files/write_file }
  - { agent: claude/orchestrator, tool: shop/size }
  - { agent: claude/orchestrator, tool: shop/buy }
policy: ./policy
`,
  });
  agent = await world.agent('claude/orchestrator');
});

after(async () => {
  await world?.close();
  shop?.closeAllConnections();
  await new Promise((done) => shop.close(done));
});

function shopAnswer(method: string, params: JsonObject): JsonObject {
  const kept = { ttlMs: 0, cacheScope: 'private' };
  if (method === 'server/discover')
    return { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, ...kept };
  if (method === 'tools/list')
    return {
      resultType: 'complete',
      tools: ['size', 'buy'].map((name) => ({ name, inputSchema: { type: 'object', properties: {} } })),
      ...kept,
    };
  heard.push(params);
  if (params.requestState !== 'of the shop') return { resultType: 'input_required', ...question };
  return { resultType: 'complete', content: [{ type: 'text', text: 'done' }] };
}

/** One raw request in a task, so that state and answers are the test's own. */
type Ask = (
  tool: string,
  args: JsonObject,
  more?: JsonObject,
) => Promise<{ result?: JsonObject; error?: { code: number; data: JsonObject } }>;

async function inTask(server: string, work: (ask: Ask, task: string) => Promise<void>, who = agent): Promise<void> {
  const path = who === agent ? 'claude/orchestrator' : 'claude/second';
  const id = await world.task(path, { prompt: 'write the note and buy' });
  const task = await who.task(id);
  const ask: Ask = async (name, args, more = {}) => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {}, form: {} } },
    };
    const answer = await who.fetch(server)(who.url(server), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': name,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name, arguments: args, ...more, _meta },
      }),
    });
    return (await answer.json()) as Awaited<ReturnType<Ask>>;
  };
  await task.run(() => work(ask, id));
  task.close();
}

async function answer(verdict: 'approve' | 'deny', url: string): Promise<void> {
  const id = new URL(url).pathname.split('/').at(-1)!;
  const { approvals } = (await (await world.person('/approvals')).json()) as {
    approvals: { id: string; hash: string }[];
  };
  const hash = approvals.find((one) => one.id === id)?.hash;
  const said = await world.person(`/approvals/${id}`, { method: 'POST', body: JSON.stringify({ verdict, hash }) });
  assert.equal(said.status, 200);
}

const pageOf = ({ result }: Awaited<ReturnType<Ask>>) => {
  const [asked] = Object.values(result!.inputRequests as { [key: string]: { params: { url: string } } });
  return asked!.params.url;
};
const stateOf = ({ result }: Awaited<ReturnType<Ask>>) => ({ requestState: result!.requestState! });
const note = () => ({ path: join(world.docs, 'note.md'), content: 'hello' });

test('the same state asks again, goes through after the yes, once, and never for anything else', async () => {
  await inTask('files', async (ask) => {
    const first = await ask('write_file', note());
    const again = await ask('write_file', note(), stateOf(first));
    assert.equal(pageOf(again), pageOf(first), 'before a verdict the same question');
    const lied = { 'dev.writ/approval': { action: 'accept', content: { approved: true } } };
    assert.ok((await ask('write_file', note(), { ...stateOf(again), inputResponses: lied })).result!.inputRequests);
    await answer('approve', pageOf(first));

    const other = await ask('write_file', { ...note(), content: 'hellO' }, stateOf(first));
    assert.deepEqual([other.error!.code, other.error!.data.code], [-31001, 'action.approval_invalid']);
    const [one, two] = await Promise.all([0, 1].map(() => ask('write_file', note(), stateOf(again))));
    const done = [one!, two!].filter(({ result }) => result?.resultType === 'complete');
    assert.equal(done.length, 1, 'two at once: one goes through');
    assert.equal(readFileSync(note().path, 'utf8'), 'hello');
    rmSync(note().path);
    const third = await ask('write_file', note(), stateOf(first));
    assert.equal(third.error!.data.code, 'action.approval_invalid', 'a second use');
  });
});

test('a no stays a no, another task and another agent have no use for the state', async () => {
  let state: JsonObject = {};
  await inTask('files', async (ask) => {
    const first = await ask('write_file', note());
    state = stateOf(first);
    await answer('deny', pageOf(first));
    assert.equal((await ask('write_file', note(), state)).error!.data.code, 'action.approval_invalid');
  });
  await inTask('files', async (ask) => {
    const first = await ask('write_file', note());
    await answer('approve', pageOf(first));
    state = stateOf(first);
  });
  const second = await world.agent('claude/second');
  for (const who of [agent, second]) {
    await inTask(
      'files',
      async (ask) => {
        const refused = (await ask('write_file', note(), state)).error!;
        assert.equal(refused.data.code, 'action.approval_invalid');
        const { checks } = await world.decision(String(refused.data.decisionId));
        assert.equal((checks as { action: { code: string } }).action.code, 'action.approval_invalid');
      },
      who,
    );
  }
});

test('the client of the SDK opens the page, waits for the person, and is answered', async () => {
  const task = await agent.task(await world.task('claude/orchestrator', { prompt: 'write the note' }));
  const opened: string[] = [];
  const open = (verdict: 'approve' | 'deny' | null) =>
    openMcpClient({
      url: agent.url('files'),
      fetch: agent.fetch('files'),
      async openPage({ url }) {
        opened.push(url);
        if (verdict === null) return 'decline';
        await answer(verdict, url);
        return 'accept';
      },
    });
  await task.run(async () => {
    const result = await open('approve').callTool('write_file', note());
    assert.equal(result.isError, false);
    await assert.rejects(open(null).callTool('write_file', note()), (error: unknown) => {
      assert.ok(error instanceof DeniedError);
      assert.equal(error.denial.approvalUrl, opened.at(-1));
      return true;
    });
    await assert.rejects(open('deny').callTool('write_file', note()), DeniedError);
  });
  task.close();
});

test('the stock client of the MCP project does the same by itself', async () => {
  const task = await agent.task(await world.task('claude/orchestrator', { prompt: 'write the note' }));
  const client = new Client(
    { name: 'stock', version: '1.0.0' },
    { capabilities: { elicitation: { url: {} } }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  const pages: string[] = [];
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    assert.ok('url' in params);
    pages.push(params.url);
    await answer('approve', params.url);
    return { action: 'accept' };
  });
  await task.run(async () => {
    const transport = new StreamableHTTPClientTransport(new URL(agent.url('files')), { fetch: agent.fetch('files') });
    await client.connect(transport);
    const result = await client.callTool({
      name: 'write_file',
      arguments: { ...note(), content: 'by the stock client' },
    });
    assert.equal(result.isError ?? false, false);
    await client.close();
  });
  assert.equal(pages.length, 1);
  assert.equal(readFileSync(note().path, 'utf8'), 'by the stock client');
  task.close();
});

const form = { method: 'elicitation/create', params: { mode: 'form', message: 'Which size?', requestedSchema: {} } };

test('a server’s question reaches the caller with its state inside ours, and the answer reaches the server once', async () => {
  question = { requestState: 'of the shop', inputRequests: { size: form } };
  await inTask('shop', async (ask) => {
    const first = await ask('size', {});
    assert.deepEqual(first.result!.inputRequests, { size: form });
    assert.notEqual(first.result!.requestState, 'of the shop');
    const given = { ...stateOf(first), inputResponses: { size: { action: 'accept', content: { size: 'L' } } } };
    heard.length = 0;
    assert.equal((await ask('size', {}, given)).result!.resultType, 'complete');
    assert.deepEqual(
      [heard[0]!.requestState, heard[0]!.inputResponses],
      ['of the shop', { size: { action: 'accept', content: { size: 'L' } } }],
    );
    assert.equal((await ask('size', {}, given)).error!.data.code, 'action.approval_invalid', 'a second use');
    assert.equal((await ask('size', {}, { requestState: 'of the shop' })).error!.data.code, 'action.approval_invalid');
    const unasked = await ask('size', {}, { inputResponses: given.inputResponses });
    assert.equal(unasked.error!.data.code, 'action.approval_invalid');
    assert.equal(heard.length, 1);
  });
});

test('an answer is level 0: where it has an effect, a person sees it first, and says yes to that answer', async () => {
  question = { requestState: 'of the shop', inputRequests: { size: form } };
  await inTask('shop', async (ask) => {
    const first = await ask('buy', {});
    const sized = (size: string) => ({ inputResponses: { size: { action: 'accept', content: { size } } } });
    const asked = await ask('buy', {}, { ...stateOf(first), ...sized('XXL') });
    assert.equal(asked.result!.resultType, 'input_required');
    const { approvals } = (await (await world.person('/approvals')).json()) as {
      approvals: { id: string; arguments: JsonObject }[];
    };
    const shown = approvals.find(({ id }) => pageOf(asked).endsWith(id))!.arguments;
    assert.deepEqual(shown, { 'dev.writ/answers': sized('XXL').inputResponses });
    await answer('approve', pageOf(asked));
    heard.length = 0;
    assert.equal((await ask('buy', {}, { ...stateOf(asked), ...sized('S') })).result!.resultType, 'complete');
    assert.deepEqual(heard[0]!.inputResponses, sized('XXL').inputResponses, 'the answer that was approved');
    for (const used of [first, asked])
      assert.equal(
        (await ask('buy', {}, { ...stateOf(used), ...sized('XXL') })).result?.resultType === 'complete',
        false,
      );
    assert.equal(heard.length, 1);
  });
});

test('a server that sends a person to a page of the plane is not heard', async () => {
  const ask = {
    method: 'elicitation/create',
    params: { mode: 'url', message: 'approve', url: `${world.issuer}/console/approvals` },
  };
  question = { requestState: 'of the shop', inputRequests: { a: ask } };
  await inTask('shop', async (call) => {
    const refused = (await call('size', {})) as { error?: unknown; code?: string };
    assert.equal(refused.code, 'gateway.upstream_unreachable');
  });
});
