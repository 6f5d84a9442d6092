// What a command is: a sentence, its options, and what it does. One file per command exports one of these; groups
// (`writ task start`) hold further ones. citty prints the help.

import { type CommandDef, defineCommand } from 'citty';
import type { Options, Values } from './options.ts';
import type { ExitCode } from './stop.ts';
import type { Channels, Terminal } from './terminal.ts';

export interface Invocation<All extends Options = Options> {
  readonly args: Values<All>;
  /** What follows `--`. */
  readonly rest: readonly string[];
  readonly terminal: Terminal;
  readonly channels: Channels;
}

export interface Verb {
  readonly summary: string;
  readonly options: Options;
  run(invocation: Invocation): Promise<ExitCode | number>;
}

export interface VerbGroup {
  readonly summary: string;
  readonly verbs: { readonly [name: string]: Verb };
  /** What the group does when nothing follows it. */
  readonly usual?: string;
}

export const jsonOption = { json: { type: 'boolean', description: 'print the answer as JSON' } } as const;

/** Where the plane is; the same on every command that talks to one. */
export const planeOptions = {
  config: { type: 'string', valueHint: 'file', description: 'configuration (default: writ.yaml here)' },
  data: { type: 'string', valueHint: 'folder', description: 'data folder of the plane' },
} as const;

export function verb<const All extends Options>(definition: {
  readonly summary: string;
  readonly options: All;
  run(invocation: Invocation<All & typeof jsonOption>): Promise<ExitCode | number>;
}): Verb {
  return {
    summary: definition.summary,
    options: { ...definition.options, ...jsonOption },
    run: (invocation) => definition.run(invocation as unknown as Invocation<All & typeof jsonOption>),
  };
}

export function isGroup(one: Verb | VerbGroup): one is VerbGroup {
  return 'verbs' in one;
}

/** For citty's help. */
export function commandOf(name: string, one: Verb | VerbGroup): CommandDef {
  const meta = { name: `writ ${name}`, description: one.summary };
  if (!isGroup(one)) return defineCommand({ meta, args: { ...one.options } }) as CommandDef;
  const subCommands = Object.fromEntries(
    Object.entries(one.verbs).map(([sub, verb]) => [sub, commandOf(`${name} ${sub}`, verb)]),
  );
  return defineCommand({ meta, subCommands }) as CommandDef;
}
