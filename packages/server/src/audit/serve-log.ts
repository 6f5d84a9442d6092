// The log's read interface (C2SP tlog-tiles §read): files as they are, by path. Nothing outside the published names is
// reachable, because only paths that parse as a tile are ever joined to the folder.

import { join } from 'node:path';
import { parseTilePath } from '@writ/core';
import { readIfThere } from './disk.ts';
import { witnessedFile } from './witnessed.ts';

export interface LogAnswer {
  readonly status: 200 | 404;
  readonly headers: { readonly [name: string]: string };
  readonly body: Uint8Array;
}

/** Answers a path below the log's prefix: `/checkpoint`, `/checkpoint.witnessed`, `/log.vkey`, `/tile/…`. */
export function serveLog(dir: string): (path: string) => Promise<LogAnswer> {
  return async (path) => {
    const name = path.startsWith('/') ? path.slice(1) : '';
    const headers = headersOf(name);
    const body = headers && (await readIfThere(join(dir, name)));
    return body ? { status: 200, headers, body } : notFound;
  };
}

function headersOf(name: string): LogAnswer['headers'] | null {
  if (name === 'checkpoint' || name === witnessedFile || name === 'log.vkey') {
    return { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' };
  }
  // A tile never changes; a partial one is replaced by the full one under another path.
  const tile = { 'content-type': 'application/octet-stream', 'cache-control': 'public, max-age=31536000, immutable' };
  return parseTilePath(name) && tile;
}

const notFound: LogAnswer = {
  status: 404,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  body: new TextEncoder().encode('not found\n'),
};
