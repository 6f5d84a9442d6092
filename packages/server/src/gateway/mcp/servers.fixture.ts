// Real tool servers for the tests of this folder: the published ones on stdio, and small ones of every era over loopback HTTP.

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer as OldServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createMcpHandler as createSdkHandler, McpServer, type ServerContext } from '@modelcontextprotocol/server';
import type { JsonObject } from '@writ/core';
import * as z from 'zod';
import type { CredentialFor, Upstream } from './upstream.ts';
import { createHttpUpstream } from './upstream-http.ts';
import { createStdioUpstream, type StdioOptions } from './upstream-stdio.ts';

const noCredential: CredentialFor = async () => ({ kind: 'none' });

export async function listen(server: Server): Promise<string> {
  server.unref(); // a test that fails half-way must not keep its process alive
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const here = (name: string) => import.meta.resolve(name).replace('file://', '');

export function everything(options: Partial<StdioOptions> = {}): Upstream {
  return stdio([here('@modelcontextprotocol/server-everything/dist/index.js'), 'stdio'], options);
}

export function filesystem(folder: string, options: Partial<StdioOptions> = {}): Upstream {
  return stdio([here('@modelcontextprotocol/server-filesystem/dist/index.js'), folder], options);
}

/** A Node program on standard input and output. */
export function stdio(args: readonly string[], options: Partial<StdioOptions> = {}): Upstream {
  return createStdioUpstream({
    server: 'test',
    command: [process.execPath, ...args],
    credentialFor: noCredential,
    log: () => {},
    graceMillis: 200,
    ...options,
  });
}

export interface ModernUpstream {
  readonly url: string;
  readonly upstream: Upstream;
  /** Headers and bodies as they arrived. */
  readonly heard: { readonly headers: IncomingMessage['headers']; readonly body: string }[];
  /** Calls of `wait` whose abort signal fired. */
  aborted: number;
  close(): Promise<void>;
}

const SECRET = 'k-upstream';

/** A 2.x server with a bearer check of its own. */
export async function startModern(mode: { legacyOnly?: boolean } = {}): Promise<ModernUpstream> {
  const heard: ModernUpstream['heard'] = [];
  const node = toNodeHandler(createSdkHandler(() => toolsOf(state), { keepAliveMs: 0 }));
  const server = createServer(async (req, res) => {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    const body = Buffer.concat(parts).toString();
    heard.push({ headers: req.headers, body });
    if (req.headers.authorization !== `Bearer ${SECRET}`) return void res.writeHead(401).end();
    if (mode.legacyOnly && body.includes('2026-07-28')) return void res.writeHead(400).end('no');
    await node(req, res, body === '' ? undefined : JSON.parse(body));
  });
  const url = `${await listen(server)}/mcp`;
  const credentialFor: CredentialFor = async () => ({ kind: 'bearer', value: SECRET });
  const state: ModernUpstream = {
    url,
    heard,
    aborted: 0,
    upstream: createHttpUpstream({ server: 'notes', url, credentialFor }),
    async close() {
      await state.upstream.close();
      await closeServer(server);
    },
  };
  return state;
}

function toolsOf(state: { aborted: number }): McpServer {
  const server = new McpServer({ name: 'notes', version: '1.0.0' }, { instructions: 'keep notes' });
  const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });
  server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, async (args) => text(args.text));
  server.registerTool('hidden', { inputSchema: z.object({}) }, async () => text('hidden'));
  server.registerTool('big', { inputSchema: z.object({ bytes: z.int() }) }, async ({ bytes }) =>
    text('x'.repeat(bytes)),
  );
  server.registerTool(
    'place',
    { inputSchema: z.object({ region: z.string().meta({ 'x-mcp-header': 'Region' }), note: z.string().optional() }) },
    async ({ region }) => text(`placed in ${region}`),
  );
  const progress = async (context: ServerContext, at: number) => {
    const progressToken = context.mcpReq._meta?.progressToken;
    if (progressToken === undefined) return;
    await context.mcpReq.notify({
      method: 'notifications/progress',
      params: { progressToken, progress: at, total: 3 },
    });
  };
  server.registerTool('count', { inputSchema: z.object({}) }, async (_args, context) => {
    for (const at of [1, 2, 3]) await progress(context, at);
    return text('counted');
  });
  server.registerTool('wait', { inputSchema: z.object({}) }, async (_args, context) => {
    await progress(context, 1);
    await new Promise<void>((done) => context.mcpReq.signal.addEventListener('abort', () => done(), { once: true }));
    state.aborted++;
    return text('never heard');
  });
  server.registerPrompt('greet', { argsSchema: z.object({ who: z.string() }) }, ({ who }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `greet ${who}` } }],
  }));
  server.registerResource('motto', 'note://motto', {}, async (uri) => ({
    contents: [{ uri: uri.href, text: 'calm' }],
  }));
  return server;
}

/** A 2025-11-25 server with sessions, as the 1.x package makes it. */
export async function startSessioned() {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const state = { opened: 0, deleted: 0, forget: () => sessions.clear() };
  const server = createServer(async (req, res) => {
    const id = req.headers['mcp-session-id'];
    const known = typeof id === 'string' ? sessions.get(id) : undefined;
    if (typeof id === 'string' && !known) return void res.writeHead(404).end();
    if (req.method === 'DELETE') state.deleted++;
    if (known) return void (await known.handleRequest(req, res));
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (opened) => {
        state.opened++;
        sessions.set(opened, transport);
      },
    });
    const tools = new OldServer({ name: 'sessioned', version: '1.0.0' });
    tools.registerTool('session', {}, () => ({ content: [{ type: 'text', text: transport.sessionId ?? 'none' }] }));
    await tools.connect(transport as Parameters<typeof tools.connect>[0]);
    await transport.handleRequest(req, res);
  });
  const url = `${await listen(server)}/mcp`;
  const upstream = createHttpUpstream({ server: 'sessioned', url, credentialFor: noCredential });
  const close = async () => {
    await upstream.close();
    await closeServer(server);
  };
  return Object.assign(state, { url, upstream, close });
}

/** An upstream that answers as the test says, whatever it is asked. */
export async function startScripted(answer: (req: IncomingMessage, res: ServerResponse, message: JsonObject) => void) {
  const server = createServer(async (req, res) => {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    const message = JSON.parse(Buffer.concat(parts).toString() || '{}') as JsonObject;
    if (message.method === 'server/discover') {
      const result = {
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: {} },
        ttlMs: 0,
        cacheScope: 'private',
      };
      return void res
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
    }
    answer(req, res, message);
  });
  const url = `${await listen(server)}/mcp`;
  const upstream = createHttpUpstream({ server: 'scripted', url, credentialFor: noCredential });
  const close = async () => {
    await upstream.close();
    await closeServer(server);
  };
  return { upstream, url, close };
}

export async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
}
