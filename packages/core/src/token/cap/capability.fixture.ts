// A world for capabilities: a person, three agents with rows, a files server, the plane's own root and a foreign one.

import { utf8 } from '../../std/bytes.ts';
import type { PeerFacts } from '../../transport/peer.ts';
import { type Chain, DETAIL_TYPE, type Link, type Principal } from '../chain.ts';
import { chainedText } from './aip/chained.ts';
import { idOf, nowSeconds } from './aip/links.fixture.ts';
import { chainToChained } from './convert.ts';
import { capEngine, keyNamed } from './keys.fixture.ts';
import type { CapAsk, CapabilityRoot, CapWorld, KeyRow } from './world.ts';

export const home = 'spiffe://zylos.local';
export const files = 'https://127.0.0.1:8443/mcp/files';
export const howard: Principal = { iss: 'http://127.0.0.1:8420', sub: 'howard' };
const planeId = 'aip:web:zylos.local/writ';

/** Agents `a0` … `a9`, each with a row that outlives the test. */
export const agent = (name: string): Principal => ({ iss: home, sub: `${home}/db/${name}` });
const names = Array.from({ length: 10 }, (_, i) => `a${i}`);

export function linkOf(actor: Principal, over: Partial<Link> = {}): Link {
  return {
    actor,
    audience: files,
    scopes: ['files:read_file', 'files:write_file'],
    budget: [],
    depth: 4,
    untilSeconds: nowSeconds + 600,
    ceiling: 3,
    row: `row ${actor.sub}`,
    ...over,
  };
}

/** howard → a0, as a JWT of the plane would say it. */
export function chain(over: Partial<Link> = {}): Chain {
  return { task: 'tsk_1', links: [linkOf(howard), linkOf(agent('a0'), { depth: 3, ...over })] };
}

export const readOnly = [
  { type: DETAIL_TYPE, actions: ['files:*'], arguments: { '/path': { subpath: { root: '/docs', separator: '/' } } } },
] as const;

let fresh = 0;
export const next = () => keyNamed(`cap next ${fresh++}`);

export function planeToken(from: Chain = chain()): string {
  const aipIdOf = ({ sub }: Principal) => {
    const name = names.find((one) => agent(one).sub === sub);
    return name === undefined ? null : idOf(name);
  };
  const token = chainToChained(from, { identity: planeId, root: keyNamed('plane'), next: next(), aipIdOf });
  if ('code' in token) throw new Error(JSON.stringify(token));
  return chainedText(token);
}

export const ownRoot: CapabilityRoot = {
  id: planeId,
  keys: [keyNamed('plane').publicKey],
  own: true,
  endpoint: null,
  accountable: null,
  principals: new Map(),
  delegatorsMustSign: true,
};

/** A partner whose tokens may be used at the files server, for one person. */
export const foreignRoot: CapabilityRoot = {
  ...ownRoot,
  id: idOf('root'),
  keys: [keyNamed('root').publicKey],
  own: false,
  endpoint: files,
  accountable: howard,
  principals: new Map([['howard@partner.example', howard]]),
};

export function world(over: Partial<CapWorld> = {}): CapWorld {
  return {
    trustDomain: 'zylos.local',
    roots: [ownRoot, foreignRoot],
    rows: new Map(
      names.map((name): [string, KeyRow] => [
        idOf(name),
        { principal: agent(name), key: keyNamed(name).publicKey, untilSeconds: nowSeconds + 3600 },
      ]),
    ),
    macaroons: {
      secrets: new Map([['k1', utf8('a secret of the plane')]]),
      location: 'https://plane.example',
      delegatorsMustSign: false,
    },
    resources: new Map([[files, { url: files, kind: 'server', key: 'files', owner: null }]]),
    edges: new Map(names.map((name) => [`db/${name}`, new Set(['files'])])),
    tools: new Map([['files', ['read_file', 'read_many', 'write_file']]]),
    revocations: {
      sequence: 1,
      fresh: true,
      rows: new Set(),
      tasks: new Set(),
      users: new Set(),
      agents: new Set(),
    },
    profile: 'standard',
    ...over,
  };
}

export function peerOf(name: string): PeerFacts {
  const spiffeId = agent(name).sub;
  return {
    kind: 'workload',
    listener: 'mtls',
    spiffeId,
    thumbprint: 't',
    boundary: 'uid',
    assertedBy: null,
  } as unknown as PeerFacts;
}

export function call(value: string, as: string, over: Partial<CapAsk> = {}): CapAsk {
  return {
    capability: { kind: 'aip', value, holderProof: null },
    scopes: ['files:read_file'],
    anyScopeOf: null,
    arguments: { path: '/docs/a' },
    resource: files,
    request: { method: 'POST', bodyDigest: capEngine.sha256(utf8('body')) },
    peer: peerOf(as),
    ...over,
  };
}
