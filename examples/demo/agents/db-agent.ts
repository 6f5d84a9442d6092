// spiffe://zylos.local/db/agent — takes jobs about files and hands them to its reader, with authority to read and no more.

import { connect } from '@writ/agent/node';
import { serveA2a } from './a2a-server.ts';
import { dataOf, orders, tell } from './steps.ts';

const agent = await connect();
const reader = agent.a2a('db/reader');

const server = await serveA2a(agent, Number(process.argv[2]), async (asked) => {
  // Whatever the job says: the reader may list and read.
  const delegate = ['files:list_directory', 'files:read_text_file'];
  return dataOf(await reader.sendMessage({ parts: [{ data: { ...asked } as never }] }, { delegate }));
});
tell({ ready: agent.id });

for await (const order of orders()) if (order.stop !== undefined) break;
await server.close();
await agent.close();
