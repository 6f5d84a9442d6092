// Which configuration files there are: the known places of a home, projects below a folder, and files that were named. Reads
// folders, opens nothing. A walk is bounded; where it stopped is told.

import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { HOME_LOCATIONS, type Location, locationOf, MACHINE_LOCATIONS, PROJECT_LOCATIONS, pattern } from './where.ts';

export interface FoundFile {
  readonly file: string;
  readonly location: Location;
}

const walkDepthMax = 6;
const walkFoldersMax = 20_000;

/** What holds other people's files, or so many that nobody keeps a project there. */
const skippedFolders = new Set([
  ...['node_modules', 'bower_components', 'vendor', 'site-packages', '__pycache__', 'venv', 'dist', 'build', 'target'],
  ...['Library', 'AppData', 'Applications', 'Pictures', 'Music', 'Movies', 'Videos'],
]);

/** Configurations in the places of a home. */
export function filesOfHome(home: string): readonly FoundFile[] {
  return HOME_LOCATIONS.flatMap((location) => filesAt(home, location));
}

export function filesOfMachine(): readonly FoundFile[] {
  return MACHINE_LOCATIONS.flatMap((location) => filesAt('/', location));
}

/** Homes of Windows, seen from the Linux that runs inside it. */
export function windowsHomes(users = '/mnt/c/Users'): readonly string[] {
  const shared = new Set(['Public', 'Default', 'All Users', 'Default User']);
  return namesIn(users)
    .filter((name) => !shared.has(name))
    .map((name) => join(users, name));
}

export function filesOfProject(folder: string): readonly FoundFile[] {
  return PROJECT_LOCATIONS.flatMap((location) => filesAt(folder, location));
}

/** Projects at and a few levels below a folder. `complete` is false where there were too many folders to look at. */
export function filesBelow(folder: string): { readonly files: readonly FoundFile[]; readonly complete: boolean } {
  const files: FoundFile[] = [];
  let level = [folder];
  let seen = 0;
  for (let depth = 0; depth <= walkDepthMax && level.length > 0; depth++) {
    const next: string[] = [];
    for (const here of level) {
      if (++seen > walkFoldersMax) return { files, complete: false };
      files.push(...filesOfProject(here));
      for (const entry of entriesOf(here))
        if (entry.isDirectory() && !entry.name.startsWith('.') && !skippedFolders.has(entry.name))
          next.push(join(here, entry.name));
    }
    level = next;
  }
  return { files, complete: true };
}

export function namedFile(file: string): FoundFile {
  return { file: resolve(file), location: locationOf(resolve(file)) };
}

/** Each file once, under its first name: homes and projects overlap, and links lead to the same file twice. */
export function onlyOnce(found: readonly FoundFile[]): readonly FoundFile[] {
  const seen = new Set<string>();
  return found.filter(({ file }) => {
    const real = realpathOf(file);
    return !seen.has(real) && Boolean(seen.add(real));
  });
}

function filesAt(folder: string, location: Location): readonly FoundFile[] {
  const paths = location.path.split('/').reduce<readonly string[]>(
    (bases, segment) =>
      bases.flatMap((base) => {
        if (!segment.includes('*')) return [join(base, segment)];
        const form = pattern(segment);
        return namesIn(base)
          .filter((name) => form.test(name))
          .map((name) => join(base, name));
      }),
    [folder],
  );
  return paths.filter((path) => statOf(path)?.isFile()).map((file) => ({ file, location }));
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // Not there, or not ours to read: no place of a configuration.
  }
}

function namesIn(folder: string): readonly string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isDirectory() || entry.isFile() || entry.isSymbolicLink())
    .map(({ name }) => name);
}

export function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

function realpathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** `.env`, `.env.local`, `prod.env`. */
export function isEnvFileName(file: string): boolean {
  return /^\.env(?:\..+)?$|\.env$/.test(basename(file));
}
