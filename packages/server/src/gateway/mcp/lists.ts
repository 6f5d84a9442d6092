// Lists show what the caller could call and nothing else; what a server lists is told to the room that pins definitions.
// A list made for one caller is `private` (adapt.ts). Rules §3.7.

import { type Decision, isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { UpstreamError } from '../exchange.ts';
import { mirroredParameters } from './header-value.ts';
import { type Message, messageOf, ON_OWN_BEHALF, type Upstream } from './upstream.ts';
import { META, MODERN_VERSIONS, NAME } from './words.ts';

export interface Definitions {
  /** A server listed these tools to a caller, in whole or one page of it. Must not throw. */
  observe(server: string, tools: readonly JsonObject[]): void;
  /**
   * Is this item, word for word, the definition that a person reviewed? A list may bring new words before anybody has compared
   * them, and a model would read them first (rules §3.7).
   */
  isReviewed(server: string, kind: DefinitionKind, item: JsonObject): boolean;
  /** Are these the instructions that were reviewed? A model reads them like a definition (rules §3.7). */
  mayShowInstructions(server: string, instructions: string): boolean;
  /** Input schema of a tool as it was reviewed; undefined when nobody has heard of it. */
  inputSchemaOf(server: string, tool: string): JsonValue | undefined;
}

export type DefinitionKind = 'tool' | 'prompt' | 'template';

/** May this caller see the target: reviewed, and permitted with some arguments. `name` as in `Call.target.name`. */
export type Visible = (decision: Decision, name: string) => boolean;

/** Tools a gateway may show at all: named so that a scope can carry it, and with marks that keep the standard's rules. */
export function presentable(tool: JsonObject): boolean {
  const named = typeof tool.name === 'string' && NAME.test(tool.name) && tool.name !== 'resources';
  return named && mirroredParameters(tool.inputSchema ?? null) !== null;
}

export function filterList(
  message: Message,
  on: { readonly server: string; readonly method: string; readonly decision: Decision },
  visible: Visible,
  definitions: Definitions,
): Message {
  const member = LISTED.get(on.method);
  const result = message.value.result;
  if (!member || !isJsonObject(result)) return message;
  const items = objectsOf(result[member.name]);
  if (on.method === 'tools/list') definitions.observe(on.server, items);
  const shown = items.filter((item) => {
    const name = member.nameOf(item);
    if (name === null || !visible(on.decision, name)) return false;
    if (member.kind === 'tool' && !presentable(item)) return false;
    return member.kind === null || definitions.isReviewed(on.server, member.kind, item);
  });
  return messageOf('response', { ...message.value, result: { ...result, [member.name]: shown } });
}

interface Member {
  readonly name: string;
  /** What its items define; null for data. */
  readonly kind: DefinitionKind | null;
  /** The target a caller would call, or null for what cannot be called. */
  readonly nameOf: (item: JsonObject) => string | null;
}

const LISTED: ReadonlyMap<string, Member> = new Map<string, Member>([
  ['tools/list', { name: 'tools', kind: 'tool', nameOf: (item) => String(item.name) }],
  [
    'prompts/list',
    {
      name: 'prompts',
      kind: 'prompt',
      nameOf: (item) => (NAME.test(String(item.name)) ? `prompts/${item.name}` : null),
    },
  ],
  ['resources/list', { name: 'resources', kind: null, nameOf: () => 'resources' }],
  ['resources/templates/list', { name: 'resourceTemplates', kind: 'template', nameOf: () => 'resources' }],
]);

function objectsOf(value: JsonValue | undefined): readonly JsonObject[] {
  if (!Array.isArray(value) || !value.every(isJsonObject))
    throw new UpstreamError('the server sent a list without items');
  return value as readonly JsonObject[];
}

/** Everything a server says of itself, for pins and review (rules §3.7). */
export interface ServerListing {
  readonly instructions: string | null;
  readonly tools: readonly JsonObject[];
  readonly prompts: readonly JsonObject[];
  readonly resourceTemplates: readonly JsonObject[];
  /** The server has resources at all. */
  readonly resources: boolean;
}

/** Asked by the plane itself, all pages. Rejects with UpstreamError. */
export async function listServer(upstream: Upstream): Promise<ServerListing> {
  const { instructions, capabilities } = await upstream.describe(ON_OWN_BEHALF);
  const resources = isJsonObject(capabilities.resources);
  const all = (offered: unknown, method: string) => (isJsonObject(offered) ? listAll(upstream, method) : []);
  return {
    instructions,
    tools: await all(capabilities.tools, 'tools/list'),
    prompts: await all(capabilities.prompts, 'prompts/list'),
    // A server that has resources need not have templates.
    resourceTemplates: resources ? await listAll(upstream, 'resources/templates/list', []) : [],
    resources,
  };
}

/** `tools/list` alone, all pages. Rejects with UpstreamError. */
export function listTools(upstream: Upstream): Promise<readonly JsonObject[]> {
  return listAll(upstream, 'tools/list');
}

const pagesMax = 100;

async function listAll(
  upstream: Upstream,
  method: string,
  whenRefused: readonly JsonObject[] | null = null,
): Promise<readonly JsonObject[]> {
  const items: JsonObject[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < pagesMax; page++) {
    const result: JsonObject | null = await askPage(upstream, method, cursor);
    if (result === null && whenRefused !== null) return whenRefused;
    if (result === null) throw new UpstreamError(`the server refuses \`${method}\``);
    items.push(...objectsOf(result[LISTED.get(method)!.name]));
    if (typeof result.nextCursor !== 'string') return items;
    cursor = result.nextCursor;
  }
  throw new UpstreamError(`the server answers \`${method}\` without end`);
}

/** One page, or null when the server answers with an error. */
async function askPage(upstream: Upstream, method: string, cursor: string | null): Promise<JsonObject | null> {
  const _meta = { [META.version]: MODERN_VERSIONS[0]!, [META.capabilities]: {} };
  const params: JsonObject = cursor === null ? { _meta } : { cursor, _meta };
  const id = 'writ-list';
  const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  const request = { method, params, id, era: 'modern', bytes, headers: {}, isAction: false } as const;
  const reply = await upstream.send(request, ON_OWN_BEHALF, null);
  for (let message: Message | null = reply.first; message !== null; message = await reply.next()) {
    if (message.kind === 'response') return isJsonObject(message.value.result) ? message.value.result : null;
  }
  return null;
}
