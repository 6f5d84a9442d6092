// The stock A2A SDK on both sides of the gateway: its client with an agent's SVID and token, its server behind `serveAgent`. The
// callee reads a file on the caller's delegation, so the chain has to have come through.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type Task as A2aTask, AgentCard, Role, TaskState } from '@a2a-js/sdk';
import { type Client, ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory } from '@a2a-js/sdk/client';
import { AgentEvent, type AgentExecutor, DefaultRequestHandler, InMemoryTaskStore } from '@a2a-js/sdk/server';
import { agentCardHandler, jsonRpcHandler, UserBuilder } from '@a2a-js/sdk/server/express';
import { currentContext } from '@writ/agent';
import { type Agent, type AgentServer, serveAgent, type Task, writContext } from '@writ/agent/node';
import express from 'express';
import { freePort } from '../free-port.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

let world: TestPlane;
let orchestrator: Agent;
let task: Task;
let client: Client;
let server: AgentServer;

before(async () => {
  const port = await freePort();
  world = await startTestPlane({
    yaml: `
agents:
  claude/orchestrator: { attest: { launched: true }, calls: [db/agent, files], scopes: ["files:read_text_file", "db/agent:send"], memory: task }
  db/agent: { attest: { launched: true }, calls: [files], scopes: ["files:read_text_file"], a2a: "https://127.0.0.1:${port}/rpc" }
servers:
  files: { mcp: { command: ["$NODE", "$FILES", "$DOCS"] }, manifest: "builtin:filesystem" }
users:
  howard: { roles: [admin] }
allow:
  - { agent: db/agent, tool: files/read_text_file }
`,
  });
  server = await serveSdkAgent(await world.agent('db/agent'), port);
  orchestrator = await world.agent('claude/orchestrator');
  task = await orchestrator.task(await world.task('claude/orchestrator'));
  const fetchImpl = orchestrator.fetch('db/agent', { delegate: ['files:read_text_file'] });
  const factory = new ClientFactory({
    transports: [new JsonRpcTransportFactory({ fetchImpl })],
    cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
  });
  client = await factory.createFromUrl(`${orchestrator.url('db/agent')}/`);
});

after(async () => {
  task?.close();
  await server?.close();
  await world?.close();
});

/** Answers `read` with what stands in a file, `work` with a task that ends, and `wait` with one that does not. */
async function serveSdkAgent(agent: Agent, port: number): Promise<AgentServer> {
  const card = AgentCard.fromJSON({
    name: 'db agent',
    description: 'reads',
    version: '1',
    capabilities: { streaming: true },
    defaultInputModes: ['text/plain'],
    defaultOutputModes: ['text/plain'],
    skills: [],
    supportedInterfaces: [{ url: `https://127.0.0.1:${port}/rpc`, protocolBinding: 'JSONRPC', protocolVersion: '1.0' }],
  });
  const requestHandler = new DefaultRequestHandler(card, new InMemoryTaskStore(), executorOf(agent));
  const app = express();
  app.use('/.well-known/agent-card.json', agentCardHandler({ agentCardProvider: requestHandler }));
  app.use('/rpc', writContext(agent), jsonRpcHandler({ requestHandler, userBuilder: UserBuilder.noAuthentication }));
  return serveAgent(agent, app, { port });
}

function executorOf(agent: Agent): AgentExecutor {
  const states = { ended: TaskState.TASK_STATE_COMPLETED, begun: TaskState.TASK_STATE_WORKING };
  return {
    async execute({ userMessage, taskId, contextId }, bus) {
      const asked = userMessage.parts.map(({ content }) => (content?.$case === 'text' ? content.value : '')).join('');
      if (asked === 'read') {
        const { content } = await agent.mcp('files').callTool('read_text_file', { path: `${world.docs}/report.md` });
        bus.publish(AgentEvent.message(messageOf(`${currentContext()?.task} ${content[0]!.text}`, contextId)));
        return bus.finished();
      }
      const of = (state: TaskState) => ({ state, message: undefined, timestamp: new Date().toISOString() });
      const begun = {
        id: taskId,
        contextId,
        status: of(states.begun),
        artifacts: [],
        history: [],
        metadata: undefined,
      };
      bus.publish(AgentEvent.task(begun));
      if (asked !== 'work') return;
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: of(states.ended), metadata: undefined }));
      bus.finished();
    },
    async cancelTask(taskId, bus) {
      const status = { state: TaskState.TASK_STATE_CANCELED, message: undefined, timestamp: new Date().toISOString() };
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId: '', status, metadata: undefined }));
      bus.finished();
    },
  };
}

function messageOf(text: string, contextId = '') {
  return {
    messageId: randomUUID(),
    contextId,
    taskId: '',
    role: Role.ROLE_AGENT,
    parts: [
      { content: { $case: 'text' as const, value: text }, metadata: undefined, filename: '', mediaType: 'text/plain' },
    ],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: [],
  };
}

const ask = (text: string, returnImmediately = false) =>
  ({
    message: { ...messageOf(text), role: Role.ROLE_USER },
    configuration: { returnImmediately, acceptedOutputModes: [] },
  }) as unknown as Parameters<Client['sendMessage']>[0];

test('the client finds the agent by the card at its public address, which leads through the gateway', async () => {
  const card = await client.getAgentCard();
  assert.equal(card.name, 'db agent');
  assert.deepEqual(
    card.supportedInterfaces.map(({ url, protocolBinding }) => [url, protocolBinding]),
    [[orchestrator.url('db/agent'), 'JSONRPC']],
  );
});

test('a message is answered by an agent that goes on in the same task, with what was delegated', async () => {
  const answer = JSON.stringify(await task.run(() => client.sendMessage(ask('read'))));
  assert.ok(answer.includes(`${task.id} Revenue grew by 4 %`), answer);
});

test('a stream arrives event by event', async () => {
  const cases = await task.run(async () => {
    const seen: (string | undefined)[] = [];
    for await (const { payload } of client.sendMessageStream(ask('work'))) seen.push(payload?.$case);
    return seen;
  });
  assert.deepEqual(cases, ['task', 'statusUpdate']);
});

test('a task is asked for and cancelled by who began it', async () => {
  await task.run(async () => {
    const begun = (await client.sendMessage(ask('wait', true))) as A2aTask;
    assert.equal(begun.status?.state, TaskState.TASK_STATE_WORKING);
    const known = await client.getTask({ tenant: '', id: begun.id, historyLength: undefined });
    assert.equal(known.id, begun.id);
    const cancelled = await client.cancelTask({ tenant: '', id: begun.id, metadata: undefined });
    assert.equal(cancelled.status?.state, TaskState.TASK_STATE_CANCELED);
  });
});

test('a task that nobody began is not found', async () => {
  await task.run(() =>
    assert.rejects(client.getTask({ tenant: '', id: randomUUID(), historyLength: undefined }), /not found/i),
  );
});

test('what this gateway does not carry is refused in the standard’s own words', async () => {
  await task.run(() =>
    assert.rejects(
      async () => client.listTasks({ tenant: '', contextId: '', status: TaskState.TASK_STATE_UNSPECIFIED } as never),
      { reason: 'UNSUPPORTED_OPERATION' },
    ),
  );
});
