// `writ credentials`: what the broker may use. Puts secrets into the plane's encrypted store and lists all of them with age, last use
// and exposures (rules §3.11). No value is ever printed. Works on the data folder itself, so it is run as the plane's own user.

import { readFileSync } from 'node:fs';
import { isStoredName } from '../config/credential.ts';
import { openStoredCredentials } from '../main/broker.ts';
import { askPassword } from './ask-person.ts';
import { type CredentialLine, credentialLines, timeOf } from './credential-lines.ts';
import { configOf } from './offline-plane.ts';
import { readStdin } from './stdin.ts';
import { refused, usage } from './stop.ts';
import { table } from './terminal.ts';
import { planeOptions, type VerbGroup, verb } from './verb.ts';

const clock = { nowSeconds: () => Math.floor(Date.now() / 1000) };
const secretCharsMax = 16_384;

const named = {
  name: { type: 'positional', description: 'name under `stored`, such as `mail` or `mail/howard`' },
  config: planeOptions.config,
} as const;
const valued = {
  ...named,
  from: { type: 'string', valueHint: 'file', description: 'file with the value in its one line; `-` reads stdin' },
} as const;

const set = verb({
  summary: 'put a secret into the encrypted store',
  options: valued,
  async run({ args, terminal, channels }) {
    const stored = await openNamed(args.name, args.config, channels.env);
    if (await has(stored, args.name))
      throw refused(`\`${args.name}\` is there already; \`writ credentials rotate\` replaces it`);
    const { sinceSeconds } = await stored.write(args.name, await readValue(args.name, args.from));
    terminal.answer({ name: args.name, since: timeOf(sinceSeconds) }, () => `\`${args.name}\` is stored.`);
    return 0;
  },
});

const rotate = verb({
  summary: 'replace a stored secret by its successor',
  options: valued,
  async run({ args, terminal, channels }) {
    const stored = await openNamed(args.name, args.config, channels.env);
    const before = await stored.read(args.name);
    if (before === null) throw refused(`there is no \`${args.name}\`; \`writ credentials set\` puts one there`);
    const value = await readValue(args.name, args.from);
    if (value === before)
      throw refused(`that is the value which \`${args.name}\` has now; have a new one made where it comes from`);
    const { sinceSeconds } = await stored.write(args.name, value);
    terminal.answer(
      { name: args.name, since: timeOf(sinceSeconds) },
      () => `\`${args.name}\` is replaced; the next use takes the new one.`,
    );
    return 0;
  },
});

const remove = verb({
  summary: 'remove a stored secret',
  options: named,
  async run({ args, terminal, channels }) {
    const stored = await openNamed(args.name, args.config, channels.env);
    if (!(await stored.remove(args.name))) throw refused(`there is no \`${args.name}\``);
    terminal.answer({ name: args.name, removed: true }, () => `\`${args.name}\` is removed.`);
    return 0;
  },
});

const list = verb({
  summary: 'what the broker uses, with age, last use and exposures; never a value',
  options: { config: planeOptions.config },
  async run({ args, terminal, channels }) {
    const config = configOf({ config: args.config, env: channels.env });
    const credentials = await credentialLines(config, clock);
    terminal.answer({ credentials }, () => (credentials.length === 0 ? 'no credentials' : textOf(credentials)));
    return 0;
  },
});

const group: VerbGroup = {
  summary: 'secrets of tool servers: put into the encrypted store, list, rotate',
  verbs: { list, set, rotate, remove },
  usual: 'list',
};
export default group;

function openNamed(name: string, file: string | undefined, env: NodeJS.ProcessEnv) {
  if (!isStoredName(name))
    throw usage(
      `\`${name}\` cannot be a name; letters, digits and \`.\`, \`_\`, \`@\`, \`+\`, \`-\`, in parts with \`/\``,
    );
  return openStoredCredentials(configOf({ config: file, env }).dataDir, clock);
}

/** Also true for one that cannot be opened: it is not overwritten by accident. */
function has(stored: Awaited<ReturnType<typeof openNamed>>, name: string): Promise<boolean> {
  return stored.read(name).then(
    (value) => value !== null,
    () => true,
  );
}

async function readValue(name: string, from: string | undefined): Promise<string> {
  const text =
    from === undefined
      ? await askPassword(`value of ${name}: `, false, '`--from FILE` reads the value, `--from -` from stdin')
      : Buffer.from(from === '-' ? readStdin() : readFileSync(from)).toString();
  const value = text.replace(/\r?\n$/, '');
  if (value === '') throw usage('the value is empty');
  if (/[\0\r\n]/.test(value)) throw usage('the value has more than one line, and no header or variable can carry it');
  if (value.length > secretCharsMax) throw usage(`the value has more than ${secretCharsMax} characters`);
  return value;
}

function textOf(credentials: readonly CredentialLine[]): string {
  const rows = credentials.map(({ name, servers, since, lastUsed, exposures, rotate }) => [
    name,
    servers.join(' ') || '-',
    since ?? 'never used',
    lastUsed ?? '-',
    rotate ? `seen ${exposures} times where it should not be: rotate it` : '',
  ]);
  return table([['credential', 'servers', 'since', 'last used', ''], ...rows]);
}
