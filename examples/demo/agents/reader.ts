// spiffe://zylos.local/db/reader — lists, reads and (on request) writes files, on whatever authority its caller handed on.

import type { Token } from '@writ/agent';
import { connect } from '@writ/agent/node';
import { serveA2a } from './a2a-server.ts';
import { attempt, orders, tell, textOf } from './steps.ts';

const agent = await connect();
const files = agent.mcp('files');

const server = await serveA2a(agent, Number(process.argv[2]), async ({ job, path, content }) => {
  if (job === 'write') {
    return {
      ...(await attempt('write', () => files.callTool('write_file', { path: String(path), content: String(content) }))),
    };
  }
  const tools = (await files.listTools()).map((tool) => tool.name);
  const { content: text } = await files.callTool('read_text_file', { path: String(path) });
  return { tools, text: textOf(text) };
});
tell({ ready: agent.id });

for await (const order of orders()) {
  if (order.stop !== undefined) break;
  // The story hands it somebody else's token: a thief has the bytes and its own identity, nothing more.
  tell(
    await attempt('steal', async () => {
      const thief = agent.mcp('files', { token: JSON.parse(order.token!) as Token });
      return textOf((await thief.callTool('read_text_file', { path: order.path! })).content);
    }),
  );
}
await server.close();
await agent.close();
