// The broker with all that it stands on: encrypted store and its key, Vault, authorization servers, leases and notes in the
// database. Opened with the upstreams, closed with them: what was taken is given back.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Call,
  type Decision,
  fromBase64Url,
  type JsonObject,
  type JsonValue,
  type Principal,
  type Revocations,
  type TokenFacts,
  toBase64Url,
} from '@writ/core';
import { CredentialFault } from '../action/broker/held.ts';
import { leaseStore } from '../action/broker/lease-store.ts';
import { createLeases } from '../action/broker/leases.ts';
import { credentialName } from '../action/broker/names.ts';
import { credentialNotes } from '../action/broker/notes.ts';
import { createOauthClient } from '../action/broker/oauth.ts';
import { createPlaceholders, isPlaceholder, type Placeholders } from '../action/broker/placeholders.ts';
import { keyWrapOf, openSealedStore, type SealedStore } from '../action/broker/sealed-store.ts';
import { sourceFor } from '../action/broker/sources.ts';
import { createVault } from '../action/broker/vault.ts';
import { openWeb } from '../action/broker/web.ts';
import { type Broker, createBroker } from '../action/broker.ts';
import { createSecretSources } from '../action/secret-sources.ts';
import { createSecrets } from '../action/secrets.ts';
import type { Config, CredentialRef, ServerConfig } from '../config/config.ts';
import { UpstreamError } from '../gateway/exchange.ts';
import type { Store } from '../store/store.ts';
import { signJwt } from '../token/jwt.ts';
import { keyFile } from '../token/key-files.ts';
import type { SigningKey } from '../token/keys.ts';
import type { StandIns } from './broker-secrets.ts';
import { createExposures, type Exposures } from './exposures.ts';

export interface BrokerRoom extends StandIns {
  readonly broker: Broker;
  readonly exposures: Exposures;
  /** What an allowed call to a tool server acts with, for its record (contract §6). */
  leaseOf(call: Call, decision: Decision): JsonObject | null;
  /** An answer as its caller may see it; null: it is withheld. */
  masked(value: JsonObject, server: string, decision: Decision): JsonObject | null;
  /** Arguments with the secrets that texts in them stand for; null: there are none. */
  substituted(args: JsonObject, server: string, decision: Decision): Promise<JsonObject | null>;
  endWithdrawn(view: Revocations): Promise<void>;
  close(): Promise<void>;
}

export interface BrokerDeps {
  readonly config: Config;
  readonly clock: { nowSeconds(): number };
  readonly environment: { readonly [name: string]: string | undefined };
  readonly store: Store;
  readonly replica: string;
  readonly issuer: string;
  /** A statement by the plane about a person, for one authorization server. */
  assert(claims: { readonly sub: string; readonly aud: string }): string;
  newId(): string;
  say(sentence: string): void;
  report(what: string, error: unknown): void;
  event(name: string, members: JsonObject): void;
}

const tendMillis = 15_000;

export async function openBroker(deps: BrokerDeps): Promise<BrokerRoom> {
  const { config, clock, store, say } = deps;
  const secrets = createSecrets();
  const notes = credentialNotes({ store, clock, key: await fingerprintKey(config.dataDir), report: deps.report });
  const sources = createSecretSources({
    environment: deps.environment,
    clock,
    stored: await openStoredCredentials(config.dataDir, clock),
  });
  const readSecret = async (ref: Parameters<typeof sources.read>[0]): Promise<string> => {
    const found = await sources.read(ref);
    if ('says' in found) throw new CredentialFault(found.says);
    secrets.add(found.value, credentialName(ref));
    notes.used(credentialName(ref), found.value);
    return found.value;
  };
  const personOf = (root: Principal | null): string | null =>
    root !== null && root.iss === deps.issuer && config.users.has(root.sub) ? root.sub : null;
  const web = openWeb(writtenOrigins(config));
  const vault = createVault({ web, clock, readSecret });
  const oauth = createOauthClient({
    web,
    clock,
    readSecret,
    assertion({ subject, audience }) {
      const sub = personOf(subject);
      return sub === null ? null : deps.assert({ sub, aud: audience });
    },
  });
  const servers = new Map([...config.servers].map(([key, server]) => [key, brokered(server)]));
  const bySource = new Map(
    [...servers].map(([key, { credential, url }]) => [
      key,
      credential && sourceFor(credential, url, { vault, oauth, clock, personOf }),
    ]),
  );
  const leases = createLeases({
    sourceOf: (server) => bySource.get(server) ?? null,
    store: leaseStore(store, deps.replica),
    clock,
    newId: deps.newId,
    say,
  });
  const broker = createBroker({
    servers,
    sources,
    secrets,
    leases,
    notes,
    web,
    clock,
    personOf,
    warn: say,
    event: deps.event,
  });
  await leases.recover();
  const tending = setInterval(() => {
    Promise.all([vault.tend(), leases.tend()]).catch((error: unknown) => deps.report('credentials', error));
  }, tendMillis);
  tending.unref();
  const placeholders = createPlaceholders(deps.newId);
  const exposures = createExposures({ secrets, notes, placeholders, namesOf: broker.namesOf, event: deps.event });
  return {
    broker,
    exposures,
    mayStand(text, { server, root, task }) {
      const name = placeholders.credentialOf(text, task);
      return name !== null && broker.isOwn(server, { root, task }, name);
    },
    masked: (value, server, { id, token }) =>
      exposures.shown(value, { server, decision: id, task: token.facts!.chain.task }),
    substituted: (args, server, { token }) =>
      substituted(args, server, token.facts!, { broker, placeholders }).catch((error: Error) => {
        throw new UpstreamError(`\`${server}\` has no credential: ${error.message}`, {
          code: 'action.credential_missing',
        });
      }),
    leaseOf: (call, decision) => leaseOf(broker, call, decision),
    endWithdrawn: (view) => leases.endWithdrawn(view),
    async close() {
      clearInterval(tending);
      await leases.close();
      await vault.close();
      await notes.settled();
      await web.close();
    },
  };
}

/** Only whole values; where the text stands was judged, and what is put in is not read again (rules §5). */
async function substituted(
  args: JsonObject,
  server: string,
  { root, chain }: TokenFacts,
  { broker, placeholders }: { readonly broker: Broker; readonly placeholders: Placeholders },
): Promise<JsonObject | null> {
  let found = false;
  const put = async (value: JsonValue): Promise<JsonValue> => {
    if (typeof value === 'string') {
      const name = isPlaceholder(value) ? placeholders.credentialOf(value, chain.task) : null;
      const secret = name === null ? null : await broker.secretFor(server, { root, task: chain.task }, name);
      if (secret === null) return value;
      found = true;
      return secret;
    }
    if (Array.isArray(value)) return Promise.all(value.map(put));
    if (value === null || typeof value !== 'object') return value;
    const members = Object.entries(value as JsonObject);
    return Object.fromEntries(await Promise.all(members.map(async ([key, one]) => [key, await put(one)] as const)));
  };
  const filled = (await put(args)) as JsonObject;
  return found ? filled : null;
}

function leaseOf(broker: Broker, { target }: Call, { outcome, id, token }: Decision): JsonObject | null {
  const facts = token.facts;
  if (outcome !== 'allow' || target.kind === 'agent' || !facts) return null;
  const { root, chain, tokenId, untilSeconds } = facts;
  const ask = { root, task: chain.task, decision: id, token: { id: tokenId, chain }, untilSeconds };
  const lease = broker.leaseFor(target.server, ask);
  return lease && { ...lease };
}

/** RFC 8693 §2.1, RFC 7523 §3: who is asking, said by the plane to one authorization server, for a minute and once. */
export function assertionFor(
  key: SigningKey,
  claims: { readonly iss: string; readonly sub: string; readonly aud: string },
  { clock, newId }: Pick<BrokerDeps, 'clock' | 'newId'>,
): string {
  const iat = clock.nowSeconds();
  // A `typ` of its own (rules §7.4): nobody can take it for an access token.
  return signJwt(key, 'writ-assertion+jwt', { ...claims, iat, exp: iat + 60, jti: newId() });
}

/** `<data>/credentials`, opened by the key beside the plane's others (rules §7.4). */
export async function openStoredCredentials(dataDir: string, clock: { nowSeconds(): number }): Promise<SealedStore> {
  const key = await keyOf(dataDir, 'credentials.key');
  return openSealedStore({ dir: join(dataDir, 'credentials'), keys: keyWrapOf('file', key), clock });
}

const fingerprintKey = (dataDir: string) => keyOf(dataDir, 'credential-notes.key');

async function keyOf(dataDir: string, name: string): Promise<Uint8Array> {
  const fresh = () => toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
  const text = await keyFile(join(dataDir, 'keys'), name, fresh);
  const key = fromBase64Url(text.trim());
  if (key?.length !== 32) throw new Error(`\`${join(dataDir, 'keys', name)}\` holds no key; put it back from a copy`);
  return key;
}

function brokered({ mcp, http, credential }: ServerConfig) {
  return mcp?.kind === 'command'
    ? { transport: 'stdio' as const, url: null, shared: mcp.shared, credential, environment: mcp.env }
    : { transport: 'http' as const, url: (mcp ?? http).url, shared: false, credential, environment: new Map() };
}

/** What the operator wrote may be private, and is asked with the certificates that were named for it. */
function writtenOrigins(config: Config) {
  const origins = new Set<string>();
  const anchors = new Map<string, string>();
  const add = (url: string) => origins.add(new URL(url).origin);
  const addCredential = (credential: CredentialRef | null) => {
    if (credential?.kind === 'oauth') add(credential.issuer);
    if (credential?.kind !== 'vault') return;
    add(credential.url);
    if (credential.caFile !== null)
      anchors.set(new URL(credential.url).origin, readFileSync(credential.caFile, 'utf8'));
  };
  for (const { mcp, http, credential } of config.servers.values()) {
    if (mcp?.kind !== 'command') add((mcp ?? http).url);
    addCredential(credential);
  }
  return { origins, anchors };
}
