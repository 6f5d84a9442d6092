// A bank as a tool server of the MCP SDK, with the manifest its operator reviewed: it pays whoever it is told to, and keeps what it
// was asked to do.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';

export interface Bank {
  readonly url: string;
  readonly paid: { readonly to: string; readonly amount: number; readonly subject?: string | undefined }[];
  close(): Promise<void>;
}

export const bankManifest = `manifest: 1
servers:
  bank:
    tools:
      list_transfers:
        risk: 0
        effect: read
        args: {}
        outputs:
          - { at: "/transfers/*/to", handle: 3, text: 1 }
          - { at: "/transfers/*/subject", text: 1 }
          - { at: "", text: 3, keys: 3 }
      pay:
        risk: 4
        effect: money
        intent: ["pay*", "transfer*"]
        args:
          /to: { role: target, type: iban }
          /amount: { role: value, type: number, currency: EUR }
          /subject: { role: payload }
        outputs: [{ at: "", text: 3, keys: 3 }]
`;

export const landlord = 'DE89370400440532013000';

export async function startBank(): Promise<Bank> {
  const paid: Bank['paid'] = [];
  const node = toNodeHandler(createMcpHandler(() => toolsOf(paid), { keepAliveMs: 0 }));
  const server = createServer((req, res) => void node(req, res));
  server.unref();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, paid, close: () => close(server) };
}

function toolsOf(paid: Bank['paid']): McpServer {
  const server = new McpServer({ name: 'bank', version: '1.0.0' });
  const answer = (structuredContent: Record<string, unknown>) => ({
    structuredContent,
    content: [{ type: 'text' as const, text: JSON.stringify(structuredContent) }],
  });
  server.registerTool('list_transfers', { inputSchema: z.object({}) }, async () =>
    answer({ transfers: [{ to: landlord, subject: 'rent of last month' }, ...paid] }),
  );
  const transfer = { to: z.string(), amount: z.number(), subject: z.string().optional() };
  server.registerTool('pay', { inputSchema: z.object(transfer) }, async (asked) => {
    paid.push(asked);
    return answer({ done: true });
  });
  return server;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
}
