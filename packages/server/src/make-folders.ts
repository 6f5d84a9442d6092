// Folders one level at a time. Node's own recursive form never returns where a parent exists and cannot hold folders (as `/proc`).

import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Throws the system's error for the level that cannot be made. */
export function makeFolders(path: string, mode: number): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path) makeFolders(parent, mode);
  mkdirSync(path, { mode });
}
