// `writ up`: starts a plane and stays until it is told to stop. The first Ctrl-C lets open calls end, a second one does
// not wait. With --json every event is one line on stdout, the first being the ready line (contract §4).

import { resolve } from 'node:path';
import type { JsonObject } from '@writ/core';
import type { Config } from '../config/config.ts';
import { configFileName } from '../config/defaults.ts';
import { loadConfig } from '../config/load.ts';
import { makeFolders } from '../make-folders.ts';
import { checkGround } from './ground.ts';
import { removeReady, writeReady } from './ready.ts';
import { asSentence, type ExitCode, Stop } from './stop.ts';
import type { Terminal } from './terminal.ts';
import { problemText } from './validate.ts';
import { planeOptions, verb } from './verb.ts';

export interface RunningPlane {
  /** The ready line, contract §4. */
  readonly ready: JsonObject;
  /** A sentence about what was done. */
  reload(): Promise<string>;
  /** Ends open calls, then everything else. */
  stop(): Promise<void>;
}

export interface UpPorts {
  start(config: Config): Promise<RunningPlane>;
  /** Signals of the process. */
  readonly signals: Pick<NodeJS.Process, 'on' | 'off'>;
  /** Ends the process at once. */
  kill(exitCode: number): void;
  nowMillis(): number;
}

export default verb({
  summary: 'start the plane: identities, tokens, gateway, policy, audit, console',
  options: planeOptions,
  async run({ args, terminal, channels }) {
    const config = readConfig(
      args.config ?? channels.env.WRIT_CONFIG ?? configFileName,
      args.data ?? channels.env.WRIT_DATA,
    );
    return runUp(config, terminal, {
      // Everything heavy is loaded only once the configuration is known to be in order.
      start: async (validated) => (await import('../main.ts')).startPlane({ config: validated }),
      signals: process,
      kill: (exitCode) => process.exit(exitCode),
      nowMillis: () => performance.now(),
    });
  },
});

function readConfig(file: string, dataDir: string | undefined): Config {
  const loaded = loadConfig(file);
  if ('config' in loaded) return dataDir ? { ...loaded.config, dataDir: resolve(dataDir) } : loaded.config;
  const told = loaded.problems.map((problem) => problemText(problem, (_, text) => text)).join('\n  ');
  throw new Stop(`the configuration is not in order\n  ${told}`, 2);
}

export async function runUp(config: Config, terminal: Terminal, ports: UpPorts): Promise<ExitCode> {
  for (const warning of checkGround(config)) terminal.note(`writ: ${warning}`);
  makeFolders(config.dataDir, 0o711);
  // Listened for before anything starts: a Ctrl-C while starting is remembered, not fatal.
  const asked = untilAsked(ports);
  try {
    const plane = await ports.start(config).catch(asSentence);
    writeReady(config.dataDir, plane.ready);
    terminal.answer(plane.ready, () => readyText(plane.ready));
    const again = (): void => void plane.reload().then((sentence) => terminal.note(`writ: ${sentence}`));
    ports.signals.on('SIGHUP', again);
    await asked.once;
    ports.signals.off('SIGHUP', again);
    removeReady(config.dataDir);
    terminal.answer({ event: 'draining' }, () => 'stopping; open calls may end (Ctrl-C again stops at once)');
    await plane.stop();
    terminal.answer({ event: 'stopped' }, () => 'stopped');
    return 0;
  } finally {
    asked.done();
  }
}

/** A terminal and a package manager may each deliver the same Ctrl-C; what comes this soon is the first one again. */
const sameKeyMillis = 400;

function untilAsked({ signals, kill, nowMillis }: UpPorts): { readonly once: Promise<void>; done(): void } {
  const { promise, resolve: first } = Promise.withResolvers<void>();
  let firstMillis: number | null = null;
  const heard = (signal: NodeJS.Signals): void => {
    if (firstMillis === null) {
      firstMillis = nowMillis();
      first();
    } else if (nowMillis() - firstMillis > sameKeyMillis) kill(signal === 'SIGINT' ? 130 : 143);
  };
  const names: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];
  for (const name of names) signals.on(name, heard);
  return {
    once: promise,
    done: () => {
      for (const name of names) signals.off(name, heard);
    },
  };
}

function readyText(ready: JsonObject): string {
  const {
    console: page,
    adminLink,
    trustDomain,
  } = ready as { console?: string; adminLink?: string; trustDomain?: string };
  const lines = [`writ is ready for ${trustDomain}`, `  console  ${page}`];
  if (adminLink) lines.push(`  first sign-in, good for 15 minutes:  ${adminLink}`);
  return [...lines, '  Ctrl-C stops it'].join('\n');
}
