// A mail server for the demo: MCP 2026-07-28 over HTTP, with one static key as most servers have it. Keeps what was sent.

import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';

export interface MailServer {
  readonly url: string;
  readonly sent: { readonly to: string; readonly body: string }[];
  close(): Promise<void>;
}

export async function startMail(key: string): Promise<MailServer> {
  const sent: { to: string; body: string }[] = [];
  const handler = toNodeHandler(
    createMcpHandler(() => {
      const server = new McpServer({ name: 'mail', version: '1.0.0' });
      server.registerTool(
        'send',
        {
          description: 'Sends one mail.',
          inputSchema: z.object({ to: z.string(), subject: z.string(), body: z.string() }),
        },
        async ({ to, body }) => {
          sent.push({ to, body });
          return { content: [{ type: 'text', text: `sent to ${to}` }] };
        },
      );
      return server;
    }),
  );
  const http = createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${key}`) return response.writeHead(401).end();
    return handler(request, response);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    sent,
    close: () =>
      new Promise((resolve) => {
        http.closeAllConnections();
        http.close(() => resolve());
      }),
  };
}
