// Passing an answer on as it comes: status, headers and bytes, no faster than they are taken. Both directions use it.

import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Of one connection only (RFC 9110 §7.6.1), or an invitation to bring a credential, which is not the program's to bring. */
const STAYS = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'www-authenticate',
]);

export interface Answer {
  readonly status: number;
  readonly headers: Iterable<readonly [string, string | readonly string[] | undefined]>;
  readonly body: Readable | null;
}

/** Resolves when the last byte is out. A source that breaks off breaks the answer off too, so that half does not pass for whole. */
export async function relay(res: ServerResponse, { status, headers, body }: Answer): Promise<void> {
  for (const [name, value] of headers) {
    if (value !== undefined && !STAYS.has(name)) res.setHeader(name, value as string | string[]);
  }
  res.writeHead(status);
  if (body === null) return void res.end();
  // Somebody who listens to a stream hears that it began before its first event.
  res.flushHeaders();
  await pipeline(body, res).catch(() => res.destroy());
}
