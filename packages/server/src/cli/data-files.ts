// The data beside a policy that a command reads: files named on the command line, else all of one ending in the policy folder.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataFile, DataResult } from '../action/analysis/data-file.ts';
import type { Problem } from '../action/problem.ts';
import type { Config } from '../config/config.ts';
import { Stop, usage } from './stop.ts';
import { problemText } from './validate.ts';

/** Throws a Stop when there is nothing to read. */
export function dataFiles(named: readonly string[], { policyDir, file }: Config, ending: string): readonly DataFile[] {
  const missing = named.find((path) => !existsSync(path));
  if (missing !== undefined) throw usage(`\`${missing}\` does not exist; name a file \`*${ending}\``);
  const paths = named.length > 0 ? named : beside(policyDir, ending);
  if (paths.length === 0) {
    const where = policyDir === null ? `\`policy\` in \`${file}\` names no folder` : `none is in \`${policyDir}\``;
    throw usage(`there is no \`*${ending}\` to read: ${where}; name a file`);
  }
  return paths.map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

function beside(folder: string | null, ending: string): readonly string[] {
  if (folder === null) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(folder, name));
}

/** All entries of all files; throws a Stop that lists every mistake. */
export function entriesOf<Entry>(
  files: readonly DataFile[],
  read: (file: DataFile) => DataResult<readonly Entry[]>,
): readonly Entry[] {
  const problems: Problem[] = [];
  const entries: Entry[] = [];
  for (const file of files) {
    const result = read(file);
    if ('problems' in result) problems.push(...result.problems);
    else entries.push(...result.value);
  }
  if (problems.length === 0) return entries;
  throw new Stop(problems.map((problem) => problemText(problem, (_, text) => text)).join('\n'), 2);
}
