// `writ doctor`: is this machine, this folder and this configuration fit for a plane, and where is it weaker than it looks?
// Measures and looks; changes nothing but a probe file that it removes again.

import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { configFileName } from '../config/defaults.ts';
import { loadConfig } from '../config/load.ts';
import { configFindings } from './doctor-config.ts';
import { diskFindings } from './doctor-disk.ts';
import { folderFindings, machineFindings, portFindings } from './doctor-machine.ts';
import { readReady } from './ready.ts';
import { visible } from './terminal.ts';
import { problemText } from './validate.ts';
import { planeOptions, verb } from './verb.ts';

export interface Finding {
  readonly check: string;
  /** `fail` keeps a plane from starting or from being safe; `warn` makes it weaker or slower. */
  readonly state: 'ok' | 'warn' | 'fail';
  readonly says: string;
  /** The way out; null where all is well. */
  readonly fix: string | null;
}

export default verb({
  summary: 'is this machine and configuration fit for a plane?',
  options: planeOptions,
  async run({ args, terminal, channels }) {
    const file = args.config ?? channels.env.WRIT_CONFIG ?? configFileName;
    const { config, findings } = readConfig(file, args.config !== undefined);
    const all: Finding[] = [...machineFindings(), ...(await nativeFindings()), ...findings];
    if (config !== null) {
      const dataDir = args.data ?? channels.env.WRIT_DATA ?? config.dataDir;
      all.push(...folderFindings(dataDir, config), ...(await diskFindings(dataDir)));
      all.push(
        ...(await portFindings(config, readReady(dataDir)?.pid ?? null)),
        ...configFindings(config, channels.env),
      );
    }
    const failed = all.some(({ state }) => state === 'fail');
    const colours = { ok: 'green', warn: 'yellow', fail: 'red' } as const;
    terminal.answer({ ok: !failed, findings: all }, () =>
      all
        .map(
          ({ state, check, says, fix }) =>
            `${terminal.paint(colours[state], state.padEnd(4))}  ${check}: ${visible(says)}${fix === null ? '' : `\n        ${visible(fix)}`}`,
        )
        .join('\n'),
    );
    return failed ? 1 : 0;
  },
});

function readConfig(
  file: string,
  named: boolean,
): { readonly config: Config | null; readonly findings: readonly Finding[] } {
  if (!named && !existsSync(file)) {
    const says = `there is no \`${file}\` here; data folder, ports and agents were not looked at`;
    return {
      config: null,
      findings: [{ check: 'configuration', state: 'warn', says, fix: '`writ init` writes a first one' }],
    };
  }
  const loaded = loadConfig(file);
  if ('config' in loaded)
    return {
      config: loaded.config,
      findings: [{ check: 'configuration', state: 'ok', says: `${file} is in order`, fix: null }],
    };
  return {
    config: null,
    findings: loaded.problems.map((problem) => ({
      check: 'configuration',
      state: 'fail',
      says: problemText(problem, (_, text) => text),
      fix: null,
    })),
  };
}

/** Peer credentials come through koffi; without it no local process can be told from another. */
async function nativeFindings(): Promise<readonly Finding[]> {
  try {
    await import('koffi');
    return [
      {
        check: 'peer credentials',
        state: 'ok',
        says: 'the kernel can be asked who is at the other end of a socket',
        fix: null,
      },
    ];
  } catch (error) {
    const says = `koffi does not load here: ${error instanceof Error ? error.message.split('\n')[0] : error}`;
    return [
      { check: 'peer credentials', state: 'fail', says, fix: 'reinstall with optional packages on the machine itself' },
    ];
  }
}
