// Where the secrets of tool servers are (rules §7.6): in a variable, a file, a program's answer, the plane's own encrypted store,
// Vault or OpenBao, or at somebody else's authorization server. Always a reference; a value is never written into the file.
// Both sides of it: what may be written, and what it means.

import * as z from 'zod';
import type { CredentialRef, EnvironmentValue, OauthRef, SecretRef, VaultRef } from './config.ts';
import { closed, environmentName, listOf, oneOf, oneOfWords, path, someText, webUrl, word } from './words.ts';

const commandWords = listOf(someText, 'command words').min(1, { error: 'at least the program' });

/** Segments that mean themselves: nothing to climb with, nothing that a URL reads otherwise. `{user}`: one for each person. */
const segment = String.raw`(?:\{user\}|(?!\.{1,2}(?:\/|$))[A-Za-z0-9._@+-]+)`;
const segments = new RegExp(String.raw`^${segment}(?:\/${segment}){0,15}$`);
/** A name that one stored credential can have: `{user}` is nobody's. */
export function isStoredName(text: string): boolean {
  return segments.test(text) && !text.includes('{');
}

const storedName = word(segments, 'a name such as `mail` or `mail/{user}`');
const vaultPath = word(segments, 'a path such as `mail/key` or `mail/{user}`');
const mount = word(
  /^(?!\.{1,2}(?:\/|$))[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*){0,7}$/,
  'a mount path',
);

const plain = {
  env: environmentName.optional(),
  file: path.optional(),
  command: commandWords.optional(),
  stored: storedName.optional(),
};
const plainKeys = ['env', 'file', 'command', 'stored'] as const;

/** A plain secret: what another credential needs in turn, such as Vault's token, or what a decision point takes. */
export const secret = closed(plain, 'a reference to a secret, `{ file: PATH }`')
  .refine(oneOf(...plainKeys), { error: 'exactly one of `env`, `file`, `command` and `stored`' })
  .meta({ minProperties: 1, maxProperties: 1 });

/** A secret is sent there: TLS, or this machine itself. */
export const secretUrl = webUrl.refine(
  (url) => /^(?:https:|http:\/\/(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?=[:/]|$))/.test(url),
  {
    error: 'an https URL, or http on loopback',
  },
);

const vault = closed(
  {
    url: secretUrl,
    namespace: word(/^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*\/?$/, 'a namespace').optional(),
    ca: path.optional(),
    token: secret.optional(),
    approle: closed(
      { roleId: someText, secretId: secret, mount: mount.optional() },
      'a map of `roleId` and `secretId`',
    ).optional(),
    kv: closed({ path: vaultPath, field: someText, mount: mount.optional() }, 'a map of `path` and `field`').optional(),
    database: closed(
      { role: word(/^[A-Za-z0-9_-]+$/, 'a role'), mount: mount.optional() },
      'a map with the `role` of a database secrets engine',
    ).optional(),
  },
  'a place in Vault or OpenBao',
)
  .refine(oneOf('token', 'approle'), { error: 'either `token` or `approle`' })
  .refine(oneOf('kv', 'database'), { error: 'either `kv` or `database`' });

const scopeWord = word(/^[\x21\x23-\x5B\x5D-\x7E]+$/, 'a scope as RFC 6749 §3.3 has it');

const oauth = closed(
  {
    issuer: secretUrl,
    clientId: someText,
    secret: secret.optional(),
    key: path.optional(),
    grant: oneOfWords(['client_credentials', 'token_exchange']).optional(),
    scopes: listOf(scopeWord, 'scopes').optional(),
    stepUp: listOf(scopeWord, 'scopes').optional(),
    resource: webUrl.optional(),
    audience: someText.optional(),
    challenged: z.boolean({ error: '`true` or `false`' }).optional(),
  },
  'an OAuth client at another authorization server',
).refine(oneOf('secret', 'key'), { error: 'either `secret`, or `key` for private_key_jwt' });

export const credential = closed(
  { ...plain, vault: vault.optional(), oauth: oauth.optional() },
  'a reference to a secret, `{ env: NAME }`, `{ file: PATH }`, `{ command: […] }`, `{ stored: NAME }`, `{ vault: … }` or `{ oauth: … }`',
)
  .refine(oneOf(...plainKeys, 'vault', 'oauth'), {
    error: 'exactly one of `env`, `file`, `command`, `stored`, `vault` and `oauth`',
  })
  .meta({ minProperties: 1, maxProperties: 1 });

/** For a server's own process: plain text for what is no secret, a reference for what is. */
export const environmentValue = z.union(
  [
    z.string(),
    closed(
      {
        env: environmentName.optional(),
        file: path.optional(),
        stored: storedName.optional(),
        credential: word(/^[A-Za-z0-9_-]+$/, '`value`, `username` or `password`').optional(),
      },
      'a reference',
    ).refine(oneOf('env', 'file', 'stored', 'credential'), {
      error: 'exactly one of `env`, `file`, `stored` and `credential`',
    }),
  ],
  { error: 'text in quotes, `{ env: NAME }`, `{ file: PATH }`, `{ stored: NAME }` or `{ credential: value }`' },
);

type At = (path: string) => string;

export function credentialOf(written: z.output<typeof credential>, at: At): CredentialRef {
  if (written.vault !== undefined) return vaultOf(written.vault, at);
  if (written.oauth !== undefined) return oauthOf(written.oauth, at);
  return secretOf(written, at);
}

export function environmentValueOf(written: z.output<typeof environmentValue>, at: At): EnvironmentValue {
  if (typeof written === 'string') return { kind: 'text', value: written };
  if (written.credential !== undefined) return { kind: 'credential', field: written.credential };
  return secretOf(written, at) as EnvironmentValue;
}

export function secretOf(written: z.output<typeof secret>, at: At): SecretRef {
  if (written.env !== undefined) return { kind: 'env', name: written.env };
  if (written.file !== undefined) return { kind: 'file', path: at(written.file) };
  if (written.stored !== undefined) return { kind: 'stored', name: written.stored };
  return { kind: 'command', command: written.command! };
}

function vaultOf({ token, approle, kv, database, ...written }: z.output<typeof vault>, at: At): VaultRef {
  return {
    kind: 'vault',
    url: written.url.replace(/\/+$/, ''),
    namespace: written.namespace ?? null,
    caFile: written.ca === undefined ? null : at(written.ca),
    auth: token
      ? { kind: 'token', token: secretOf(token, at) }
      : {
          kind: 'approle',
          mount: approle!.mount ?? 'approle',
          roleId: approle!.roleId,
          secretId: secretOf(approle!.secretId, at),
        },
    read: kv
      ? { kind: 'kv', mount: kv.mount ?? 'secret', path: kv.path, field: kv.field }
      : { kind: 'database', mount: database!.mount ?? 'database', role: database!.role },
  };
}

function oauthOf(written: z.output<typeof oauth>, at: At): OauthRef {
  return {
    kind: 'oauth',
    issuer: written.issuer,
    clientId: written.clientId,
    auth: written.secret
      ? { kind: 'secret', secret: secretOf(written.secret, at) }
      : { kind: 'key', path: at(written.key!) },
    grant: written.grant ?? 'client_credentials',
    scopes: written.scopes ?? [],
    stepUp: written.stepUp ?? [],
    resource: written.resource ?? null,
    audience: written.audience ?? null,
    challenged: written.challenged ?? false,
  };
}
