// An agent's door, as its author would build it: the stock A2A SDK behind `serveAgent`, which lets in the gateway alone and makes
// every call that the handler starts continue the chain of the call it serves.

import { randomUUID } from 'node:crypto';
import { type AgentCard, Role } from '@a2a-js/sdk';
import {
  AgentEvent,
  type AgentExecutor,
  DefaultRequestHandler,
  InMemoryTaskStore,
  JsonRpcTransportHandler,
  ServerCallContext,
} from '@a2a-js/sdk/server';
import { type Agent, type AgentServer, serveAgent } from '@writ/agent/node';

/** What one demo agent asks of another, and what it answers. */
export type Answer = { readonly [member: string]: unknown };

/** Serves A2A 1.0 over JSON-RPC; `answer` gets the data of the message. */
export function serveA2a(agent: Agent, port: number, answer: (asked: Answer) => Promise<Answer>): Promise<AgentServer> {
  const name = agent.id.split('/').slice(3).join('/');
  const rpc = new JsonRpcTransportHandler(
    new DefaultRequestHandler(card(name, port), new InMemoryTaskStore(), executor(answer)),
  );
  return serveAgent(
    agent,
    async (request, response) => {
      if (request.method === 'GET') return response.end(JSON.stringify(card(name, port)));
      const context = new ServerCallContext({ requestedVersion: '1.0' });
      const result = await rpc.handle(request.body as Record<string, unknown>, context);
      response.setHeader('content-type', 'application/json');
      return response.end(JSON.stringify(result));
    },
    { port },
  );
}

function executor(answer: (asked: Answer) => Promise<Answer>): AgentExecutor {
  return {
    async execute({ userMessage, contextId }, bus) {
      const [part] = userMessage.parts;
      const asked = part?.content?.$case === 'data' ? (part.content.value as Answer) : {};
      const value = await answer(asked);
      bus.publish(
        AgentEvent.message({
          messageId: randomUUID(),
          contextId,
          taskId: '',
          role: Role.ROLE_AGENT,
          parts: [
            { content: { $case: 'data', value }, metadata: undefined, filename: '', mediaType: 'application/json' },
          ],
          metadata: undefined,
          extensions: [],
          referenceTaskIds: [],
        }),
      );
      bus.finished();
    },
    async cancelTask() {},
  };
}

function card(name: string, port: number): AgentCard {
  return {
    name,
    description: `the demo's ${name}`,
    version: '1.0.0',
    supportedInterfaces: [
      { url: `https://127.0.0.1:${port}/`, protocolBinding: 'JSONRPC', protocolVersion: '1.0', tenant: '' },
    ],
    provider: undefined,
    capabilities: { streaming: false, pushNotifications: false, extensions: [] },
    securitySchemes: {},
    securityRequirements: [],
    defaultInputModes: ['application/json'],
    defaultOutputModes: ['application/json'],
    skills: [],
    signatures: [],
  };
}
