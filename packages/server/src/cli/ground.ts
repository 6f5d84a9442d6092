// The ground a plane stands on: system, data folder, socket paths. Looked at before anything starts, so that what would
// fail later in pieces is one sentence now. Shared by `writ up`, which stops, and `writ doctor`, which tells.

import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { makeFolders } from '../make-folders.ts';
import { type Stop, stopOf, usage } from './stop.ts';

/** sun_path of a Unix socket, without its final NUL. unix(7). */
const socketPathBytesMax = 107;
const socketNames = ['workload.sock', 'launch.sock', 'admin.sock'];

/** Throws a Stop for what makes a start impossible; returns warnings for what only makes it weaker. */
export function checkGround(config: Config): readonly string[] {
  const system = systemFault(process.platform, process.arch, process.versions.node);
  if (system !== null) throw usage(system);
  const socket = socketFault(config.dataDir);
  if (socket !== null) throw usage(socket);
  const folder = folderFault(config.dataDir);
  if (folder !== null) throw folder;
  return folderWarnings(config.dataDir, process.getuid?.() ?? 0);
}

export function systemFault(platform: string, arch: string, node: string): string | null {
  if (Number.parseInt(node, 10) < 24)
    return `this is Node ${node} and Writ needs Node 24 or newer; install it from https://nodejs.org`;
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) {
    return `a plane runs on Linux x64 or arm64, and this is ${platform} ${arch}; \`validate\`, \`decide\`, \`audit verify\` and \`explain\` run here too`;
  }
  return null;
}

export function socketFault(dataDir: string): string | null {
  const longest = socketNames.map((name) => join(dataDir, name)).toSorted((a, b) => b.length - a.length)[0]!;
  const bytes = Buffer.byteLength(longest);
  if (bytes <= socketPathBytesMax) return null;
  return `\`${longest}\` has ${bytes} bytes and a socket path may have ${socketPathBytesMax}; choose a shorter \`data\` folder`;
}

export function folderFault(dataDir: string): Stop | null {
  try {
    makeFolders(dataDir, 0o711);
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOTDIR') return usage(`\`${dataDir}\` is not a folder; point \`data\` to one`);
    return (
      stopOf(Object.assign(error as Error, { path: dataDir })) ??
      usage(`\`${dataDir}\` cannot be used: ${(error as Error).message}`)
    );
  }
}

/** Rules §7.2: what the plane keeps is writable by nobody but the plane. */
export function folderWarnings(dataDir: string, uid: number): readonly string[] {
  const { mode, uid: owner } = statSync(dataDir);
  const warnings: string[] = [];
  if (owner !== uid)
    warnings.push(
      `\`${dataDir}\` belongs to uid ${owner} and the plane runs as ${uid}; records say \`boundary: none\``,
    );
  if ((mode & 0o022) !== 0) warnings.push(`\`${dataDir}\` is writable by others; \`chmod go-w\` it`);
  return warnings;
}
