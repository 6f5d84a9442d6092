// The stock MCP client of the 1.x line, which opens a session.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { describeClient } from './mcp-clients.ts';
import { describeSignIn } from './mcp-sign-in.ts';

describeClient('MCP SDK 1.x', '2025-11-25', async (url, fetch) => {
  const client = new Client({ name: 'interop', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(url, { fetch });
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  return {
    version: () => transport.protocolVersion,
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    async call(name, args, onProgress) {
      const options = onProgress && { onprogress: ({ progress }: { progress: number }) => onProgress(progress) };
      const { content } = await client.callTool({ name, arguments: args }, undefined, options);
      return (content as { text?: string }[])[0]?.text;
    },
    async close() {
      await transport.terminateSession();
      await client.close();
    },
  };
});

describeSignIn('MCP SDK 1.x', (url, holder) => {
  const client = new Client({ name: 'interop', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(url, { authProvider: holder });
  return {
    connect: () => client.connect(transport as Parameters<typeof client.connect>[0]),
    finish: (back) => transport.finishAuth(back.searchParams.get('code')!),
    async call(name, args) {
      const { content } = await client.callTool({ name, arguments: args });
      return (content as { text?: string }[])[0]?.text;
    },
    close: () => client.close(),
  };
});
