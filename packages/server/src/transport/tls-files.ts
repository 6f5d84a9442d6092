// Files that hold a private key: made with strict modes, refused with anything wider. Says nothing about their content.

import { constants, type Stats } from 'node:fs';
import { link, lstat, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes the folder with mode 0700, or checks that it is ours alone. Throws a sentence for the operator. */
export async function openPrivateFolder(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error; // a file of that name, about which there is more to say below
  });
  const found = await lstat(dir);
  if (!found.isDirectory()) throw new Error(`\`${dir}\` is not a folder; name one that is`);
  refuseWide(dir, found, 0o700);
}

/** Text of a file that is ours alone, or null when there is none. Throws a sentence for the operator. */
export async function readPrivateFile(path: string): Promise<string | null> {
  // A link in the place of the key would have us read, and later trust, a file of somebody else's choosing.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    if (error.code === 'ELOOP') throw new Error(`\`${path}\` is a symbolic link; put the file itself there`);
    throw error;
  });
  if (file === null) return null;
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Error(`\`${path}\` is not a plain file`);
    refuseWide(path, found, 0o600);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Writes a new file with mode 0600, whole or not at all. False when somebody else made it first. */
export async function createPrivateFile(path: string, text: string, suffix: string): Promise<boolean> {
  const draft = await writeDraft(path, text, suffix);
  try {
    await link(draft, path); // unlike a rename, never replaces
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(draft);
  }
  await syncFolder(dirname(path));
  return true;
}

/** Puts another text into the place of a file: a reader sees the one or the other, never a half. */
export async function replacePrivateFile(path: string, text: string, suffix: string): Promise<void> {
  await rename(await writeDraft(path, text, suffix), path);
  await syncFolder(dirname(path));
}

/** Says nothing when it was gone already. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await syncFolder(dirname(path));
}

async function writeDraft(path: string, text: string, suffix: string): Promise<string> {
  const draft = `${path}.${suffix}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  return draft;
}

async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, constants.O_RDONLY);
  await folder.sync().finally(() => folder.close());
}

function refuseWide(path: string, found: Stats, mode: number): void {
  const uid = process.geteuid?.();
  if (uid !== undefined && found.uid !== uid) {
    throw new Error(
      `\`${path}\` belongs to uid ${found.uid}; this process is uid ${uid}: run \`chown ${uid} ${path}\``,
    );
  }
  if ((found.mode & 0o777 & ~mode) !== 0) {
    const modeText = mode.toString(8).padStart(4, '0');
    const foundText = (found.mode & 0o777).toString(8).padStart(4, '0');
    throw new Error(`\`${path}\` has mode ${foundText} and may be read by others: run \`chmod ${modeText} ${path}\``);
  }
}
