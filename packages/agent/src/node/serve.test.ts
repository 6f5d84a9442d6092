import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import type { JsonObject } from '@writ/core';
import { type CallContext, currentContext } from '../context.ts';
import type { Agent } from './agent.ts';
import type { DialSvid } from './dial.ts';
import { mtlsAgent } from './dial.ts';
import { type FakePlane, fakePlane, spiffe } from './fake-plane.fixture.ts';
import { type Handler, writContext } from './incoming.ts';
import { mtlsFetch } from './mtls-fetch.ts';
import { serveAgent } from './serve.ts';

interface Setting {
  readonly plane: FakePlane;
  /** Opens tasks and sends messages. */
  readonly caller: Agent;
  /** Serves them. */
  readonly callee: Agent;
  readonly url: string;
  readonly refusals: string[];
}

async function setting(t: TestContext, handler: (agent: Agent) => Handler): Promise<Setting> {
  const plane = await fakePlane();
  t.after(() => plane.close());
  plane.answerMcp((_request, body, chain, response) => {
    const { id } = JSON.parse(body) as JsonObject;
    const text = [chain.task, ...chain.links.map(({ actor }) => actor.sub)].join(' > ');
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } }));
  });
  const caller = await plane.agent('claude/orchestrator');
  const callee = await plane.agent('db/agent');
  const refusals: string[] = [];
  const server = await serveAgent(callee, handler(callee), { onRefused: (reason) => refusals.push(reason) });
  t.after(() => server.close());
  plane.route('db/agent', server.url);
  return { plane, caller, callee, url: server.url, refusals };
}

/** Answers an A2A message with what `work` makes of it. */
const answering =
  (work: (message: JsonObject) => Promise<unknown> | unknown): Handler =>
  async (request, response) => {
    const { id, params } = request.body as JsonObject;
    const text = String(await work(params as JsonObject));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { message: { parts: [{ text }] } } }));
  };

const textOf = (result: JsonObject) => ((result.message as JsonObject).parts as readonly JsonObject[])[0]!.text;

test('a callee that does nothing about it continues the chain of whoever called', async (t) => {
  const { plane, caller } = await setting(t, (agent) =>
    answering(async () => (await agent.mcp('files').callTool('read_file')).content[0]!.text),
  );
  const scopes = ['db/agent:send', 'files:read_file', 'files:write_file'];
  const task = await caller.task(plane.openTask('claude/orchestrator', scopes));
  const answer = await caller.a2a('db/agent').sendMessage('read it', { delegate: ['files:read_file'] });
  assert.equal(textOf(answer), `${task.id} > howard > ${spiffe('claude/orchestrator')} > ${spiffe('db/agent')}`);
  assert.deepEqual(plane.log, [
    'claude/orchestrator take db/agent:send files:read_file',
    'claude/orchestrator a2a db/agent db/agent:send files:read_file',
    'db/agent take files:read_file',
    'db/agent mcp files files:read_file',
  ]);
});

test('what was not delegated cannot be had', async (t) => {
  const { plane, caller } = await setting(t, (agent) =>
    answering(() =>
      agent
        .mcp('files')
        .callTool('write_file')
        .catch((error: Error) => error.message),
    ),
  );
  await caller.task(plane.openTask('claude/orchestrator', ['db/agent:send', 'files:*']));
  const answer = await caller.a2a('db/agent').sendMessage('write it', { delegate: ['files:read_file'] });
  assert.equal(textOf(answer), 'token.scope_widened: A delegation may only narrow the scope.');
});

test('the handler sees who called and why, and no authority in the message itself', async (t) => {
  const seen: { context: CallContext; params: JsonObject }[] = [];
  const { plane, caller } = await setting(t, () =>
    answering((params) => seen.push({ context: currentContext()!, params })),
  );
  const task = await caller.task(plane.openTask('claude/orchestrator', ['db/agent:send']));
  await caller.a2a('db/agent').sendMessage({ messageId: 'm1', parts: [{ text: 'hello' }] });
  const [{ context, params }] = seen as [(typeof seen)[0]];
  assert.deepEqual(
    [context.task, context.caller?.caller, context.caller?.floor, context.denial],
    [task.id, spiffe('claude/orchestrator'), 3, null],
  );
  assert.equal(context.caller?.act?.sub, spiffe('claude/orchestrator'));
  assert.deepEqual(JSON.parse(JSON.stringify(params)), {
    message: { messageId: 'm1', role: 'ROLE_USER', parts: [{ text: 'hello' }] },
  });
});

test('calls served at once continue their own chains and never another’s', async (t) => {
  const count = 8;
  const gate = Promise.withResolvers<void>();
  let waiting = 0;
  const { plane, caller } = await setting(t, (agent) =>
    answering(async () => {
      // Nobody goes on before everybody has come in.
      if (++waiting === count) gate.resolve();
      await gate.promise;
      const first = await agent.mcp('files').callTool('read_file');
      await new Promise((resolve) => setImmediate(resolve));
      const second = await agent.mcp('files').callTool('list');
      return [first, second].map(({ content }) => String(content[0]!.text).split(' ')[0]).join(' ');
    }),
  );
  const delegate = ['files:read_file', 'files:list'];
  const tasks = await Promise.all(
    Array.from({ length: count }, () =>
      caller.task(plane.openTask('claude/orchestrator', ['db/agent:send', ...delegate])),
    ),
  );
  const answers = await Promise.all(
    tasks.map((task) => task.run(() => caller.a2a('db/agent').sendMessage('go', { delegate }))),
  );
  assert.deepEqual(
    answers.map(textOf),
    tasks.map(({ id }) => `${id} ${id}`),
  );
});

/** What the callee made of a request that its gateway sends. */
async function judged(t: TestContext, attack: (sent: JsonObject, task: { readonly plane: FakePlane }) => JsonObject) {
  const seen: (string | null)[] = [];
  const { plane, caller, url } = await setting(t, (agent) =>
    answering(async () => {
      seen.push(currentContext()!.denial?.code ?? null);
      return agent
        .mcp('files')
        .callTool('read_file')
        .catch((error: Error) => error.message);
    }),
  );
  const task = plane.openTask('claude/orchestrator', ['db/agent:send', 'files:read_file']);
  await caller.task(task);
  await caller.a2a('db/agent').sendMessage('first', { delegate: ['files:read_file'] });
  const gateway = await plane.authority.svid(spiffe('writ/gateway'));
  const dial = mtlsAgent({ svid: () => gateway, expect: spiffe('db/agent') as Agent['id'] });
  t.after(() => dial.destroy());
  const body = JSON.stringify(attack(plane.contexts[0]!.body, { plane }));
  const reply = await mtlsFetch(dial)(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const result = ((await reply.json()) as JsonObject).result as JsonObject;
  return { code: seen[1], outbound: textOf(result) };
}

const refused = 'token.missing: A token is required.';

test('a context that comes a second time gives no authority', async (t) => {
  assert.deepEqual(await judged(t, (sent) => sent), { code: 'token.replayed', outbound: refused });
});

test('a context under another message gives no authority', async (t) => {
  assert.deepEqual(await judged(t, (sent) => ({ ...sent, id: 77 })), {
    code: 'token.proof_invalid',
    outbound: refused,
  });
});

test('a message without context gives no authority', async (t) => {
  const without = (sent: JsonObject) => ({ ...sent, params: { message: (sent.params as JsonObject).message! } });
  assert.deepEqual(await judged(t, without), { code: 'token.missing', outbound: refused });
});

test('a context that somebody else signed gives no authority', async (t) => {
  const forged = (sent: JsonObject) => {
    const params = sent.params as JsonObject;
    const [head, body, signature] = String((params.metadata as JsonObject)['dev.writ/context']).split('.') as [
      string,
      string,
      string,
    ];
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as JsonObject;
    const widened = Buffer.from(
      JSON.stringify({ ...claims, jti: 'new', caller: 'spiffe://zylos.local/root/root' }),
    ).toString('base64url');
    return { ...sent, params: { ...params, metadata: { 'dev.writ/context': `${head}.${widened}.${signature}` } } };
  };
  assert.deepEqual(await judged(t, forged), { code: 'token.signature_invalid', outbound: refused });
});

test('two contexts give no authority', async (t) => {
  const twice = (sent: JsonObject) => ({ ...sent, metadata: (sent.params as JsonObject).metadata! });
  assert.deepEqual(await judged(t, twice), { code: 'token.ambiguous', outbound: refused });
});

/** Connects, sends a request, and tells what came back before the end. */
async function hangUp(url: string, svid: Partial<DialSvid>): Promise<string> {
  const { port } = new URL(url);
  const socket = tlsConnect({
    port: Number(port),
    host: '127.0.0.1',
    ...(svid.certPem ? { cert: svid.certPem, key: svid.keyPem! } : {}),
    ca: [svid.bundlePem!].flat(),
    checkServerIdentity: () => undefined,
  });
  let received = '';
  socket.on('data', (chunk) => (received += chunk));
  socket.on('error', () => {});
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n');
  // Not `once` of node:events, which would take the expected error for a failure.
  await new Promise((resolve) => socket.once('close', resolve));
  return received;
}

test('the door opens to the gateway and to nobody else', { timeout: 5_000 }, async (t) => {
  let served = 0;
  const { plane, callee, url, refusals } = await setting(t, () => () => void served++);
  const neighbour = await plane.authority.svid(spiffe('claude/orchestrator'));
  const expired = await plane.authority.svid(spiffe('writ/gateway'), -1);
  const { bundlePem } = callee.svid();
  for (const svid of [neighbour, expired, { bundlePem }]) assert.equal(await hangUp(url, svid), '');
  assert.equal(served, 0);
  assert.ok(
    refusals.includes(`\`${spiffe('claude/orchestrator')}\` called where only \`${spiffe('writ/gateway')}\` may`),
    refusals.join('\n'),
  );
  assert.equal(refusals.length, 3);
});

test('a rotated SVID is shown from the next connection on', { timeout: 5_000 }, async (t) => {
  const plane = await fakePlane();
  t.after(() => plane.close());
  const agent = await plane.agent('db/agent');
  let svid = agent.svid();
  const server = await serveAgent({ ...agent, svid: () => svid }, (_request, response) => void response.end());
  t.after(() => server.close());
  const gateway = await plane.authority.svid(spiffe('writ/gateway'));
  const shown = async () => {
    const { port } = new URL(server.url);
    const socket = tlsConnect({
      port: Number(port),
      host: '127.0.0.1',
      cert: gateway.certPem,
      key: gateway.keyPem,
      ca: [gateway.bundlePem].flat(),
      checkServerIdentity: () => undefined,
    });
    await once(socket, 'secureConnect');
    const serial = socket.getPeerX509Certificate()!.serialNumber;
    socket.destroy();
    return serial;
  };
  const before = await shown();
  assert.equal(await shown(), before);
  svid = await plane.authority.svid(spiffe('db/agent'));
  assert.notEqual(await shown(), before);
});

test('a body that cannot be read as one thing is refused before the handler', { timeout: 5_000 }, async (t) => {
  let served = 0;
  const { plane, url } = await setting(t, () => (_request, response) => {
    served++;
    response.end();
  });
  const gateway = await plane.authority.svid(spiffe('writ/gateway'));
  const dial = mtlsAgent({ svid: () => gateway, expect: spiffe('db/agent') as Agent['id'] });
  t.after(() => dial.destroy());
  const post = (body: string | Uint8Array<ArrayBuffer>, type = 'application/json') =>
    mtlsFetch(dial)(url, { method: 'POST', body, headers: { 'content-type': type } });
  const faults: [string | Uint8Array<ArrayBuffer>, number, string][] = [
    ['{"id":1,"id":2}', 400, 'gateway.malformed'],
    ['{"id":', 400, 'gateway.malformed'],
    [new Uint8Array([0x22, 0xff, 0x22]), 400, 'gateway.malformed'],
    [`"${'x'.repeat(5 * 1024 * 1024)}"`, 413, 'gateway.too_large'],
  ];
  for (const [body, status, code] of faults) {
    const reply = await post(body);
    assert.deepEqual([reply.status, ((await reply.json()) as JsonObject).code], [status, code]);
  }
  assert.equal(served, 0);
  assert.equal((await post('not JSON at all', 'text/plain')).status, 200);
  assert.equal(served, 1);
});

test('a handler that fails gives an answer and leaves the server running', async (t) => {
  let failing = true;
  const { plane, caller, refusals } = await setting(t, () => async (request, response) => {
    if (failing) throw new Error('a bug in the agent');
    return answering(() => 'fine')(request, response);
  });
  await caller.task(plane.openTask('claude/orchestrator', ['db/agent:send']));
  await assert.rejects(caller.a2a('db/agent').sendMessage('x'), { name: 'DeniedError', message: /^gateway\.outage/ });
  assert.deepEqual(refusals, ['a bug in the agent']);
  failing = false;
  assert.equal(textOf(await caller.a2a('db/agent').sendMessage('x')), 'fine');
});

test('over plain HTTP nothing is believed, unless the author allows an unproven peer', async (t) => {
  const plane = await fakePlane();
  t.after(() => plane.close());
  for (const [allow, wanted] of [
    [false, 'token.bound_to_other_peer'],
    [true, null],
  ] as const) {
    const callee = await plane.agent('db/agent', { allowUnprovenPeer: allow });
    const seen: (string | null)[] = [];
    const inContext = writContext(callee);
    const server = createServer((request, response) =>
      inContext(request, response, () => {
        seen.push(currentContext()!.denial?.code ?? null);
        response.setHeader('content-type', 'application/json').end('{"jsonrpc":"2.0","id":1,"result":{}}');
      }),
    );
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => server.close());
    plane.route('db/agent', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const caller = await plane.agent('claude/orchestrator');
    await caller.task(plane.openTask('claude/orchestrator', ['db/agent:send']));
    await caller.a2a('db/agent').sendMessage('x');
    assert.deepEqual(seen, [wanted]);
    server.closeAllConnections();
  }
});

test('a body parser before the middleware is told to the author', async () => {
  const agent = { accept: async () => assert.fail('nothing to accept') };
  const request = { headers: { 'content-length': '2', 'content-type': 'application/json' }, readableEnded: true };
  const told = await new Promise((resolve) => writContext(agent)(request as never, {} as never, resolve));
  assert.match(String(told), /put `writContext` before any body parser/);
});
