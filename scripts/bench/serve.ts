// Helpers of the bench as processes of their own, so that no row measures two programs in one event loop:
//   serve.ts upstream KEY      a tool server
//   serve.ts proxy URL         the barest proxy: node:http in front, undici behind, nothing looked at
//   serve.ts bare              a process that only listens
// Each prints its port when it listens, and ends with its standard input.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool } from 'undici';
import { startUpstream } from '../../test/attacks/upstream.ts';

const [kind, argument = ''] = process.argv.slice(2);

function listen(handler: (req: IncomingMessage, res: ServerResponse) => void): Promise<number> {
  const server = createServer(handler);
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  );
}

function proxyTo(url: string): Promise<number> {
  const { origin, pathname: path } = new URL(url);
  const pool = new Pool(origin, { connections: 64, pipelining: 1 });
  return listen(async (req, res) => {
    const { host: _, connection: _c, ...headers } = req.headers;
    const { statusCode, headers: answered, body } = await pool.request({ method: 'POST', path, headers, body: req });
    res.writeHead(statusCode, answered as { [name: string]: string });
    body.pipe(res);
  });
}

const port =
  kind === 'upstream'
    ? (await startUpstream(argument)).port
    : kind === 'proxy'
      ? await proxyTo(argument)
      : await listen((_req, res) => void res.end());
process.stdout.write(`${port}\n`);
process.stdin.resume().once('end', () => process.exit(0));
