// The stock MCP client of the 2.x line: choosing the era by itself, pinned to the stateless one, and as a session-based client.

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { type Connect, describeClient } from './mcp-clients.ts';
import { describeSignIn } from './mcp-sign-in.ts';

type Mode = 'auto' | 'legacy' | { readonly pin: '2026-07-28' };

const connectAs =
  (mode: Mode): Connect =>
  async (url, fetch) => {
    const client = new Client({ name: 'interop', version: '1.0.0' }, { versionNegotiation: { mode } });
    await client.connect(new StreamableHTTPClientTransport(url, { fetch }));
    return {
      version: () => client.getNegotiatedProtocolVersion(),
      tools: async () => (await client.listTools()).tools.map(({ name }) => name),
      async call(name, args, onProgress) {
        const options = onProgress && { onprogress: ({ progress }: { progress: number }) => onProgress(progress) };
        const { content } = await client.callTool({ name, arguments: args }, options);
        return (content as { text?: string }[])[0]?.text;
      },
      close: () => client.close(),
    };
  };

describeClient('MCP client 2.x, automatic', '2026-07-28', connectAs('auto'));
describeClient('MCP client 2.x, pinned', '2026-07-28', connectAs({ pin: '2026-07-28' }));
describeClient('MCP client 2.x, legacy', '2025-11-25', connectAs('legacy'));

describeSignIn('MCP client 2.x', (url, holder) => {
  const mode = { pin: '2026-07-28' } as const;
  const client = new Client({ name: 'interop', version: '1.0.0' }, { versionNegotiation: { mode } });
  const transport = new StreamableHTTPClientTransport(url, { authProvider: holder });
  return {
    connect: () => client.connect(transport),
    finish: (back) => transport.finishAuth(back.searchParams),
    async call(name, args) {
      const { content } = await client.callTool({ name, arguments: args });
      return (content as { text?: string }[])[0]?.text;
    },
    close: () => client.close(),
  };
});
