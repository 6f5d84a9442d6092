// Finds the command, reads its options, runs it, and turns whatever goes wrong into one sentence and an exit code.

import { stripVTControlCharacters } from 'node:util';
import { type CommandDef, renderUsage } from 'citty';
import { readOptions } from './options.ts';
import { stopOf, usage } from './stop.ts';
import { type Channels, openTerminal } from './terminal.ts';
import { commandOf, isGroup, jsonOption, type Verb, type VerbGroup } from './verb.ts';
import { VERBS } from './verbs.ts';

export async function runWrit(words: readonly string[], channels: Channels, version: string): Promise<number> {
  const ownWords = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  const terminal = openTerminal(channels, ownWords.includes('--json'));
  try {
    if (ownWords[0] === '--version' || ownWords[0] === '-v') {
      terminal.answer({ version }, () => version);
      return 0;
    }
    const wantsHelp = ownWords.includes('--help') || ownWords.includes('-h');
    if (words.length === 0 || (wantsHelp && ownWords[0]!.startsWith('-'))) {
      terminal.answer({ verbs: Object.keys(VERBS) }, () => '');
      if (!terminal.json) channels.stdout.write(await helpOfAll(channels));
      return words.length === 0 ? 2 : 0;
    }
    const found = await findVerb(ownWords);
    if (wantsHelp) {
      channels.stdout.write(await help(commandOf(found.name, found.verb), channels));
      return 0;
    }
    if (isGroup(found.verb))
      throw usage(`\`writ ${found.name}\` needs one of ${listed(Object.keys(found.verb.verbs))}`);
    const { values, rest } = readOptions(found.verb.options, words.slice(found.wordCount));
    return await found.verb.run({ args: values, rest, terminal, channels });
  } catch (error) {
    const stop = stopOf(error);
    if (stop === null) {
      channels.stderr.write(
        `writ: this is a bug in Writ; please report it with what follows\n${(error as Error)?.stack ?? error}\n`,
      );
      return 70; // EX_SOFTWARE
    }
    channels.stderr.write(`writ: ${stop.message}\n`);
    if (terminal.json)
      channels.stdout.write(`${JSON.stringify({ error: codes[stop.exitCode], says: stop.message })}\n`);
    return stop.exitCode;
  }
}

const codes = { 0: 'ended', 1: 'refused', 2: 'usage', 3: 'unreachable' } as const;

interface Found {
  readonly name: string;
  readonly verb: Verb | VerbGroup;
  readonly wordCount: number;
}

async function findVerb(words: readonly string[]): Promise<Found> {
  const [name = '', second = ''] = words;
  if (!Object.hasOwn(VERBS, name)) throw usage(`\`${name}\` is not a command; there are ${listed(Object.keys(VERBS))}`);
  const verb = (await VERBS[name]!()).default;
  if (!isGroup(verb)) return { name, verb, wordCount: 1 };
  if (second === '' || second.startsWith('-')) {
    const usual = verb.usual === undefined || words.includes('--help') ? verb : verb.verbs[verb.usual]!;
    return { name, verb: usual, wordCount: 1 };
  }
  if (!Object.hasOwn(verb.verbs, second)) {
    throw usage(`\`writ ${name} ${second}\` is not a command; there are ${listed(Object.keys(verb.verbs))}`);
  }
  return { name: `${name} ${second}`, verb: verb.verbs[second]!, wordCount: 2 };
}

function listed(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

async function helpOfAll(channels: Channels): Promise<string> {
  const loaded = await Promise.all(
    Object.entries(VERBS).map(async ([name, load]) => [name, commandOf(name, (await load()).default)] as const),
  );
  const meta = { name: 'writ', description: 'The trust plane for agents' };
  return help({ meta, args: { ...jsonOption }, subCommands: Object.fromEntries(loaded) }, channels);
}

/** citty colours what it prints whether or not somebody looks. */
async function help(command: CommandDef, { stdout, env }: Channels): Promise<string> {
  const text = `${await renderUsage(command)}\n`;
  return stdout.isTTY && !env.NO_COLOR ? text : stripVTControlCharacters(text);
}
