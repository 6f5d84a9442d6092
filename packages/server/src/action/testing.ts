// What the tests of this room share: one small plane with two servers and three agents, and questions about it.

import type { Asker, JsonObject, PolicyAnswer, PolicyRequest, Target } from '@writ/core';
import type { AllowLine } from './allow.ts';
import type { Directory } from './cedar/parties.ts';
import { type LoadedPolicy, loadPolicy, type PolicyInput } from './cedar.ts';
import type { ServerInput } from './definitions.ts';
import type { ServerManifest } from './manifest.ts';
import { type Pin, readListing, type ServerListing } from './pins.ts';
import type { Locate } from './problem.ts';

export const ISSUER = 'http://127.0.0.1:8420';

export const spiffe = (path: string): string => `spiffe://zylos.local/${path}`;

export const locate: Locate = () => ({ file: 'writ.yaml', line: 1, column: 1 });

export const directory: Directory = {
  trustDomain: 'zylos.local',
  issuer: ISSUER,
  agents: new Map([
    ['claude/orchestrator', ['db/agent', 'files', 'mail']],
    ['db/agent', ['db/reader', 'files']],
    ['db/reader', ['files']],
  ]),
  clients: new Map([['desktop', ['files', 'db/agent']]]),
  users: new Set(['howard', 'ada']),
};

export function tool(
  name: string,
  properties: JsonObject,
  required: readonly string[] = [],
  further: JsonObject = {},
): JsonObject {
  return { name, description: `does ${name}`, inputSchema: { type: 'object', properties, required }, ...further };
}

export const FILES: readonly JsonObject[] = [
  tool('read_file', { path: { type: 'string' }, head: { type: 'integer' } }, ['path']),
  tool('write_file', { path: { type: 'string' }, content: { type: 'string' } }, ['path', 'content']),
  tool('list.names', { path: { type: 'string' } }, ['path']),
];

const MAIL: readonly JsonObject[] = [
  tool(
    'send',
    { to: { type: 'array', items: { type: 'string' } }, subject: { type: 'string' }, amount: { type: 'number' } },
    ['to', 'subject'],
  ),
];

export function listingOf(tools: readonly JsonObject[], further: Partial<ServerListing> = {}): ServerListing {
  return { instructions: null, tools, prompts: [], resourceTemplates: [], resources: false, ...further };
}

export function pinsOf(listing: ServerListing): readonly Pin[] {
  return readListing(listing).listed.map((listed) => ({ ...listed, by: 'howard', atSeconds: 1000 }));
}

/** A server whose list was reviewed as it is. */
export function reviewedServer(
  key: string,
  tools: readonly JsonObject[],
  manifest: ServerManifest | null = null,
): ServerInput {
  const listing = listingOf(tools);
  return { key, pins: pinsOf(listing), listing, manifest, trustAnnotations: false };
}

export const SERVERS: readonly ServerInput[] = [
  reviewedServer('files', FILES),
  reviewedServer('mail', MAIL, { tools: { send: { risk: 4, effect: 'message', args: { '/*': { role: 'target' } } } } }),
];

export function line(agent: string, name: string, further: Partial<AllowLine> = {}): AllowLine {
  const slash = name.indexOf('/');
  const [server, own] = [name.slice(0, slash), name.slice(slash + 1)];
  return { agent, server, tool: own, where: new Map(), users: null, risk: null, ...further };
}

export function input(allow: readonly AllowLine[], cedar = '', further: Partial<PolicyInput> = {}): PolicyInput {
  const cedarFiles = cedar === '' ? [] : [{ path: 'policy/guards.cedar', text: cedar }];
  return { cedarFiles, allow, directory, servers: SERVERS, locate, ...further };
}

/** Throws when the set has a problem. */
export function load(allow: readonly AllowLine[], cedar = '', further: Partial<PolicyInput> = {}): LoadedPolicy {
  const loaded = loadPolicy(input(allow, cedar, further));
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems));
  return loaded;
}

export const agent = (path: string): Asker => ({ kind: 'agent', spiffeId: spiffe(path) });
export const user = (sub: string, iss = ISSUER): Asker => ({ kind: 'user', principal: { iss, sub } });
export const onServer = (server: string, name: string): Target => ({ kind: 'server', server, name });
export const onAgent = (server: string): Target => ({ kind: 'agent', server, name: 'send' });

export interface Asked {
  readonly asker: Asker;
  readonly target: Target;
  readonly args?: JsonObject;
  /** Path of the agent acting now. */
  readonly actor?: string;
  readonly depth?: number;
}

export function request({ asker, target, args = {}, actor = 'claude/orchestrator', depth = 1 }: Asked): PolicyRequest {
  return {
    asker,
    target,
    operation: target.kind === 'agent' ? 'SendMessage' : 'tools/call',
    arguments: args,
    context: {
      actor: spiffe(actor),
      root: { iss: ISSUER, sub: 'howard' },
      via: [spiffe(actor)],
      depth,
      task: 'tsk_1',
      scopes: [`${target.server}:${target.name}`],
      protocol: target.kind === 'agent' ? 'a2a' : 'mcp',
      nowSeconds: 1_795_000_000,
    },
  };
}

export function answer(loaded: LoadedPolicy, asked: Asked): PolicyAnswer {
  return loaded.policy.evaluate(request(asked));
}
