// An agent behind the gateway that keeps every byte it gets: what a callee could steal, or be told, is what arrives here.

import { createServer } from 'node:https';
import type { DialSvid } from '@writ/agent/node';

export interface Arrived {
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
}

export interface Callee {
  readonly arrived: Arrived[];
  /** Answers with this result from now on; null: with its task. */
  says(result: object | null): void;
  close(): Promise<void>;
}

/** Answers every message with a task of its own, named `task-1`, `task-2`, … */
export async function startCallee(svid: DialSvid, port: number): Promise<Callee> {
  const arrived: Arrived[] = [];
  let said: object | null = null;
  const { certPem: cert, keyPem: key, bundlePem } = svid;
  const ca = [bundlePem].flat() as string[];
  const https = createServer({ cert, key, ca, requestCert: true, minVersion: 'TLSv1.3' }, async (req, res) => {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    const body = Buffer.concat(parts).toString();
    arrived.push({ headers: req.headers as Arrived['headers'], body });
    const { id } = JSON.parse(body === '' ? '{}' : body) as { id?: unknown };
    const task = { id: `task-${arrived.length}`, status: { state: 'TASK_STATE_WORKING' } };
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ jsonrpc: '2.0', id, result: said ?? { task } }));
  });
  await new Promise<void>((resolve) => https.listen(port, '127.0.0.1', resolve));
  return {
    arrived,
    says(result) {
      said = result;
    },
    close: () =>
      new Promise((resolve) => {
        https.close(() => resolve());
        https.closeAllConnections();
      }),
  };
}
