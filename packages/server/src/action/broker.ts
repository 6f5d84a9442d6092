// Credentials for tool servers, by reference: writ.yaml says where a secret is, the broker fetches it when a call needs it,
// and nobody before the gateway ever holds it. A missing credential is a denial whose cause only the operator sees.
// Leases bound to decision and task, and stores such as Vault, are for later; the references are the same.

import { deny, pass, type Verdict } from '@writ/core';
import type { SecretSources } from './secret-sources.ts';
import { createSecrets, type Secrets, secretCharsMin } from './secrets.ts';

/** Where a secret is, never what it is. */
export type SecretRef =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'command'; readonly command: readonly string[] };

export interface BrokeredServer {
  /** How the credential travels: as a bearer token, or in the environment of the server's process. */
  readonly transport: 'http' | 'stdio';
  readonly credential: SecretRef | null;
  /** Variables of the process: references, and plain text for what is no secret. */
  readonly environment: ReadonlyMap<string, SecretRef | { readonly kind: 'text'; readonly value: string }>;
}

export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly value: string }
  | { readonly kind: 'env'; readonly values: { readonly [name: string]: string } };

export interface Broker {
  /** What the server's call needs, or `action.credential_missing` with the cause in its detail. */
  credentialFor(server: string): Promise<Verdict<Credential>>;
  readonly secrets: Pick<Secrets, 'contains' | 'scanner'>;
}

/** What a logger may take. */
export function redacted(credential: Credential): { readonly kind: string; readonly names: readonly string[] } {
  return { kind: credential.kind, names: credential.kind === 'env' ? Object.keys(credential.values) : [] };
}

export function createBroker(ports: {
  readonly servers: ReadonlyMap<string, BrokeredServer>;
  readonly sources: SecretSources;
  /** A sentence for the operator, once per reference; never a value. */
  warn(says: string): void;
}): Broker {
  const secrets = createSecrets();
  const warned = new Set<string>();
  const warnOnce = (says: string): void => {
    if (!warned.has(says)) ports.warn(says);
    warned.add(says);
  };

  const fetch = async (reference: SecretRef): Promise<{ readonly value: string } | { readonly says: string }> => {
    const found = await ports.sources.read(reference);
    if ('says' in found) return found;
    if (found.warning !== null) warnOnce(found.warning);
    if (found.value === '') return { says: `${describe(reference)} is empty` };
    // A line break would end the header, and a NUL the variable, that it travels in.
    if (/[\0\r\n]/.test(found.value)) return { says: `${describe(reference)} holds more than one line` };
    if (!secrets.add(found.value)) {
      warnOnce(`${describe(reference)} is shorter than ${secretCharsMin} characters and is not recognised in results`);
    }
    return { value: found.value };
  };

  const environmentOf = async (server: BrokeredServer): Promise<Credential | { readonly says: string }> => {
    const values: Record<string, string> = {};
    const entries = [...server.environment];
    if (server.credential) {
      if (server.credential.kind !== 'env')
        return { says: 'a process takes its credential in a variable; name it under `mcp.env`' };
      entries.push([server.credential.name, server.credential]);
    }
    for (const [name, reference] of entries) {
      const found = reference.kind === 'text' ? reference : await fetch(reference);
      if ('says' in found) return found;
      values[name] = found.value;
    }
    return entries.length === 0 ? { kind: 'none' } : { kind: 'env', values };
  };

  const bearerOf = async ({ credential }: BrokeredServer): Promise<Credential | { readonly says: string }> => {
    if (!credential) return { kind: 'none' };
    const found = await fetch(credential);
    return 'says' in found ? found : { kind: 'bearer', value: found.value };
  };

  return {
    secrets,
    async credentialFor(key) {
      const server = ports.servers.get(key);
      if (!server) return deny('action.credential_missing', { server: key, cause: 'the server is not configured' });
      const found = await (server.transport === 'stdio' ? environmentOf(server) : bearerOf(server));
      return 'says' in found ? deny('action.credential_missing', { server: key, cause: found.says }) : pass(found);
    },
  };
}

export function describe(reference: SecretRef): string {
  if (reference.kind === 'env') return `the variable \`${reference.name}\``;
  return reference.kind === 'file' ? `the file \`${reference.path}\`` : `the answer of \`${reference.command[0]}\``;
}
