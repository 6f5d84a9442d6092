// The stock SDKs of MCP (both eras) and A2A, given `agent.fetch`: nothing in them knows of Writ.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AgentCard, type Message, Role } from '@a2a-js/sdk';
import { ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory } from '@a2a-js/sdk/client';
import { AgentEvent, type AgentExecutor, DefaultRequestHandler, InMemoryTaskStore } from '@a2a-js/sdk/server';
import { agentCardHandler, jsonRpcHandler, UserBuilder } from '@a2a-js/sdk/server/express';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import express from 'express';
import * as z from 'zod';
import type { Agent } from './agent.ts';
import { type FakePlane, fakePlane, spiffe } from './fake-plane.fixture.ts';
import { writContext } from './incoming.ts';
import { serveAgent } from './serve.ts';

async function planeWithFiles(t: TestContext): Promise<FakePlane> {
  const plane = await fakePlane();
  t.after(() => plane.close());
  plane.answerMcp((request, body, chain, response) => {
    const whose = chain.links.map(({ actor }) => actor.sub).join(' > ');
    const server = () => {
      const files = new McpServer({ name: 'files', version: '1.0.0' });
      files.registerTool('read_file', { inputSchema: z.object({ path: z.string() }) }, ({ path }) => ({
        content: [{ type: 'text', text: `${path} for ${whose}` }],
      }));
      files.registerTool(
        'region',
        { inputSchema: z.object({ at: z.string().meta({ 'x-mcp-header': 'At' }) }) },
        ({ at }) => ({
          content: [{ type: 'text', text: at }],
        }),
      );
      return files;
    };
    const parsed = body === '' ? undefined : JSON.parse(body);
    toNodeHandler(createMcpHandler(server))(request, response, parsed).catch(() => response.destroy());
  });
  return plane;
}

async function orchestrator(plane: FakePlane): Promise<Agent> {
  const agent = await plane.agent('claude/orchestrator');
  await agent.task(plane.openTask('claude/orchestrator', ['files:*', 'db/agent:send']));
  return agent;
}

const told = `a.txt for howard > ${spiffe('claude/orchestrator')}`;
const call = { name: 'read_file', arguments: { path: 'a.txt' } };

for (const mode of ['auto', { pin: '2026-07-28' }, 'legacy'] as const) {
  test(`the MCP client 2.x works through it (${typeof mode === 'string' ? mode : mode.pin})`, {
    timeout: 10_000,
  }, async (t) => {
    const plane = await planeWithFiles(t);
    const agent = await orchestrator(plane);
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
    t.after(() => client.close());
    await client.connect(
      new StreamableHTTPClientTransport(new URL(agent.url('files')), { fetch: agent.fetch('files') }),
    );
    assert.deepEqual(
      (await client.listTools()).tools.map(({ name }) => name),
      ['read_file', 'region'],
    );
    const { content } = await client.callTool(call);
    assert.deepEqual(content, [{ type: 'text', text: told }]);
    assert.ok(plane.log.includes('claude/orchestrator mcp files files:read_file'), plane.log.join('\n'));
  });
}

test('the MCP client 1.x works through it', { timeout: 10_000 }, async (t) => {
  const plane = await planeWithFiles(t);
  const agent = await orchestrator(plane);
  const client = new OldClient({ name: 'test', version: '1.0.0' });
  t.after(() => client.close());
  const transport = new OldTransport(new URL(agent.url('files')), { fetch: agent.fetch('files') });
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  assert.deepEqual((await client.callTool(call)).content, [{ type: 'text', text: told }]);
});

test('a refusal reaches the author of an SDK client as a DeniedError', { timeout: 10_000 }, async (t) => {
  const plane = await planeWithFiles(t);
  const agent = await plane.agent('claude/orchestrator');
  await agent.task(plane.openTask('claude/orchestrator', ['files:list']));
  const client = new Client(
    { name: 'test', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  t.after(() => client.close());
  await client.connect(new StreamableHTTPClientTransport(new URL(agent.url('files')), { fetch: agent.fetch('files') }));
  await assert.rejects(client.callTool(call), { name: 'DeniedError', message: /^token\.scope_widened/ });
});

test('the SDK’s own server answers our client, marked arguments included', { timeout: 10_000 }, async (t) => {
  const plane = await planeWithFiles(t);
  const files = (await orchestrator(plane)).mcp('files');
  assert.deepEqual((await files.discover()).supportedVersions, ['2026-07-28']);
  // The schema marks `at`, which this client learns from the refusal.
  assert.deepEqual((await files.callTool('region', { at: 'Zürich' })).content, [{ type: 'text', text: 'Zürich' }]);
  assert.deepEqual(
    (await files.listTools()).map(({ name }) => name),
    ['read_file', 'region'],
  );
});

/** An A2A agent as its SDK has it, with our one line of middleware. */
async function serveSdkAgent(t: TestContext, plane: FakePlane): Promise<void> {
  const agent = await plane.agent('db/agent');
  const executor: AgentExecutor = {
    async execute({ contextId }, bus) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      const { content } = await agent.mcp('files').callTool('read_file', { path: 'a.txt' });
      const message = {
        messageId: 'answer',
        contextId,
        role: Role.ROLE_AGENT,
        parts: [{ content: { $case: 'text', value: String(content[0]!.text) } }],
      };
      bus.publish(AgentEvent.message(message as unknown as Message));
      bus.finished();
    },
    async cancelTask() {},
  };
  const card = AgentCard.fromJSON({
    name: 'db',
    description: 'reads',
    version: '1',
    capabilities: { streaming: true },
    defaultInputModes: ['text/plain'],
    defaultOutputModes: ['text/plain'],
    skills: [],
    supportedInterfaces: [
      { url: `${plane.plane.mtls}/a2a/db/agent`, protocolBinding: 'JSONRPC', protocolVersion: '1.0' },
    ],
  });
  const requestHandler = new DefaultRequestHandler(card, new InMemoryTaskStore(), executor);
  const app = express();
  app.use('/.well-known/agent-card.json', agentCardHandler({ agentCardProvider: requestHandler }));
  app.use('/rpc', writContext(agent), jsonRpcHandler({ requestHandler, userBuilder: UserBuilder.noAuthentication }));
  const server = await serveAgent(agent, app);
  t.after(() => server.close());
  plane.route('db/agent', `${server.url}/rpc`);
}

test('an A2A server of the SDK continues the chain, called by our client', { timeout: 10_000 }, async (t) => {
  const plane = await planeWithFiles(t);
  await serveSdkAgent(t, plane);
  const agent = (await orchestrator(plane)).a2a('db/agent');
  const delegate = ['files:read_file'];
  const { message } = await agent.sendMessage('read', { delegate });
  const wanted = `${told} > ${spiffe('db/agent')}`;
  assert.equal((message as { parts: readonly { text: string }[] }).parts[0]!.text, wanted);
  const events = [];
  for await (const event of agent.sendStreamingMessage('read', { delegate })) events.push(event);
  assert.equal(events.length, 1);
  assert.match(JSON.stringify(events[0]), new RegExp(wanted.replaceAll('/', '\\/')));
});

test('the A2A client of the SDK works through it', { timeout: 10_000 }, async (t) => {
  const plane = await planeWithFiles(t);
  await serveSdkAgent(t, plane);
  const agent = await orchestrator(plane);
  const fetchImpl = agent.fetch('db/agent', { delegate: ['files:read_file'] });
  const factory = new ClientFactory({
    transports: [new JsonRpcTransportFactory({ fetchImpl })],
    cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
  });
  const card = AgentCard.fromJSON({
    name: 'db',
    supportedInterfaces: [{ url: agent.url('db/agent'), protocolBinding: 'JSONRPC', protocolVersion: '1.0' }],
  });
  const client = await factory.createFromAgentCard(card);
  const answer = await client.sendMessage({
    message: { messageId: 'm1', role: Role.ROLE_USER, parts: [{ content: { $case: 'text', value: 'read' } }] },
  } as Parameters<typeof client.sendMessage>[0]);
  assert.ok(JSON.stringify(answer).includes(`${told} > ${spiffe('db/agent')}`), JSON.stringify(answer));
});
