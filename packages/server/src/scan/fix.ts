// The piece of writ.yaml that puts a thing right, as text with a comment on top. Every piece loads once `version` and `trustDomain`
// stand above it (fix.test.ts holds that true); no secret is ever written into one, only where it comes from.

import type { JsonObject, JsonValue } from '@writ/core';
import { Document, visit } from 'yaml';
import type { ConfiguredServer } from './configuration.ts';
import { hostKind, plainUrl } from './hosts.ts';
import { secretsOfServer } from './secret-places.ts';
import { isReference, saysSecret } from './secrets.ts';

export interface Piece {
  readonly agents?: JsonObject;
  readonly servers?: JsonObject;
  readonly allow?: readonly JsonObject[];
}

/** `says` is what to do, in one or more lines; it becomes the comment. Entries stand on one line each, as writ.yaml has them. */
export function fixOf(says: string, piece: Piece = {}): string {
  const comment = says.split('\n').map((line) => `# ${line}\n`);
  if (Object.keys(piece).length === 0) return comment.join('');
  const document = new Document(piece);
  visit(document, {
    Map: (_, node, path) => {
      // The document, its map and its pair lie above an entry.
      if (path.length >= 4) node.flow = true;
    },
  });
  return comment.join('') + document.toString({ lineWidth: 0 });
}

/** The server behind Writ, secrets as references. `over` replaces members. */
export function serverPiece(server: ConfiguredServer, over: JsonObject = {}): JsonObject {
  return { [serverKey(server.name)]: { ...serverEntry(server), ...over } };
}

/** An agent of the client, which calls the server and nothing else. */
export function agentPiece(server: ConfiguredServer, scopes?: readonly string[]): JsonObject {
  const key = serverKey(server.name);
  const entry = { attest: { launched: true }, calls: [key], ...(scopes === undefined ? {} : { scopes }) };
  return { [agentKey(server.client)]: entry };
}

/** Server keys are one segment of letters, digits, `_` and `-`; `writ` is the plane's own. Contract §5. */
export function serverKey(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '');
  if (plain === 'writ' || plain === '__proto__') return `${plain.replaceAll('_', '')}-server`;
  return plain === '' ? 'server' : plain.slice(0, 64);
}

export function agentKey(client: string): string {
  return `${serverKey(client)}/main`;
}

export function keyOfUrl(url: string): string {
  const { hostname, port } = new URL(url);
  return serverKey(`${hostname}${port === '' ? '' : `-${port}`}`);
}

/** An entry for an endpoint that no configuration names. */
export function urlEntry(url: string): JsonObject {
  return { mcp: { url: safeUrl(url) ?? 'https://mcp.example.org/mcp' } };
}

/** Plain, and https wherever it leaves the machine. */
export function safeUrl(text: string): string | null {
  const plain = plainUrl(text);
  if (plain === null) return null;
  const url = new URL(plain);
  return url.protocol === 'http:' && hostKind(url.hostname) !== 'loopback' ? plain.replace(/^http:/, 'https:') : plain;
}

function serverEntry(server: ConfiguredServer): JsonObject {
  const secrets = secretsOfServer(server);
  const isSecret: IsSecret = (where, key) => secrets.some((one) => one.where === where && one.key === key);
  const values = secrets
    .filter(({ where }) => where === 'argument' || where === 'url')
    .map(({ secret }) => secret.value);
  const command = server.command.map(({ text }) => withoutSecrets(text, values)).filter((word) => /\S/.test(word));
  if (command.length > 0) return { mcp: { command, ...environmentOf(server, isSecret) } };
  const url = server.url === null ? null : safeUrl(withoutSecrets(server.url.text, values));
  return { mcp: { url: url ?? 'https://mcp.example.org/mcp' }, ...credentialOf(server, isSecret) };
}

type IsSecret = (where: string, key: string) => boolean;

/** Plain text for what is no secret, a reference for what is or may be. */
function environmentOf(server: ConfiguredServer, isSecret: IsSecret): JsonObject {
  const env = server.env.flatMap(({ name, text }): readonly (readonly [string, JsonValue])[] => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name === '__proto__') return [];
    const reference = /^\$\{?(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}?$/.exec(text)?.[1];
    const isText = reference === undefined && !isSecret('environment', name) && !isReference(text) && !saysSecret(name);
    return [[name, isText ? text : { env: reference ?? name }]];
  });
  return env.length === 0 ? {} : { env: Object.fromEntries(env) };
}

function credentialOf(server: ConfiguredServer, isSecret: IsSecret): JsonObject {
  const has = server.headers.some(({ name }) => isSecret('header', name) || /^authorization$/i.test(name));
  return has ? { credential: { env: environmentName(`${server.name}_TOKEN`) } } : {};
}

/** What a secret leaves behind where it stood: a word that stands out. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((all, secret) => all.replaceAll(secret, 'SECRET'), text);
}

export function environmentName(wanted: string): string {
  return wanted
    .toUpperCase()
    .replace(/[^A-Z0-9_]+/g, '_')
    .replace(/^(?=[0-9])/, '_');
}
