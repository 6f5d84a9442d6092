import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { JsonObject } from '@writ/core';
import { withContext } from '../context.ts';
import { DeniedError } from '../denied.ts';
import { openAgent } from './agent.ts';
import { fakePlane, spiffe } from './fake-plane.fixture.ts';

async function setting(t: TestContext) {
  const plane = await fakePlane();
  t.after(() => plane.close());
  plane.answerMcp((_request, body, chain, response) => {
    const { id, params } = JSON.parse(body) as JsonObject;
    const actors = chain.links.map(({ actor }) => actor.sub);
    const result = { content: [{ type: 'text', text: actors.join(' > ') }], tools: [], echoed: params! };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  });
  return plane;
}

const code = (wanted: string) => (error: unknown) => {
  assert.ok(error instanceof DeniedError, String(error));
  assert.equal(error.denial.code, wanted);
  return true;
};

test('an agent with a task calls a tool in the name of who opened it', async (t) => {
  const plane = await setting(t);
  const agent = await plane.agent('claude/orchestrator');
  await agent.task(plane.openTask('claude/orchestrator', ['files:read_file', 'files:list']));
  const { content } = await agent.mcp('files').callTool('read_file', { path: 'a' });
  assert.equal(content[0]!.text, `howard > ${spiffe('claude/orchestrator')}`);
  assert.deepEqual(plane.log, [
    'claude/orchestrator take files:read_file',
    'claude/orchestrator mcp files files:read_file',
  ]);
});

test('the same call again asks for no new token; another tool does', async (t) => {
  const plane = await setting(t);
  const agent = await plane.agent('claude/orchestrator');
  await agent.task(plane.openTask('claude/orchestrator', ['files:*']));
  const files = agent.mcp('files');
  await files.callTool('read_file');
  await files.callTool('read_file');
  await files.callTool('list');
  assert.deepEqual(
    plane.log.filter((line) => line.includes('take')),
    ['claude/orchestrator take files:read_file', 'claude/orchestrator take files:list'],
  );
});

test('a token that ran out on the way is renewed over the own SVID and the call goes through', async (t) => {
  const plane = await setting(t);
  const agent = await plane.agent('claude/orchestrator');
  await agent.task(plane.openTask('claude/orchestrator', ['files:*']));
  // Over when it arrives, although the answer promised a second.
  plane.lives.push(0);
  assert.equal((await agent.mcp('files').callTool('read_file')).isError, false);
  assert.deepEqual(
    plane.log.map((line) => line.split(' ')[1]),
    ['take', 'move', 'mcp'],
  );
});

test('a renewed token that is refused again is the end of it', async (t) => {
  const plane = await setting(t);
  const agent = await plane.agent('claude/orchestrator');
  await agent.task(plane.openTask('claude/orchestrator', ['files:*']));
  plane.lives.push(0, 0);
  await assert.rejects(agent.mcp('files').callTool('read_file'), code('token.expired'));
  assert.deepEqual(
    plane.log.map((line) => line.split(' ')[1]),
    ['take', 'move'],
  );
});

test('what the task does not include is refused by the plane and thrown', async (t) => {
  const plane = await setting(t);
  const agent = await plane.agent('claude/orchestrator');
  await agent.task(plane.openTask('claude/orchestrator', ['files:read_file']));
  await assert.rejects(agent.mcp('files').callTool('write_file'), code('token.scope_widened'));
});

test('without a task nothing can be done, and nobody is asked', async (t) => {
  const plane = await setting(t);
  const agent = await plane.agent('claude/orchestrator');
  await assert.rejects(agent.mcp('files').callTool('read_file'), code('token.missing'));
  await assert.rejects(
    agent.spawn({ tools: ['files/read_file'], audience: 'files', estimatedSeconds: 5 }),
    code('token.missing'),
  );
  assert.deepEqual(plane.log, []);
});

test('a task that was opened for another agent is not given out', async (t) => {
  const plane = await setting(t);
  const agent = await plane.agent('db/agent');
  await assert.rejects(agent.task(plane.openTask('claude/orchestrator', ['files:*'])), code('token.wrong_task'));
});

test('two tasks are kept apart by running in them', async (t) => {
  const plane = await setting(t);
  const agent = await plane.agent('claude/orchestrator');
  const reading = await agent.task(plane.openTask('claude/orchestrator', ['files:read_file']));
  const listing = await agent.task(plane.openTask('claude/orchestrator', ['files:list']));
  const files = agent.mcp('files');
  await assert.rejects(files.callTool('read_file'), code('token.ambiguous'));
  await reading.run(() => files.callTool('read_file'));
  await assert.rejects(
    listing.run(() => files.callTool('read_file')),
    code('token.scope_widened'),
  );
  listing.close();
  await files.callTool('read_file');
});

test('spawn gives the scopes of just the named tools, for at most twice the estimate', async (t) => {
  const plane = await setting(t);
  const agent = await plane.agent('claude/orchestrator');
  await agent.task(plane.openTask('claude/orchestrator', ['files:*', 'mail:send']));
  const before = Math.floor(Date.now() / 1000);
  const part = await agent.spawn({ tools: ['files/read_file'], audience: 'files', estimatedSeconds: 20 });
  assert.deepEqual([part.audience, part.scopes], [agent.url('files'), ['files:read_file']]);
  assert.ok(part.expiresAt >= before + 39 && part.expiresAt <= before + 41, `${part.expiresAt - before} s`);
  assert.deepEqual(
    part.chain?.links.map(({ actor }) => actor.sub),
    ['howard', spiffe('claude/orchestrator')],
  );
  const narrow = agent.mcp('files', { token: part });
  assert.equal((await narrow.callTool('read_file')).isError, false);
  assert.throws(() => agent.mcp('mail', { token: part }), /the token is for/);
  await assert.rejects(
    agent.spawn({ tools: ['mail/delete'], audience: 'mail', estimatedSeconds: 1 }),
    code('token.scope_widened'),
  );
  for (const estimatedSeconds of [0, -1, 1.5, Number.NaN]) {
    await assert.rejects(
      agent.spawn({ tools: ['files/a'], audience: 'files', estimatedSeconds }),
      /is not an estimate/,
    );
  }
});

test('a trace goes on with every call of a task', async (t) => {
  const plane = await setting(t);
  const traces: (string | undefined)[] = [];
  plane.answerMcp((request, body, _chain, response) => {
    traces.push(request.headers.traceparent as string | undefined);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ jsonrpc: '2.0', id: (JSON.parse(body) as JsonObject).id, result: { content: [] } }));
  });
  const agent = await plane.agent('claude/orchestrator');
  const task = await agent.task(plane.openTask('claude/orchestrator', ['files:*']));
  await task.run(async () => {
    await agent.mcp('files').callTool('a');
    await agent.mcp('files').callTool('b');
  });
  const [one, two] = traces.map((trace) => trace!.split('-'));
  assert.equal(one![1], two![1]);
  assert.notEqual(one![2], two![2]);
});

test('an aborted call hangs up on the gateway', { timeout: 5_000 }, async (t) => {
  const plane = await setting(t);
  const closed = Promise.withResolvers<void>();
  const abort = new AbortController();
  plane.answerMcp((_request, _body, _chain, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n');
    response.once('close', () => closed.resolve());
    abort.abort();
  });
  const agent = await plane.agent('claude/orchestrator');
  await agent.task(plane.openTask('claude/orchestrator', ['files:*']));
  await assert.rejects(agent.mcp('files').callTool('slow', {}, { signal: abort.signal }), { name: 'AbortError' });
  await closed.promise;
});

test('an identity of another trust domain is told so before anything is sent', async (t) => {
  const plane = await setting(t);
  const svid = await plane.authority.svid('spiffe://elsewhere.example/a/b');
  assert.throws(
    () => openAgent({ plane: plane.plane, source: { current: () => svid, close: () => {} } }),
    /belong to different planes/,
  );
});

test('a plane that is somebody else is not talked to', async (t) => {
  const plane = await setting(t);
  const svid = await plane.authority.svid(spiffe('claude/orchestrator'));
  const elsewhere = { ...plane.plane, gatewayId: spiffe('writ/other') as typeof plane.plane.gatewayId };
  const agent = openAgent({ plane: elsewhere, source: { current: () => svid, close: () => {} } });
  t.after(() => agent.close());
  await assert.rejects(agent.task('tsk_1'), /answered where `spiffe:\/\/zylos.local\/writ\/other` was expected/);
  assert.deepEqual(plane.log, []);
});

test('work inside an inbound call without authority cannot fall back on the own task', async (t) => {
  const plane = await setting(t);
  const agent = await plane.agent('claude/orchestrator');
  await agent.task(plane.openTask('claude/orchestrator', ['files:*']));
  const bare = { continuation: null, task: null, traceparent: null, caller: null, denial: null };
  await assert.rejects(
    withContext(bare, () => agent.mcp('files').callTool('read_file')),
    code('token.missing'),
  );
  assert.deepEqual(plane.log, []);
});
