// Files that hold a secret of the plane: made with mode 0600 in a folder of mode 0700, refused with anything wider.

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Text of the file; made by `make` when it is not there yet. Throws a sentence for the operator. */
export async function keyFile(dir: string, name: string, make: () => string): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, name);
  const held = await readOwnFile(path);
  if (held !== null) return held;
  await createWhole(path, make());
  // Somebody else may have been first; what lies there now is what counts.
  const made = await readOwnFile(path);
  if (made === null)
    throw new Error(`\`${path}\` was made and is gone again; is another program clearing this folder?`);
  return made;
}

async function readOwnFile(path: string): Promise<string | null> {
  // A link in the place of a key would have us sign with somebody else's.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    if (error.code === 'ELOOP') throw new Error(`\`${path}\` is a symbolic link; put the file itself there`);
    throw error;
  });
  if (file === null) return null;
  try {
    const { mode, uid } = await file.stat();
    const own = process.geteuid?.();
    if (own !== undefined && uid !== own) {
      throw new Error(`\`${path}\` belongs to uid ${uid}; this process is uid ${own}: run \`chown ${own} ${path}\``);
    }
    if ((mode & 0o177) !== 0) {
      const text = (mode & 0o777).toString(8).padStart(4, '0');
      throw new Error(`\`${path}\` has mode ${text} and may be read by others: run \`chmod 0600 ${path}\``);
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Puts the file there whole, or leaves the one that somebody else put there meanwhile. */
async function createWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.draft`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
}
