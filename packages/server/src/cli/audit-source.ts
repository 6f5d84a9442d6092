// Which log a command reads, and with whose key: a folder or URL, else that of the plane here.

import { existsSync, readFileSync } from 'node:fs';
import { AuditRefused } from '../audit/errors.ts';
import { openPublished, type PublishedLog } from '../audit/published.ts';
import { openQueryIndex, type QueryIndex } from '../audit/query-index.ts';
import { findReady } from './plane.ts';
import { refused, type Stop, stopOf, unreachable, usage } from './stop.ts';
import type { Terminal } from './terminal.ts';

export const vkeyOption = {
  vkey: {
    type: 'string',
    repeat: true,
    valueHint: 'key',
    description: 'verifier key, or a file with one a line; from outside the log',
  },
} as const;

export const sourceOption = {
  source: {
    type: 'positional',
    required: false,
    description: 'folder or URL of a log (default: the log of the plane here)',
  },
} as const;

export interface SourceArgs {
  readonly source?: string | undefined;
  readonly config?: string | undefined;
  readonly data?: string | undefined;
  readonly vkey: readonly string[];
}

/** Throws a Stop when no log is named and no plane runs here, or when the folder is not there. */
export function sourceOf(args: SourceArgs, env: NodeJS.ProcessEnv): string {
  const source = args.source ?? findReady({ config: args.config, data: args.data, env })?.logDir;
  if (!source) throw usage('name a log: a folder, or a URL');
  if (!/^https?:/.test(source) && !existsSync(source))
    throw unreachable(`\`${source}\` does not exist; a log is in \`<data>/audit\``);
  return source;
}

export function vkeysOf(args: SourceArgs): readonly string[] {
  return args.vkey.flatMap((text) =>
    existsSync(text)
      ? readFileSync(text, 'utf8')
          .split('\n')
          .filter((line) => line.trim() !== '')
      : [text],
  );
}

/** What went wrong with a log, as a Stop: it cannot be trusted (1), the key is none (2), or it cannot be read (3). */
export function logStop(source: string, error: unknown): Stop | unknown {
  const known = stopOf(error);
  if (known) return known;
  if (error instanceof AuditRefused) return refused(error.message);
  if (error instanceof TypeError && / is not a verifier key/.test(error.message)) return usage(error.message);
  return error instanceof Error ? unreachable(`\`${source}\` cannot be read: ${error.message}`) : error;
}

export async function openLogOf(source: string, vkeys: readonly string[], terminal: Terminal): Promise<PublishedLog> {
  const log = await openPublished(source, { vkeys }).catch((error: unknown) => {
    throw logStop(source, error);
  });
  if (log.keyFrom === 'log')
    terminal.note(
      `writ: the key of \`${source}\` came from the log itself, and so may a forged one: pass --vkey with the one you were given`,
    );
  return log;
}

/** The log with an index over it. */
export async function openIndexOf(
  args: SourceArgs,
  env: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<{ source: string; log: PublishedLog; index: QueryIndex }> {
  const source = sourceOf(args, env);
  const vkeys = vkeysOf(args);
  const first = await openLogOf(source, vkeys, terminal);
  let opened: PublishedLog | null = first;
  const open = async () => {
    const log = opened ?? (await openPublished(source, { vkeys }));
    opened = null;
    return log;
  };
  const found = await openQueryIndex({ open }).catch((error: unknown) => {
    throw logStop(source, error);
  });
  return { source, ...found };
}
