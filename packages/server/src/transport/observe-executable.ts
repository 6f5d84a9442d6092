// The SHA-256 of what a process executes. The descriptor behind `/proc/<pid>/exe` is hashed, never the path: a path can
// be made to point elsewhere between the look and the read. An interpreter's digest names the interpreter (rules §1.1).

import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

/** Hex digest of the executable of a process; null when it cannot be read or is larger than the bound. */
export type ExecutableHash = (pid: number) => Promise<string | null>;

const chunkBytes = 1 << 20;
const remembered = 256;

/** Digests are remembered by device, inode, size and change time, since hashing an interpreter takes a while. */
export function createExecutableHash(bytesMax = 512 << 20): ExecutableHash {
  const digests = new Map<string, Promise<string>>();
  return async (pid) => {
    let file: FileHandle;
    try {
      file = await open(`/proc/${pid}/exe`, 'r');
    } catch {
      return null;
    }
    try {
      const stat = await file.stat({ bigint: true });
      if (stat.size > BigInt(bytesMax)) return null;
      const key = `${stat.dev}:${stat.ino}:${stat.size}:${stat.ctimeNs}`;
      const held = digests.get(key);
      if (held) return await held;
      const digest = hashFile(file);
      if (digests.size >= remembered) digests.delete(digests.keys().next().value!);
      digests.set(key, digest);
      digest.catch(() => digests.delete(key));
      return await digest;
    } catch {
      return null;
    } finally {
      await file.close();
    }
  };
}

async function hashFile(file: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, chunkBytes, at);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}
