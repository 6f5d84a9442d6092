// All of stdin, at once. `process.stdin` makes a pipe or socket non-blocking as soon as somebody looks at it, so one that has nothing
// yet says EAGAIN instead of waiting, and opening `/dev/stdin` anew helps with pipes only.

import { readSync } from 'node:fs';

const chunkBytes = 64 * 1024;
const waitMillis = 10;

/** Waits until the other end is closed. */
export function readStdin(): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = new Uint8Array(chunkBytes);
    try {
      const count = readSync(0, chunk);
      if (count === 0) return new Uint8Array(Buffer.concat(chunks));
      chunks.push(chunk.subarray(0, count));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMillis);
    }
  }
}
