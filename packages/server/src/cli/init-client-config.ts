// Reading `mcpServers` of a desktop client (Claude Desktop, Cursor and those alike). What may be a secret leaves the file:
// a wrong guess costs a line in writ.env, the other wrong guess would copy a secret into a file that gets shared.

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';

export interface TakenServer {
  readonly mcp: JsonObject;
  readonly credential?: JsonObject;
}

export interface ClientServers {
  readonly servers: ReadonlyMap<string, TakenServer>;
  /** Environment variable → value. */
  readonly secrets: ReadonlyMap<string, string>;
  /** What was not taken over, and why. */
  readonly notes: readonly string[];
}

export function serversOf(written: JsonObject): ClientServers {
  const servers = new Map<string, TakenServer>();
  const secrets = new Map<string, string>();
  const notes: string[] = [];
  for (const [name, entry] of Object.entries(written)) {
    const key = freeKey(name, servers);
    const taken = isJsonObject(entry) ? takeServer(key, entry, secrets) : 'it is not a map';
    if (typeof taken === 'string') notes.push(`\`${name}\` was not taken over: ${taken}`);
    else servers.set(key, taken);
    if (typeof taken !== 'string' && key !== name) notes.push(`\`${name}\` is called \`${key}\` here`);
  }
  return { servers, secrets, notes };
}

function freeKey(name: string, taken: ReadonlyMap<string, unknown>): string {
  const plain = name.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^[-_]+|-+$/g, '') || 'server';
  const base = plain === 'writ' ? 'writ-server' : plain;
  for (let i = 1; ; i++) {
    const key = i === 1 ? base : `${base}-${i}`;
    if (!taken.has(key)) return key;
  }
}

/** The server, or why not. */
function takeServer(key: string, entry: JsonObject, secrets: Map<string, string>): TakenServer | string {
  const { command, args = [], env = {}, url, headers = {} } = entry;
  if (typeof command === 'string') {
    if (!Array.isArray(args) || !args.every((one) => typeof one === 'string'))
      return 'its `args` are not a list of texts';
    if (!isJsonObject(env)) return 'its `env` is not a map';
    const words = args as readonly string[];
    if (words.some(isSecretArgument))
      return 'its command line holds what looks like a secret; hand it over by environment and take it over then';
    const environment = Object.entries(env).map(
      ([name, value]) => [name, environmentValue(name, String(value), secrets)] as const,
    );
    const mcp: JsonObject = { command: [command, ...words] };
    return { mcp: environment.length === 0 ? mcp : { ...mcp, env: Object.fromEntries(environment) } };
  }
  if (typeof url === 'string') return takeRemote(key, url, isJsonObject(headers) ? headers : {}, secrets);
  return 'it has neither `command` nor `url`';
}

function takeRemote(
  key: string,
  text: string,
  headers: JsonObject,
  secrets: Map<string, string>,
): TakenServer | string {
  if (!URL.canParse(text) || !/^https?:/.test(text)) return `\`url\` is not an http URL`;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.search !== '')
    return 'its URL holds a user or a query, where secrets hide; write it by hand';
  const authorization = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization')?.[1];
  if (Object.keys(headers).length > (authorization === undefined ? 0 : 1))
    return 'it needs headers other than `Authorization`, which this version does not send';
  if (authorization === undefined) return { mcp: { url: text } };
  const bearer = /^Bearer +(\S+)$/i.exec(String(authorization))?.[1];
  if (bearer === undefined) return 'its `Authorization` is not a bearer token';
  const name = secretName(`${key}_TOKEN`, bearer, secrets);
  return { mcp: { url: text }, credential: { env: name } };
}

function environmentValue(name: string, value: string, secrets: Map<string, string>): JsonValue {
  // A reference already, in the spelling of some clients.
  const reference = /^\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(value)?.[1];
  if (reference !== undefined) return { env: reference };
  return isHarmless(name, value) ? value : { env: secretName(name, value, secrets) };
}

/** Two servers may use one name for different secrets. */
function secretName(wanted: string, value: string, secrets: Map<string, string>): string {
  const plain = wanted
    .toUpperCase()
    .replace(/[^A-Z0-9_]/g, '_')
    .replace(/^(?=[0-9])/, '_');
  for (let i = 1; ; i++) {
    const name = i === 1 ? plain : `${plain}_${i}`;
    if (!secrets.has(name) || secrets.get(name) === value) {
      secrets.set(name, value);
      return name;
    }
  }
}

const secretWord = /key|token|secret|pass|pwd|auth|cred|cookie|session|private|dsn|connection/i;

/** Plain switches, numbers, paths and addresses without a user or a query. Everything else is treated as a secret. */
function isHarmless(name: string, value: string): boolean {
  if (secretWord.test(name)) return false;
  if (/^(?:true|false|yes|no|on|off|-?[0-9]{1,9}(?:\.[0-9]+)?|[a-z]{1,12})$/i.test(value)) return true;
  if (/^(?:\/|\.\/|~\/)[^\s:@]*$/.test(value)) return true;
  return /^https?:\/\/[^\s@?#]+$/.test(value);
}

function isSecretArgument(word: string): boolean {
  const [option, value] = word.includes('=')
    ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]
    : ['', word];
  if (option !== '' && secretWord.test(option) && value.length >= 8) return true;
  if (/^[a-z]+:\/\/[^\s/@]+:[^\s/@]+@/i.test(value)) return true;
  // Long, of one piece, and of mixed alphabets: what generators of secrets make and people do not.
  return /^[A-Za-z0-9_-]{24,}$/.test(value) && /[0-9]/.test(value) && /[A-Z]/.test(value) && /[a-z]/.test(value);
}
