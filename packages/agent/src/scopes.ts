// Which scopes a call needs (contract §7a), told from what is about to be sent. Asking for these and no more keeps every token
// as narrow as its call; whether they may be had is judged by the plane.

import { isJsonObject, type JsonValue, parseScope } from '@writ/core';
import type { Callee } from './plane.ts';

export interface ScopeQuestion {
  readonly callee: Callee;
  /** JSON body of the request; undefined for one without. */
  readonly body: JsonValue | undefined;
  /** Scopes that the authority in hand could give. */
  readonly held: readonly string[];
  /** For an agent: scopes that it may use or delegate itself. */
  readonly delegate: readonly string[];
}

/** Never empty: where nothing is held the needed scope is asked for all the same, so that the plane says no and records it. */
export function scopesOfCall({ callee, body, held, delegate }: ScopeQuestion): readonly string[] {
  if (callee.kind === 'agent') return unique([`${callee.key}:send`, ...delegate]);
  // What a body of plain HTTP says is the upstream's business, whatever it looks like.
  const named = callee.kind === 'server' ? mcpScope(callee.key, body) : null;
  if (named !== null) return [named];
  // Lists and discovery need any scope of the server, and show what the token covers: so all of them are taken.
  const ofServer = held.filter((scope) => parseScope(scope)?.name === callee.key);
  return ofServer.length > 0 ? ofServer : [`${callee.key}:*`];
}

/** The scope that one MCP request needs by name, or null when any of the server will do. */
function mcpScope(server: string, body: JsonValue | undefined): string | null {
  if (!isJsonObject(body)) return null;
  const params = isJsonObject(body.params) ? body.params : {};
  if (body.method === 'resources/read' || body.method === 'resources/subscribe') return `${server}:resources`;
  if (typeof params.name !== 'string') return null;
  if (body.method === 'tools/call') return `${server}:${params.name}`;
  return body.method === 'prompts/get' ? `${server}:prompts/${params.name}` : null;
}

/**
 * Scopes of exactly these tools, `files/read_text_file`, for a token to `callee`. For an agent the scope to call it comes first.
 * Throws when a tool is not written `server/tool`, or not at the server the token is for.
 */
export function scopesOfTools(tools: readonly string[], callee: Callee): readonly string[] {
  if (tools.length === 0) throw new TypeError('name at least one tool, such as `files/read_text_file`');
  const scopes = tools.map((tool) => scopeOfTool(tool));
  if (callee.kind === 'agent') return unique([`${callee.key}:send`, ...scopes]);
  const foreign = tools.find((_, at) => parseScope(scopes[at]!)?.name !== callee.key);
  if (foreign !== undefined) {
    throw new TypeError(
      `\`${foreign}\` is not a tool of \`${callee.key}\`; a token is for one server and carries its scopes only`,
    );
  }
  return unique(scopes);
}

function scopeOfTool(tool: string): string {
  const slash = tool.indexOf('/');
  const scope = `${tool.slice(0, Math.max(slash, 0))}:${tool.slice(slash + 1)}`;
  if (parseScope(scope) === null) throw new TypeError(`\`${tool}\` is not a tool; write \`<server>/<tool>\``);
  return scope;
}

function unique(scopes: readonly string[]): readonly string[] {
  return [...new Set(scopes)];
}
