// spiffe://zylos.local/db/reader — lists, reads and (on request) writes files, on whatever authority its caller handed on.

import type { Token } from '@writ/agent';
import { connect } from '@writ/agent/node';
import { serveA2a } from './a2a-server.ts';
import { attempt, orders, tell, textOf } from './steps.ts';

const agent = await connect();
const files = agent.mcp('files');

const server = await serveA2a(agent, Number(process.argv[2]), async ({ job, path, content }) => {
  if (job === 'write') {
    const args = { path: String(path), content: String(content) };
    // It asks for more than it was given, and then tries with what it has.
    const asked = await attempt('ask for more', () => files.callTool('write_file', args));
    const token = await agent.spawn({ tools: ['files/read_text_file'], audience: 'files', estimatedSeconds: 30 });
    const tried = await attempt('write', () => agent.mcp('files', { token }).callTool('write_file', args));
    return { ...tried, asked: asked.code };
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
