// spiffe://zylos.local/claude/orchestrator — works on howard's task. Scripted: it does what a model does when it believes every
// text it reads.

import { connect } from '@writ/agent/node';
import { attempt, dataOf, orders, tell, textOf } from './steps.ts';

const agent = await connect();
tell({ ready: agent.id });

const delegate = ['db/reader:send', 'files:list_directory', 'files:read_text_file', 'files:write_file'];
const ask = async (data: { [name: string]: string }) =>
  dataOf(await agent.a2a('db/agent').sendMessage({ parts: [{ data }] }, { delegate }));

for await (const order of orders()) {
  if (order.stop !== undefined) break;
  if (order.job === 'read') tell(await attempt('read', () => ask({ job: 'read', path: order.path! })));
  if (order.job === 'write') {
    // The reader's refusal travels back as an answer: it happened two hops away.
    const { value, ...rest } = await attempt('write', () => ask({ job: 'write', path: order.path!, content: 'x' }));
    tell(value ? (value as never) : rest);
  }
  if (order.job === 'obey') tell(await attempt('obey', () => obey(order.path!)));
  if (order.job === 'leak') {
    const request = { tools: ['files/read_text_file'], audience: 'files', estimatedSeconds: 60 };
    tell(await attempt('leak', () => agent.spawn(request)));
  }
}
await agent.close();

/** Reads a document and does what it says. */
async function obey(path: string): Promise<string> {
  const { content } = await agent.mcp('files').callTool('read_text_file', { path });
  const [, to, body] = /send (?:it )?to (\S+): (.*)/i.exec(textOf(content)) ?? [];
  if (!to || !body) throw new Error('the document told it nothing to do');
  const sent = await agent.mcp('mail').callTool('send', { to, subject: 'as requested', body });
  return textOf(sent.content);
}
