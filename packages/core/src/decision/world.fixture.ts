// A small world for tests: one trust domain, three agents, one server, one person, and an issuer that signs.

import { generateKeyPairSync, sign } from 'node:crypto';
import type { Call } from '../action/call.ts';
import type { Policy } from '../action/policy.ts';
import { untrackedTasks } from '../action/task-world.ts';
import { unknownTool } from '../action/trust/manifest.ts';
import { nodeEngine } from '../node/engine.ts';
import { fromBase64Url, toBase64Url } from '../std/base64.ts';
import { utf8 } from '../std/bytes.ts';
import type { JsonObject } from '../std/json.ts';
import type { Chain, Link } from '../token/chain.ts';
import { TYP } from '../token/jws.ts';
import type { Resource, Revocations } from '../token/token-world.ts';
import { chainToClaims } from '../token/wc.ts';
import type { PeerOnWire } from '../transport/peer.ts';
import { parseSpiffeId } from '../transport/spiffe-id.ts';
import type { World } from './world.ts';

export const issuer = 'http://127.0.0.1:8420';
export const gateway = 'https://127.0.0.1:8443';
export const nowSeconds = 1_800_000_000;
export const domain = 'zylos.local';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const x = fromBase64Url(publicKey.export({ format: 'jwk' }).x!)!;

export const spiffe = (path: string) => `spiffe://${domain}/${path}`;
export const agentUrl = (path: string) => `${gateway}/a2a/${path}`;
export const serverUrl = (key: string) => `${gateway}/mcp/${key}`;
export const howard = { iss: issuer, sub: 'howard' };
export const agent = (path: string) => ({ iss: `spiffe://${domain}`, sub: spiffe(path) });

const everything = ['files:read_file', 'files:write_file', 'mail:send', 'db/agent:send', 'db/reader:send'];

/** howard's own share, opened for the orchestrator. */
export function rootLink(over: Partial<Link> = {}): Link {
  return {
    actor: howard,
    audience: agentUrl('claude/orchestrator'),
    scopes: everything,
    budget: [],
    depth: 3,
    untilSeconds: nowSeconds + 900,
    ceiling: 4,
    row: 'row-root',
    ...over,
  };
}

export function hop(path: string, audience: string, over: Partial<Link> = {}): Link {
  return { ...rootLink(), actor: agent(path), audience, depth: 2, row: `row-${path}`, ...over };
}

/** howard → orchestrator, who may read and write files. */
export function shortChain(over: Partial<Link> = {}): Chain {
  const scopes = ['files:read_file', 'files:write_file'];
  return { task: 'tsk_1', links: [rootLink(), hop('claude/orchestrator', serverUrl('files'), { scopes, ...over })] };
}

/** howard → orchestrator → db/agent → db/reader, narrowed to reading. */
export function longChain(leaf: Partial<Link> = {}): Chain {
  return {
    task: 'tsk_1',
    links: [
      rootLink(),
      hop('claude/orchestrator', agentUrl('db/agent'), { depth: 2 }),
      hop('db/agent', agentUrl('db/reader'), { depth: 1, scopes: ['files:read_file', 'db/reader:send'] }),
      hop('db/reader', serverUrl('files'), { depth: 0, scopes: ['files:read_file'], ...leaf }),
    ],
  };
}

export function signJws(header: JsonObject, claims: JsonObject, key = privateKey): string {
  const part = (value: JsonObject) => toBase64Url(utf8(JSON.stringify(value)));
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${toBase64Url(sign(null, utf8(input), key))}`;
}

export function tokenFor(chain: Chain, claims: JsonObject = {}, header: JsonObject = {}): string {
  const leaf = chain.links.at(-1)!;
  return signJws(
    { alg: 'EdDSA', typ: TYP.accessToken, kid: 'k1', ...header },
    {
      iss: issuer,
      aud: leaf.audience,
      client_id: leaf.actor.sub,
      exp: nowSeconds + 60,
      iat: nowSeconds - 1,
      jti: 'jti-1',
      scope: leaf.scopes.join(' '),
      ...(chainToClaims(chain) as unknown as JsonObject),
      ...claims,
    },
  );
}

export function peerOf(path: string, over: Partial<Extract<PeerOnWire, { spiffeId: unknown }>> = {}): PeerOnWire {
  return {
    listener: 'mtls',
    spiffeId: parseSpiffeId(spiffe(path)),
    notAfterSeconds: nowSeconds + 3600,
    serialHex: '01',
    thumbprint: 'thumb',
    boundary: 'launch',
    assertedBy: null,
    remote: '127.0.0.1:1',
    ...over,
  };
}

export const revocations: Revocations = {
  sequence: 1,
  fresh: true,
  rows: new Set(),
  tasks: new Set(),
  users: new Set(),
  agents: new Set(),
};

export const permitAll: Policy = {
  version: 'sha256:test',
  definition: () => ({
    digest: 'sha256:d',
    reviewed: true,
    risk: 1,
    manifest: true,
    trust: unknownTool,
    checkArguments: () => null,
  }),
  evaluate: ({ asker }) => ({ outcome: 'permit', determining: [`all.${asker.kind}`], errors: [] }),
  couldPermit: () => true,
};

export function worldWith(
  over: { policy?: Policy; revocations?: Partial<Revocations>; revoked?: string[] } = {},
): World {
  const agents = ['claude/orchestrator', 'db/agent', 'db/reader', 'scheduler/c5'];
  const resources: Resource[] = [
    ...agents.map((key): Resource => ({ url: agentUrl(key), kind: 'agent', key, owner: spiffe(key) })),
    ...['files', 'mail'].map((key): Resource => ({ url: serverUrl(key), kind: 'server', key, owner: null })),
  ];
  const edges = new Map([
    ['claude/orchestrator', new Set(['files', 'mail', 'db/agent', 'scheduler/c5'])],
    ['db/agent', new Set(['db/reader', 'files'])],
    ['db/reader', new Set(['files'])],
    ['scheduler/c5', new Set(['claude/orchestrator'])],
    ['client:desktop', new Set(['files'])],
  ]);
  return {
    trust: { trustDomain: domain, edges, revokedIdentities: new Set(over.revoked ?? []) },
    tokens: {
      trustDomain: domain,
      issuers: new Map([[issuer, new Map([['k1', { alg: 'EdDSA', x }]])]]),
      resources: new Map(resources.map((resource) => [resource.url, resource])),
      edges,
      clients: new Map([
        ['desktop', { bearer: true }],
        ['strict', { bearer: false }],
      ]),
      revocations: { ...revocations, ...over.revocations },
    },
    policy: over.policy ?? permitAll,
    tasks: untrackedTasks,
    limits: [],
    modeOf: () => 'enforce',
    approvals: [],
    memoryOf: () => 'task',
    engine: nodeEngine,
    versions: { policy: 'sha256:test' },
  };
}

export function callOf(token: string | null, over: Partial<Call> = {}): Call {
  return {
    decisionId: 'dec_1',
    protocol: 'mcp',
    operation: 'tools/call',
    target: { kind: 'server', server: 'files', name: 'read_file' },
    resource: serverUrl('files'),
    scopes: ['files:read_file'],
    anyScopeOf: null,
    arguments: { path: '/a' },
    isAction: true,
    credential: token === null ? { kind: 'none' } : { kind: 'jwt', scheme: 'Bearer', value: token },
    peer: peerOf('claude/orchestrator'),
    judgedDigest: 'sha256:0',
    trace: null,
    ...over,
  };
}

export const reader = { peer: peerOf('db/reader') };
export const write: Partial<Call> = {
  target: { kind: 'server', server: 'files', name: 'write_file' },
  scopes: ['files:write_file'],
};
