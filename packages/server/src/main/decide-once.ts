// `writ decide` (contract §2): one decision from a configuration and a request, without a plane and without any side effect.
// The credential is judged with the keys in the data folder, when there are any.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Call,
  canonicalJson,
  decide,
  decisionRecord,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type PeerOnWire,
  type PublicKey,
  parseSpiffeId,
  type Resource,
} from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { listingOfPins } from '../action/pins.ts';
import { toldTask } from '../action/tasks/told-task.ts';
import type { Config } from '../config/config.ts';
import { digestOf } from '../gateway/http-io.ts';
import { openStore } from '../store/store.ts';
import { keysById, openKeys } from '../token/keys.ts';
import { openPolicy } from './policy.ts';
import { readPorts } from './ports.ts';
import { type Bases, endpointOf, memoryOf, serverKind, standingOf } from './standing.ts';
import { createWorldHolder } from './world.ts';

export interface DecideOnce {
  readonly config: Config;
  readonly request: JsonObject;
}

/** The decision in the shape of contract §6, without sequence, result and proof. Throws a sentence for a malformed request. */
export async function decideOnce({ config, request }: DecideOnce): Promise<JsonObject> {
  const bases = basesOf(config);
  const nowSeconds = secondsOf(request.now) ?? Math.floor(Date.now() / 1000);
  const clock = { nowSeconds: () => nowSeconds, nowMillis: () => nowSeconds * 1000 };
  const stateFile = join(config.dataDir, 'state.db');
  const store = await openStore({ file: existsSync(stateFile) ? stateFile : ':memory:', clock });
  try {
    const quiet = () => {};
    const policy = await openPolicy({
      config,
      issuer: bases.issuer,
      store,
      clock,
      onLoaded: quiet,
      say: quiet,
      report: quiet,
    });
    await listReviewed(config, policy.pins);
    await policy.reload();
    const keysDir = join(config.dataDir, 'keys');
    const keys = existsSync(keysDir) ? await openKeys({ dir: keysDir }) : null;
    const known: ReadonlyMap<string, PublicKey> = keys ? keysById(keys.token, keys.tokenEs256) : new Map();
    const inForce = policy.loaded().policy;
    const tasks = toldTask({
      task: request.task,
      definitionOf: (server, name) => inForce.definition({ kind: serverKind(config, server), server, name }),
      rule: config.trust.rule,
    });
    const world = createWorldHolder(
      {
        trustDomain: config.trustDomain,
        standing: standingOf(config, bases),
        standingVersion: digestOf(''),
        policy: inForce,
        tasks,
        memoryOf: memoryOf(config),
        limits: config.limits,
        modeOf: () => 'enforce',
        issuers: new Map([[bases.issuer, known]]),
        clients: new Map([...config.clients].map(([id, { bearer }]) => [id, { bearer }])),
      },
      nodeEngine,
      () => ({ sequence: 0, fresh: true, rows: new Set(), tasks: new Set(), users: new Set(), agents: new Set() }),
    ).snapshot();
    const call = callOf(request, config, bases);
    const decision = decide(call, world, nowSeconds);
    return decisionRecord(call, decision, {
      time: new Date(nowSeconds * 1000).toISOString(),
      argumentsDigest: digestOf(canonicalJson(call.arguments)),
      replica: '1',
      mode: 'enforce',
      memory: 'persistent',
      // Nobody is asked here: what another decision point would take away stays open, and the answer says so.
      versions: { ...world.versions, ...notAsked(config) },
    });
  } finally {
    await store.close();
  }
}

function notAsked({ pdp }: Config): { readonly [part: string]: string } {
  return Object.fromEntries([...pdp.keys()].map((name) => [`remote:${name}`, 'not asked']));
}

/** Without a running server, what was reviewed stands for what is listed. */
async function listReviewed(config: Config, pins: Awaited<ReturnType<typeof openPolicy>>['pins']): Promise<void> {
  for (const server of config.servers.keys()) await pins.observe(server, listingOfPins(await pins.pins(server)));
}

function basesOf(config: Config): Bases {
  const kept = readPorts(config.dataDir);
  const at = (scheme: string, { host, port }: { host: string; port: number }, chosen: number | undefined) =>
    `${scheme}://${host}:${port === 0 ? (chosen ?? 0) : port}`;
  return {
    mtls: config.external.mtls ?? at('https', config.listen.mtls, kept.mtls),
    oauth: config.external.oauth ?? at('http', config.listen.oauth, kept.oauth),
    issuer:
      config.external.issuer ??
      at('http', config.listen.issuer ?? config.listen.admin, config.listen.issuer ? kept.issuer : kept.admin),
  };
}

function callOf(request: JsonObject, config: Config, bases: Bases): Call {
  const call = objectAt(request, 'call');
  const target = objectAt(call, 'target');
  const server = textAt(target, 'server');
  const name = typeof target.name === 'string' ? target.name : null;
  const kind: Resource['kind'] = config.agents.has(server) ? 'agent' : serverKind(config, server);
  const protocol = call.protocol === 'a2a' || call.protocol === 'http' ? call.protocol : 'mcp';
  const listener = request.listener === 'oauth' ? 'oauth' : 'mtls';
  return {
    decisionId: 'decide',
    protocol,
    operation: kind === 'agent' ? 'SendMessage' : 'tools/call',
    target: { kind, server, name: name ?? (kind === 'agent' ? 'send' : null) },
    resource: endpointOf(listener === 'oauth' ? bases.oauth : bases.mtls, kind, server),
    scopes: name === null ? [] : [`${server}:${name}`],
    anyScopeOf: name === null ? server : null,
    arguments: isJsonObject(call.arguments) ? call.arguments : {},
    isAction: name !== null || kind === 'agent',
    credential: credentialOf(request.credential),
    peer: peerOf(request.peer, listener),
    judgedDigest: digestOf(JSON.stringify(call)),
    trace: null,
  };
}

function credentialOf(given: JsonValue | undefined): Call['credential'] {
  if (!isJsonObject(given)) return { kind: 'none' };
  if (given.kind !== 'jwt' || typeof given.value !== 'string')
    throw new Error('`credential` has to be `{"kind":"jwt","value":…}` or null');
  return { kind: 'jwt', scheme: 'Bearer', value: given.value };
}

function peerOf(given: JsonValue | undefined, listener: 'mtls' | 'oauth'): PeerOnWire {
  if (listener === 'oauth' || !isJsonObject(given)) {
    if (listener === 'oauth') return { listener: 'oauth', remote: 'decide' };
    return { ...anybody, spiffeId: null, notAfterSeconds: 0 };
  }
  const spiffeId = parseSpiffeId(textAt(given, 'spiffeId'));
  return { ...anybody, spiffeId, notAfterSeconds: secondsOf(given.notAfter) ?? Number.MAX_SAFE_INTEGER };
}

const anybody = {
  listener: 'mtls',
  serialHex: '',
  thumbprint: '',
  boundary: 'none',
  assertedBy: null,
  remote: 'decide',
} as const;

function objectAt(value: JsonObject, name: string): JsonObject {
  const found = value[name];
  if (!isJsonObject(found)) throw new Error(`the request lacks \`${name}\`, an object`);
  return found;
}

function textAt(value: JsonObject, name: string): string {
  const found = value[name];
  if (typeof found !== 'string') throw new Error(`the request lacks \`${name}\`, a string`);
  return found;
}

/** Seconds of a number or an RFC 3339 time. */
function secondsOf(value: JsonValue | undefined): number | null {
  if (typeof value === 'number') return Math.floor(value);
  if (typeof value !== 'string') return null;
  const millis = Date.parse(value);
  return Number.isNaN(millis) ? null : Math.floor(millis / 1000);
}
