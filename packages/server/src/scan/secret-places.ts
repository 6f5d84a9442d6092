// Every place of a configuration where a secret may stand, and the secrets that do. Environment, headers, arguments and URLs of
// servers first, where every literal counts; then what else the file holds, where only a name or a form speaks.

import { type Configuration, type ConfiguredServer, placesIn, type Word } from './configuration.ts';
import { leaves, type Node } from './document.ts';
import type { Place } from './finding.ts';
import { isRandom, type Secret, secretsIn, shapedSecrets } from './secrets.ts';

export interface PlacedSecret {
  readonly secret: Secret;
  readonly place: Place;
  readonly where: 'environment' | 'header' | 'argument' | 'url' | 'setting' | 'text';
  /** `env.GITHUB_TOKEN`, `--api-key`, `Authorization`. Holds no value. */
  readonly key: string;
  readonly server: ConfiguredServer | null;
}

export function secretsOf(configuration: Configuration): readonly PlacedSecret[] {
  const found = configuration.servers.flatMap(secretsOfServer);
  const isFound = (secret: Secret, place: Place) =>
    found.some(
      (one) =>
        one.place.line === place.line && one.place.column === place.column && overlaps(one.secret.value, secret.value),
    );
  for (const one of settingsOutside(configuration)) if (!isFound(one.secret, one.place)) found.push(one);
  // Comments, and whatever the readers above do not know: forms speak for themselves anywhere.
  const placeOf = placesIn(configuration.file, configuration.text);
  for (const secret of shapedSecrets(configuration.text)) {
    if (
      found.some(
        (one) =>
          overlaps(one.secret.value, secret.value.replaceAll(/\\[rn]/g, '\n')) ||
          overlaps(one.secret.value, secret.value),
      )
    )
      continue;
    const place = placeOf({ start: secret.at, end: secret.at + secret.value.length });
    found.push({ secret, place, where: 'text', key: 'the text', server: null });
  }
  return found;
}

function overlaps(a: string, b: string): boolean {
  return a.includes(b) || b.includes(a);
}

export function secretsOfServer(server: ConfiguredServer): PlacedSecret[] {
  const placed = (where: PlacedSecret['where'], key: string, { text, place }: Word, name: string | null = key) =>
    secretsIn(name, text).map((secret): PlacedSecret => ({ secret, place, where, key, server }));
  const inUrl = (word: Word) =>
    secretsInUrl(word.text).map((one): PlacedSecret => ({ ...one, place: word.place, server }));
  return [
    ...server.env.flatMap((one) => placed('environment', one.name, one)),
    ...server.headers.flatMap((one) => placed('header', one.name, one)),
    ...secretsInArguments(server, inUrl),
    ...(server.url === null ? [] : inUrl(server.url)),
  ];
}

type InUrl = (word: Word) => readonly PlacedSecret[];

function secretsInArguments(server: ConfiguredServer, inUrl: InUrl): readonly PlacedSecret[] {
  const words = server.command.flatMap((word, i) => (i === 0 ? [] : shellWords(word)));
  return words.flatMap((word, i) => {
    const { option, value } = splitArgument(word.text, words[i - 1]?.text);
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return inUrl({ text: value, place: word.place });
    const key = option ?? `argument ${i + 1}`;
    return secretsIn(option, value).map((secret) => ({
      secret,
      place: word.place,
      where: 'argument' as const,
      key,
      server,
    }));
  });
}

/** `--key=value`, `--key value`, `-e KEY=value`, `KEY=value`. The name is null where nothing names the value. */
function splitArgument(text: string, before: string | undefined): { option: string | null; value: string } {
  const joined = /^(--?[A-Za-z][\w.-]*|[A-Za-z_][A-Za-z0-9_]*)=([\s\S]+)$/.exec(text);
  if (joined !== null) {
    const inner = /^--?(?:e|env|header|H)$/.test(joined[1]!) ? splitArgument(joined[2]!, undefined) : null;
    return inner?.option ? inner : { option: joined[1]!, value: joined[2]! };
  }
  if (before !== undefined && /^--?[A-Za-z][\w.-]*$/.test(before) && !text.startsWith('-')) {
    // `-y pkg`, `-c script` and their like name no value.
    if (/^-[A-Za-z]$|^--(?:yes|quiet|verbose|package|from)$/.test(before)) return { option: null, value: text };
    return { option: before, value: text };
  }
  return { option: null, value: text };
}

/** A script in one argument, as `sh -c` takes it, is several words. */
function shellWords(word: Word): readonly Word[] {
  if (
    !/\s/.test(word.text) ||
    /^[A-Za-z-]+:\s/.test(word.text) ||
    /^\s*[{[]/.test(word.text) ||
    word.text.includes('-----BEGIN')
  )
    return [word];
  return [...word.text.matchAll(/(?:[^\s"']|"(?:[^"\\]|\\.)*"|'[^']*')+/g)].map(([part]) => ({
    text: part.replace(/^(["'])([\s\S]*)\1$/, '$2').replace(/=(["'])([\s\S]*)\1$/, '=$2'),
    place: word.place,
  }));
}

type InText = Pick<PlacedSecret, 'secret' | 'where' | 'key'>;

/** User part, query and random-looking segments: an address with a secret in it is a secret that gets logged. */
function secretsInUrl(text: string): readonly InText[] {
  const found: InText[] = shapedSecrets(text).map((secret) => ({ secret, where: 'url', key: 'the URL' }));
  if (!URL.canParse(text)) return found;
  const url = new URL(text);
  const add = (key: string, secrets: readonly Secret[]) => {
    for (const secret of secrets)
      if (!found.some((one) => overlaps(one.secret.value, secret.value))) found.push({ secret, where: 'url', key });
  };
  for (const [name, value] of url.searchParams) add(`?${name}`, secretsIn(name, value));
  for (const segment of url.pathname.split('/'))
    if (isRandom(segment))
      add('the path of the URL', [
        { value: segment, name: 'random-looking secret', at: text.indexOf(segment), issuer: null },
      ]);
  return found;
}

/** Names whose values are names of variables, or lists of what was already agreed to. */
const NAMES_ONLY = /^(?:env_http_headers|env_vars|customApiKeyResponses|inputs|keybindings|keymap)$/;

function* settingsOutside({ root, servers, placeOf }: Configuration): Generator<PlacedSecret> {
  const serverOf = (node: Node) =>
    servers.find(({ node: one }) => one.start <= node.start && node.end <= one.end) ?? null;
  for (const { node, path } of leaves(root)) {
    if (node.kind !== 'text' || path.some((name) => NAMES_ONLY.test(name))) continue;
    const key = path.findLast((name) => !/^[0-9]+$/.test(name)) ?? '';
    const server = serverOf(node);
    // Outside of servers a word such as `key` means many things; a password says itself, the rest has to look like one.
    const counts = ({ issuer, value, name }: Secret) =>
      issuer !== null ||
      name === 'password' ||
      (name !== 'random-looking secret' && /^[\w+/=.:~-]{16,}$/.test(value) && /[0-9]/.test(value));
    for (const secret of secretsIn(key, node.value))
      if (counts(secret)) yield { secret, place: placeOf(node), where: 'setting', key: path.join('.'), server };
  }
}
