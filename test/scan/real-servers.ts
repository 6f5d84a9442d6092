// Servers out of their packages, with and without authentication, on loopback.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AgentCard } from '@a2a-js/sdk';
import { type AgentExecutor, DefaultRequestHandler, InMemoryTaskStore } from '@a2a-js/sdk/server';
import { agentCardHandler, jsonRpcHandler, UserBuilder } from '@a2a-js/sdk/server/express';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { mcpAuthMetadataRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { hostHeaderValidation } from '@modelcontextprotocol/sdk/server/middleware/hostHeaderValidation.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import express, { type RequestHandler } from 'express';
import { freePort } from '../free-port.ts';

export interface Running extends AsyncDisposable {
  readonly url: string;
  /** `METHOD rpc-method`, as they came; empty for processes. */
  readonly asked: readonly string[];
}

export const everything = import.meta
  .resolve('@modelcontextprotocol/server-everything/dist/index.js')
  .replace('file://', '');
export const filesystem = import.meta
  .resolve('@modelcontextprotocol/server-filesystem/dist/index.js')
  .replace('file://', '');

/** The reference server as its own process. */
export async function runEverything(transport: 'streamableHttp' | 'sse'): Promise<Running> {
  const port = await freePort();
  const child: ChildProcess = spawn(process.execPath, [everything, transport], {
    env: { PATH: process.env.PATH, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // It says on standard error that it listens.
  await once(child.stderr!, 'data');
  const stop = async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return {
    url: `http://127.0.0.1:${port}/${transport === 'sse' ? 'sse' : 'mcp'}`,
    asked: [],
    [Symbol.asyncDispose]: stop,
  };
}

/** Listens on a port of the system's choice; `make` gets the origin that comes of it. */
export async function serve(path: string, make: (origin: string) => RequestListener): Promise<Running> {
  const asked: string[] = [];
  let listener: RequestListener = () => {};
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.headers['mcp-method'] ?? request.url}`);
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  listener = make(origin);
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `${origin}${path}`, asked, [Symbol.asyncDispose]: stop };
}

export interface V1Options {
  readonly isProtected?: boolean;
  readonly hasMetadata?: boolean;
  /** What its metadata calls itself; default: its own address. */
  readonly resource?: string;
  readonly checksHost?: boolean;
  /** Takes every token, as a server does that only passes them on. */
  readonly takesAnyToken?: boolean;
  readonly description?: string;
}

/** SDK 1.x, with a session per client. `sessions` holds the open ones. */
export async function runV1(options: V1Options = {}): Promise<Running & { readonly sessions: ReadonlySet<string> }> {
  const sessions = new Set<string>();
  const running = await serve('/mcp', (origin) => {
    const app = express();
    const guards: RequestHandler[] = [];
    if (options.checksHost) guards.push(hostHeaderValidation(['127.0.0.1', 'localhost']));
    if (options.isProtected) {
      const resource = new URL(options.resource ?? `${origin}/mcp`);
      const issuer = 'https://issuer.example/';
      const oauthMetadata = {
        issuer,
        authorization_endpoint: `${issuer}authorize`,
        token_endpoint: `${issuer}token`,
        response_types_supported: ['code'],
      };
      const metadataUrl = `${origin}/.well-known/oauth-protected-resource/mcp`;
      if (options.hasMetadata) app.use(metadataRouter(oauthMetadata, resource));
      const verifier = {
        async verifyAccessToken(token: string) {
          if (!options.takesAnyToken)
            throw new (await import('@modelcontextprotocol/sdk/server/auth/errors.js')).InvalidTokenError(
              'not known here',
            );
          return { token, clientId: 'anybody', scopes: [], expiresAt: 4_102_444_800 };
        },
      };
      guards.push(
        requireBearerAuth({ verifier, ...(options.hasMetadata ? { resourceMetadataUrl: metadataUrl } : {}) }),
      );
    }
    app.use('/mcp', ...guards, express.json(), sessionHandler(sessions, options.description));
    return app;
  });
  return { ...running, [Symbol.asyncDispose]: running[Symbol.asyncDispose], sessions };
}

/** The SDK's router publishes at the path of the resource; one that names another host is what is to be found out. */
function metadataRouter(
  oauthMetadata: Parameters<typeof mcpAuthMetadataRouter>[0]['oauthMetadata'],
  resource: URL,
): RequestHandler {
  return mcpAuthMetadataRouter({ oauthMetadata, resourceServerUrl: resource, scopesSupported: ['echo:read'] });
}

function sessionHandler(sessions: Set<string>, description = 'Gives back what it is given.'): RequestHandler {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  return async (request, response) => {
    const known = transports.get(String(request.headers['mcp-session-id']));
    if (known !== undefined) return known.handleRequest(request, response, request.body);
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        transports.set(id, transport);
        sessions.add(id);
      },
      onsessionclosed: (id) => {
        sessions.delete(id);
      },
    });
    const server = new McpServerV1({ name: 'echo', version: '1.0.0' });
    server.registerTool('echo', { description, annotations: { destructiveHint: true } }, () => ({ content: [] }));
    await server.connect(transport as Parameters<typeof server.connect>[0]);
    return transport.handleRequest(request, response, request.body);
  };
}

/** SDK 2.x, without sessions. */
export function runV2(description = 'Gives back what it is given.'): Promise<Running> {
  return serve('/mcp', () => {
    const handler = createMcpHandler(() => {
      const server = new McpServer({ name: 'echo', version: '2.0.0' });
      server.registerTool('echo', { description }, () => ({ content: [] }));
      return server;
    });
    return toNodeHandler(handler) as RequestListener;
  });
}

export interface AgentOptions {
  readonly isProtected?: boolean;
  /** Of the interface in the card; default: where it really is. */
  readonly interfaceUrl?: string;
  readonly signatures?: readonly { readonly protected: string; readonly signature: string }[];
}

/** The stock A2A server. */
export function runAgent(options: AgentOptions = {}): Promise<Running> {
  return serve('/', (origin) => {
    const card = AgentCard.fromJSON({
      name: 'echo agent',
      description: 'echoes',
      version: '1',
      capabilities: {},
      defaultInputModes: ['text/plain'],
      defaultOutputModes: ['text/plain'],
      skills: [],
      supportedInterfaces: [
        { url: options.interfaceUrl ?? `${origin}/rpc`, protocolBinding: 'JSONRPC', protocolVersion: '1.0' },
      ],
      signatures: options.signatures ?? [],
    });
    const executor: AgentExecutor = { execute: async () => {}, cancelTask: async () => {} };
    const requestHandler = new DefaultRequestHandler(card, new InMemoryTaskStore(), executor);
    const app = express();
    app.use('/.well-known/agent-card.json', agentCardHandler({ agentCardProvider: requestHandler }));
    const refuse: RequestHandler = (_request, response) =>
      void response.status(401).set('WWW-Authenticate', 'Bearer').end();
    app.use(
      '/rpc',
      ...(options.isProtected ? [refuse] : []),
      jsonRpcHandler({ requestHandler, userBuilder: UserBuilder.noAuthentication }),
    );
    return app;
  });
}
