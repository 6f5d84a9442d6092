// Reads a log over HTTP for verification, as any C2SP client would: checkpoint, then the entry bundles it promises.

import { decodeBundle, type LogVerifier, tilePath, tileWidth } from '@writ/core';

export interface RemoteLog {
  /** The file below the log's prefix, or null when the server does not have it. Throws when it cannot be reached. */
  get(name: string): Promise<Uint8Array | null>;
}

const timeoutMillis = 30_000;
/** A bundle of 256 entries of the largest size. */
const bodyBytesMax = tileWidth * (2 + 65_535);

export function remoteLog(prefix: URL, fetcher: typeof fetch): RemoteLog {
  const base = new URL(prefix.href.endsWith('/') ? prefix.href : `${prefix.href}/`);
  return {
    async get(name) {
      const url = new URL(name, base);
      const response = await fetcher(url, { signal: AbortSignal.timeout(timeoutMillis) });
      if (response.status === 404) return null;
      if (response.status !== 200) throw new Error(`\`${url}\` answers ${response.status}`);
      return readBody(url, response);
    },
  };
}

/** Gives every record under the checkpoint to the verifier. */
export async function readRemote(
  log: RemoteLog,
  { take, note, checkpoint }: Pick<LogVerifier, 'take' | 'note' | 'checkpoint'>,
): Promise<void> {
  const size = checkpoint?.size ?? 0;
  for (let from = 0; from < size; from += tileWidth) {
    const tile = { level: 'entries', index: from / tileWidth, width: Math.min(tileWidth, size - from) } as const;
    const file = tilePath(tile);
    const exact = await log.get(file);
    // The full bundle may have taken the place of the partial one meanwhile.
    const full = exact || tile.width === tileWidth ? null : await log.get(tilePath({ ...tile, width: tileWidth }));
    const entries = exact
      ? decodeBundle(exact, tile.width)
      : full && decodeBundle(full, tileWidth)?.slice(0, tile.width);
    if (!entries) {
      const missing = !exact && !full;
      const says = missing ? 'the server does not have this bundle' : 'the bundle is cut or malformed';
      note({ code: missing ? 'tile.missing' : 'tile.mismatch', sequence: from, file, offset: null, says });
      continue;
    }
    let offset = 0;
    entries.forEach((entry, i) => {
      take({ sequence: from + i, entry, file, offset });
      offset += 2 + entry.length;
    });
  }
}

async function readBody(url: URL, response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > bodyBytesMax) throw new Error(`\`${url}\` sends more than ${bodyBytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts, bytes);
}
