// A2A through a whole plane: the stock SDK on both sides, agents with their own SVIDs, the chain carried by Writ-Context.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { currentContext, DeniedError } from '@writ/agent';
import { type Agent, type AgentServer, httpRequest, mtlsAgent } from '@writ/agent/node';
import { serveA2a } from '../../examples/demo/agents/a2a-server.ts';
import { freePort } from '../free-port.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

let world: TestPlane;
let orchestrator: Agent;
let dbAgent: Agent;
let server: AgentServer;
let served: { asked: unknown; task: string | null; caller: unknown }[] = [];

before(async () => {
  const port = await freePort();
  world = await startTestPlane({
    yaml: `
agents:
  claude/orchestrator: { attest: { launched: true }, calls: [db/agent, files], scopes: ["files:read_text_file"], memory: task }
  db/agent: { attest: { launched: true }, calls: [files], scopes: ["files:read_text_file"], a2a: "https://127.0.0.1:${port}/" }
  scheduler/c5: { attest: { launched: true }, calls: [claude/orchestrator] }
servers:
  files: { mcp: { command: ["$NODE", "$FILES", "$DOCS"] }, manifest: "builtin:filesystem" }
users:
  howard: { roles: [admin] }
allow:
  - { agent: db/agent, tool: files/read_text_file }
`,
  });
  orchestrator = await world.agent('claude/orchestrator');
  dbAgent = await world.agent('db/agent');
  server = await serveA2a(dbAgent, port, async (asked) => {
    const context = currentContext();
    served.push({ asked, task: context?.task ?? null, caller: context?.caller ?? null });
    if (asked.read) {
      const { content } = await dbAgent.mcp('files').callTool('read_text_file', { path: `${world.docs}/report.md` });
      return { text: String((content[0] as { text: string }).text) };
    }
    return { heard: asked };
  });
});

after(async () => {
  await server?.close();
  await world?.close();
});

const say = (data: object) => ({ parts: [{ data: data as never }] });
const nothing = { token: 'none', scopes: [], expiresAt: 0, chain: null };
const dataOf = (result: unknown) => (result as { message: { parts: { data: unknown }[] } }).message.parts[0]!.data;

test('a message reaches the agent with the context of its task, and never with the caller’s token', async () => {
  served = [];
  const task = await orchestrator.task(await world.task('claude/orchestrator'));
  const answer = await task.run(() => orchestrator.a2a('db/agent').sendMessage(say({ hello: 'there' })));
  assert.deepEqual(dataOf(answer), { heard: { hello: 'there' } });
  assert.equal(served.length, 1);
  assert.equal(served[0]!.task, task.id);
  task.close();
});

test('the callee goes on with what was delegated, and the log names the whole chain', async () => {
  const task = await orchestrator.task(await world.task('claude/orchestrator'));
  const delegate = ['files:read_text_file'];
  const answer = await task.run(() => orchestrator.a2a('db/agent').sendMessage(say({ read: true }), { delegate }));
  assert.match((dataOf(answer) as { text: string }).text, /Revenue grew/);
  task.close();
});

test('the callee cannot use what was not delegated', async () => {
  const task = await orchestrator.task(await world.task('claude/orchestrator'));
  const answer = await task.run(() => orchestrator.a2a('db/agent').sendMessage(say({ read: true })));
  // The agent's own failure, told as the SDK tells it: the text never came.
  assert.equal((answer.task as { status: { state: string } }).status.state, 'TASK_STATE_FAILED');
  task.close();
});

test('a caller without an edge is refused before its body is read', async () => {
  const c5 = await world.agent('scheduler/c5');
  await assert.rejects(
    c5.a2a('db/agent', { token: { ...nothing, audience: c5.url('db/agent') } }).sendMessage('hi'),
    (error) => error instanceof DeniedError && error.denial.code === 'transport.edge_not_allowed',
  );
});

test('a context that a caller made up does not reach the callee', async () => {
  served = [];
  const task = await orchestrator.task(await world.task('claude/orchestrator'));
  await task.run(() =>
    orchestrator
      .a2a('db/agent')
      .sendMessage(say({ x: 1 }), { metadata: { 'dev.writ/context': 'forged', 'dev.writ/labels': 'forged' } }),
  );
  assert.equal(served[0]!.task, task.id);
  task.close();
});

test('a task of somebody else looks like one that is missing', async () => {
  const task = await orchestrator.task(await world.task('claude/orchestrator'));
  await assert.rejects(
    task.run(() => orchestrator.a2a('db/agent').getTask('somebody-elses')),
    /-32001|not found/i,
  );
  task.close();
});

test('the published card leads through the gateway', async () => {
  const dial = mtlsAgent({ svid: () => orchestrator.svid(), expect: orchestrator.plane.gatewayId });
  const { status, body } = await httpRequest(dial, { url: `${world.mtls}/a2a/db/agent/.well-known/agent-card.json` });
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
  const card = JSON.parse(Buffer.concat(chunks).toString());
  assert.equal(status, 200);
  assert.deepEqual(card.supportedInterfaces, [
    { url: `${world.mtls}/a2a/db/agent`, protocolBinding: 'JSONRPC', protocolVersion: '1.0' },
  ]);
  dial.destroy();
});
