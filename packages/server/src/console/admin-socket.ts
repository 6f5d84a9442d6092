// `<data>/admin.sock`: the window for whoever is on this machine and in the plane's group. What it shows is the API's business.

import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface AdminSocket {
  readonly path: string;
  close(): Promise<void>;
}

const headersTimeoutMillis = 10_000;

/** Takes the place of a socket that a crash left behind. */
export async function openAdminSocket(
  path: string,
  handle: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<AdminSocket> {
  const server = createServer({ headersTimeout: headersTimeoutMillis, maxHeaderSize: 16 * 1024 }, handle);
  await rm(path, { force: true });
  const listening = once(server, 'listening');
  // Nobody but the owner gets in before the mode is set. `listen` makes the file before it returns.
  const mask = process.umask(0o177);
  server.listen(path);
  process.umask(mask);
  await listening;
  await chmod(path, 0o660);
  return {
    path,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
