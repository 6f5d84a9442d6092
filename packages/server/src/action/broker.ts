// Credentials for tool servers, by reference: writ.yaml says where a secret is, the broker fetches it when a call needs it,
// and nobody before the gateway ever holds it. A missing credential is a denial whose cause only the operator sees. What can be
// taken for a while is taken under a lease and given back (broker/leases.ts).

import { deny, type JsonObject, pass, type Verdict } from '@writ/core';
import type { CredentialRef, EnvironmentValue, OauthRef, SecretRef } from '../config/config.ts';
import { type Challenge, readChallenge, readResource, scopesToAsk } from './broker/challenge.ts';
import { CredentialFault, type Held } from './broker/held.ts';
import type { Lease, LeaseAsk, Leases, Use } from './broker/leases.ts';
import { credentialName, describe, refFor } from './broker/names.ts';
import type { Notes } from './broker/notes.ts';
import type { SourcePorts } from './broker/sources.ts';
import { type Web, WebError } from './broker/web.ts';
import type { SecretSources } from './secret-sources.ts';
import { type Secrets, secretCharsMin } from './secrets.ts';

export type { SecretRef } from '../config/config.ts';

export interface BrokeredServer {
  /** How the credential travels: as a bearer token, or in the environment of the server's process. */
  readonly transport: 'http' | 'stdio';
  /** Where it listens; null for a process. */
  readonly url: string | null;
  /** One process for everybody: its credential is the plane's, not a task's. */
  readonly shared: boolean;
  readonly credential: CredentialRef | null;
  /** Variables of the process: references, and plain text for what is no secret. */
  readonly environment: ReadonlyMap<string, EnvironmentValue>;
}

export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly value: string }
  | { readonly kind: 'env'; readonly values: { readonly [name: string]: string } };

/** What the decision's record says of its lease (contract §6). */
export interface LeaseNote {
  readonly id: string;
  readonly credential: string;
  /** Decision that opened it; null: the plane's own. */
  readonly decision: string | null;
}

export interface Broker {
  /** What the server's call needs, or `action.credential_missing` with the cause in its detail. */
  credentialFor(server: string, use: Use): Promise<Verdict<Credential>>;
  /** The lease that an allowed call will be under; null where the server has no credential. */
  leaseFor(server: string, ask: LeaseAsk): LeaseNote | null;
  /** The server answered 401 or 403. True: it has a credential now that it may be asked with once more. */
  challenged(
    server: string,
    use: Use,
    answer: { readonly status: number; readonly challenge: string },
  ): Promise<boolean>;
  /** The server's own credential as a text, where it is the one of that name; null where it is another's. */
  secretFor(server: string, use: Use, name: string): Promise<string | null>;
  /** Is that the name of the credential which the server's calls travel with in this root's name? */
  isOwn(server: string, use: Use, name: string): boolean;
  /** Names of the credentials that this server was given: a result that holds one is withheld (rules §7.6). */
  namesOf(server: string): ReadonlySet<string>;
}

export interface BrokerPorts {
  readonly servers: ReadonlyMap<string, BrokeredServer>;
  readonly sources: SecretSources;
  readonly secrets: Pick<Secrets, 'add'>;
  readonly leases: Leases;
  readonly notes: Pick<Notes, 'used'>;
  readonly web: Web;
  readonly clock: { nowSeconds(): number };
  readonly personOf: SourcePorts['personOf'];
  /** A sentence for the operator, once per reference; never a value. */
  warn(says: string): void;
  /** For the log. */
  event(name: string, members: JsonObject): void;
}

/** What a logger may take. */
export function redacted(credential: Credential): { readonly kind: string; readonly names: readonly string[] } {
  return { kind: credential.kind, names: credential.kind === 'env' ? Object.keys(credential.values) : [] };
}

/** How often a server may ask for a token within one task and ten minutes: once for the first, twice for more scopes. */
const challengesMax = 3;
const challengesSeconds = 600;

const nobody: Use = { root: null, task: null };

export function createBroker(ports: BrokerPorts): Broker {
  const { servers, leases } = ports;
  const warned = new Set<string>();
  const warnOnce = (says: string): void => {
    if (!warned.has(says)) ports.warn(says);
    warned.add(says);
  };
  const given = new Map<string, Set<string>>();

  const note = (server: string, name: string, value: string): void => {
    // A line break would end the header, and a NUL the variable, that it travels in.
    if (/[\0\r\n]/.test(value)) throw new CredentialFault(`\`${name}\` holds more than one line`);
    if (!ports.secrets.add(value, name)) {
      warnOnce(`\`${name}\` is shorter than ${secretCharsMin} characters and is not recognised in results`);
    }
    if (!given.has(server)) given.set(server, new Set());
    given.get(server)!.add(name);
    ports.notes.used(name, value);
  };

  const readPlain = async (server: string, written: SecretRef, use: Use): Promise<string> => {
    const ref = refFor(written, ports.personOf(use.root)) as SecretRef;
    const found = await ports.sources.read(ref);
    if ('says' in found) throw new CredentialFault(found.says);
    if (found.warning !== null) warnOnce(found.warning);
    if (found.value === '') throw new CredentialFault(`${describe(ref)} is empty`);
    note(server, credentialName(ref), found.value);
    return found.value;
  };

  const readLeased = async (server: string, ref: CredentialRef, use: Use): Promise<Held['fields']> => {
    const { fields } = await leases.held(leases.find(server, use)!);
    const name = credentialName(refFor(ref, ports.personOf(use.root)));
    // A user name is no secret, and stands in many places.
    for (const [field, value] of Object.entries(fields)) if (field !== 'username') note(server, name, value);
    return fields;
  };

  const fieldsOf = async (server: string, ref: CredentialRef, use: Use): Promise<Held['fields']> =>
    ref.kind === 'vault' || ref.kind === 'oauth'
      ? readLeased(server, ref, use)
      : { value: await readPlain(server, ref, use) };

  const ownName = (server: string, use: Use): string | null => {
    const ref = servers.get(server)?.credential;
    try {
      return ref ? credentialName(refFor(ref, ports.personOf(use.root))) : null;
    } catch {
      return null; // for each person, and nobody of this plane is asking
    }
  };

  const environmentOf = async (key: string, server: BrokeredServer, use: Use): Promise<Credential> => {
    const { credential, environment } = server;
    const values: Record<string, string> = {};
    const named = [...environment.values()].some(({ kind }) => kind === 'credential');
    if (credential && credential.kind !== 'env' && !named) {
      throw new CredentialFault('a process takes its credential in a variable; name it under `mcp.env`');
    }
    const fields = credential ? await fieldsOf(key, credential, use) : {};
    if (credential?.kind === 'env') values[credential.name] = fields.value!;
    for (const [name, reference] of environment) {
      if (reference.kind === 'text') values[name] = reference.value;
      else if (reference.kind !== 'credential') values[name] = await readPlain(key, reference, use);
      else if (Object.hasOwn(fields, reference.field)) values[name] = fields[reference.field]!;
      else throw new CredentialFault(`its credential has no field \`${reference.field}\` for the variable \`${name}\``);
    }
    return Object.keys(values).length === 0 ? { kind: 'none' } : { kind: 'env', values };
  };

  const bearerOf = async (key: string, { credential }: BrokeredServer, use: Use): Promise<Credential> => {
    if (!credential) return { kind: 'none' };
    if (credential.kind === 'oauth' && credential.challenged && !leases.find(key, use)?.asked) return { kind: 'none' };
    const { value } = await fieldsOf(key, credential, use);
    return { kind: 'bearer', value: value! };
  };

  /** The server asks for a token, or for another one. What it may have is what the operator wrote. */
  const answered = async (
    lease: Lease,
    ref: OauthRef,
    url: string,
    challenge: Challenge,
    status: number,
  ): Promise<boolean> => {
    const held = lease.asked?.scopes ?? [];
    const wider = status === 403;
    if (wider && challenge.error !== 'insufficient_scope') return false;
    const nowSeconds = ports.clock.nowSeconds();
    const recent =
      lease.asked !== null && nowSeconds < lease.asked.sinceSeconds + challengesSeconds ? lease.asked : null;
    const times = (recent?.times ?? 0) + 1;
    if (times > challengesMax)
      throw new CredentialFault(`the server asked for another token ${times} times in one task`);
    const offered = wider ? [] : await readResource({ web: ports.web, url, ref }, challenge);
    const scopes = scopesToAsk(ref, held, challenge, offered);
    // Asked again for what it has: another token would be refused like this one.
    if (wider && scopes.length === held.length) return false;
    await leases.forget(lease);
    ports.event('credential.challenged', {
      server: lease.server,
      lease: lease.id,
      decision: lease.decision,
      status,
      scopes,
    });
    lease.asked = { scopes, times, sinceSeconds: recent?.sinceSeconds ?? nowSeconds };
    return true;
  };

  return {
    async credentialFor(key, asked) {
      const server = servers.get(key);
      if (!server) return deny('action.credential_missing', { server: key, cause: 'the server is not configured' });
      const use = server.shared ? nobody : asked;
      try {
        // Also where the secret itself has no end: the task has one.
        if (server.credential && leases.find(key, use) === null)
          throw new CredentialFault('its lease ended with its task');
        return pass(
          await (server.transport === 'stdio' ? environmentOf(key, server, use) : bearerOf(key, server, use)),
        );
      } catch (error) {
        if (!(error instanceof CredentialFault || error instanceof WebError)) throw error;
        return deny('action.credential_missing', { server: key, cause: error.message });
      }
    },

    leaseFor(key, ask) {
      const server = servers.get(key);
      if (!server?.credential) return null;
      const lease = server.shared ? leases.find(key, nobody)! : leases.open(key, ask);
      return { id: lease.id, credential: credentialName(server.credential), decision: lease.decision };
    },

    async challenged(key, asked, { status, challenge: header }) {
      const server = servers.get(key);
      const ref = server?.credential;
      const challenge = readChallenge(header);
      if (server?.url == null || ref?.kind !== 'oauth' || challenge === null) return false;
      const lease = leases.find(key, server.shared ? nobody : asked);
      if (lease === null) return false;
      try {
        return await answered(lease, ref, server.url, challenge, status);
      } catch (error) {
        if (!(error instanceof CredentialFault || error instanceof WebError)) throw error;
        warnOnce(`\`${key}\`: ${error.message}`);
        return false;
      }
    },

    isOwn: (key, use, name) => ownName(key, use) === name,

    async secretFor(key, use, name) {
      const ref = servers.get(key)?.credential;
      if (!ref || ownName(key, use) !== name) return null;
      return (await fieldsOf(key, ref, servers.get(key)!.shared ? nobody : use)).value ?? null;
    },

    namesOf: (server) => given.get(server) ?? new Set(),
  };
}
