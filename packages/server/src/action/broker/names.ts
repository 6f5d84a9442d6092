// How credentials are called by operators: where they are, never what they are. And what `{user}` in a path becomes.

import type { CredentialRef, SecretRef } from '../../config/config.ts';
import { CredentialFault } from './held.ts';

/** A stable name: in lists, in records, in the notes of the store. */
export function credentialName(ref: CredentialRef): string {
  switch (ref.kind) {
    case 'env':
      return `env ${ref.name}`;
    case 'file':
      return `file ${ref.path}`;
    case 'command':
      return `command ${ref.command[0]}`;
    case 'stored':
      return `stored ${ref.name}`;
    case 'vault':
      return ref.read.kind === 'kv'
        ? `vault ${ref.url} ${ref.read.mount}/${ref.read.path} ${ref.read.field}`
        : `vault ${ref.url} ${ref.read.mount}/creds/${ref.read.role}`;
    case 'oauth':
      return `oauth ${ref.issuer} ${ref.clientId}`;
  }
}

/** Secrets that a credential needs in turn: what Vault or an authorization server knows us by. */
export function secretsBehind(ref: CredentialRef): readonly SecretRef[] {
  if (ref.kind === 'vault') return [ref.auth.kind === 'token' ? ref.auth.token : ref.auth.secretId];
  if (ref.kind !== 'oauth') return [];
  return [ref.auth.kind === 'secret' ? ref.auth.secret : { kind: 'file', path: ref.auth.path }];
}

/** For a sentence: the variable `MAIL_KEY`. */
export function describe(ref: SecretRef): string {
  switch (ref.kind) {
    case 'env':
      return `the variable \`${ref.name}\``;
    case 'file':
      return `the file \`${ref.path}\``;
    case 'command':
      return `the answer of \`${ref.command[0]}\``;
    case 'stored':
      return `the stored credential \`${ref.name}\``;
  }
}

const user = '{user}';

/** The path with the person's name in it. Rejected where there is nobody, or a name that would be another path. */
export function filledIn(path: string, person: string | null): string {
  if (!path.split('/').includes(user)) return path;
  if (person === null)
    throw new CredentialFault(`\`${path}\` is there for each person, and no person of this plane is asking`);
  // Never a separator, and never a segment that climbs.
  if (!/^(?!\.{1,2}$)[A-Za-z0-9._@+-]{1,128}$/.test(person)) {
    throw new CredentialFault(`\`${path}\` cannot hold a secret for a person of that name`);
  }
  return path
    .split('/')
    .map((segment) => (segment === user ? person : segment))
    .join('/');
}

/** The reference for this person alone. */
export function refFor(ref: CredentialRef, person: string | null): CredentialRef {
  if (ref.kind === 'stored') return { ...ref, name: filledIn(ref.name, person) };
  if (ref.kind !== 'vault' || ref.read.kind !== 'kv') return ref;
  return { ...ref, read: { ...ref.read, path: filledIn(ref.read.path, person) } };
}
