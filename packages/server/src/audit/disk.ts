// Writing so that it survives a power cut: contents flushed, renamed into place, directories flushed.

import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface FileContents {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Replaces a file at once: readers see the old contents or the new, never a part, and after it returns the new for good. */
export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await writeContents([{ path, bytes }]);
  await syncDirectory(dirname(path));
}

/** The same for many files, without flushing their directories, which is the caller's to do. */
export async function writeContents(files: readonly FileContents[]): Promise<void> {
  for (let at = 0; at < files.length; at += openFilesMax) await writeTogether(files.slice(at, at + openFilesMax));
}

const openFilesMax = 64;

async function writeTogether(files: readonly FileContents[]): Promise<void> {
  const handles: FileHandle[] = [];
  try {
    for (const { path, bytes } of files) {
      const handle = await open(`${path}.part`, 'w');
      handles.push(handle);
      await handle.writeFile(bytes);
    }
    // All are written before the first is flushed: one commit of the journal then serves most of them.
    for (const handle of handles) await handle.datasync();
  } finally {
    for (const handle of handles) await handle.close();
  }
  for (const { path } of files) await rename(`${path}.part`, path);
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
