// Writing so that it survives a power cut: contents flushed, renamed into place, directories flushed.

import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces a file at once: readers see the old contents or the new, never a part, and after it returns the new for good. */
export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await writeContents(path, bytes);
  await syncDirectory(dirname(path));
}

/** The same without flushing the directory, which the caller does once for many files. */
export async function writeContents(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.part`;
  await withFile(part, 'w', async (file) => {
    await file.writeFile(bytes);
    await file.datasync();
  });
  await rename(part, path);
}

export async function syncDirectory(path: string): Promise<void> {
  await withFile(path, constants.O_RDONLY | constants.O_DIRECTORY, (directory) => directory.sync());
}

/** Makes a directory and its parents; their names survive a power cut. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/** The file's bytes, or null when there is no such file. */
export async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return null;
    throw error;
  }
}

export async function removeIfThere(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

export async function withFile<T>(
  path: string,
  flags: string | number,
  use: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, flags);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
