// Is an MCP endpoint open, protected or not there, and what does it say about itself? Asks what changes nothing; a session that an
// older server opens is closed again. Never calls a tool, reads a resource or gets a prompt.

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import type { Answer, Ask, Question } from './ask.ts';
import { hostKind } from './hosts.ts';
import { askMetadata } from './probe-metadata.ts';
import { type RpcAnswer, rpcAnswerIn, rpcRequest } from './rpc.ts';
import type { Endpoint, Listed, McpSeen, Tool } from './seen.ts';

/** The words of MCP that differ between revisions; the gateway's folder owns them. */
export interface McpWords {
  readonly modernVersion: string;
  readonly legacyVersion: string;
  readonly meta: { readonly version: string; readonly capabilities: string; readonly clientInfo: string };
  readonly clientInfo: JsonObject;
}

interface Talk {
  readonly ask: Ask;
  readonly words: McpWords;
  readonly url: string;
}

const foreign = { Host: 'rebound.example', Origin: 'http://rebound.example' };

/** Null: what answers there is no MCP server. Silence is not null. */
export async function probeMcp(
  endpoint: Endpoint,
  url: string,
  ask: Ask,
  words: McpWords,
  isSure: boolean,
): Promise<McpSeen | null> {
  const talk: Talk = { ask, words, url };
  const seen = (result: McpSeen['result'], detail: string, more: Partial<McpSeen> = {}): McpSeen => ({
    protocol: 'mcp',
    endpoint: { ...endpoint, url },
    result,
    detail,
    listed: null,
    answersForeignHost: null,
    metadata: null,
    acceptedMadeUp: null,
    ...more,
  });

  const discovered = await ask(modern(talk, 'server/discover'));
  if (discovered.kind === 'silence') return seen('unreachable', discovered.why);
  if (isRefusal(discovered)) {
    if (!isSure && !challenges(discovered)) return null;
    const metadata = await askMetadata(ask, url, discovered);
    const acceptedMadeUp = await tryMadeUp(talk);
    return seen('protected', `answers ${discovered.status} without a credential`, { metadata, acceptedMadeUp });
  }
  const said = rpcAnswerIn(discovered.text);
  if (said.kind === 'result' && Array.isArray(said.result.supportedVersions)) {
    const listed = listedFrom(rpcAnswerIn(textOf(await ask(modern(talk, 'tools/list')))), said.result);
    const answersForeignHost = await answersForeign(talk, discovered.status);
    return seen('open', openDetail('server/discover', listed), { listed, answersForeignHost });
  }
  if (!isSure && said.kind === 'none') return url.endsWith('/sse') ? probeStream(talk, false, seen) : null;
  return (await probeLegacy(talk, discovered.status, seen)) ?? (await probeStream(talk, isSure, seen));
}

type Seeing = (result: McpSeen['result'], detail: string, more?: Partial<McpSeen>) => McpSeen;

/** Before 2026: `initialize` opens a session, `tools/list` uses it, and DELETE ends it whatever happened between. */
async function probeLegacy(talk: Talk, usualStatus: number, seen: Seeing): Promise<McpSeen | null> {
  const { ask, words, url } = talk;
  const params = { protocolVersion: words.legacyVersion, capabilities: {}, clientInfo: words.clientInfo };
  const opened = await ask(post(url, rpcRequest('initialize', params), {}));
  if (opened.kind === 'silence') return null;
  const session = opened.headers['mcp-session-id'];
  const inSession = {
    'MCP-Protocol-Version': words.legacyVersion,
    ...(typeof session === 'string' ? { 'Mcp-Session-Id': session } : {}),
  };
  try {
    if (isRefusal(opened)) {
      const metadata = await askMetadata(ask, url, opened);
      return seen('protected', `answers ${opened.status} without a credential`, { metadata });
    }
    const said = rpcAnswerIn(opened.text);
    if (said.kind !== 'result' || typeof said.result.protocolVersion !== 'string') return null;
    const listed = listedFrom(
      rpcAnswerIn(textOf(await ask(post(url, rpcRequest('tools/list', {}), inSession)))),
      said.result,
    );
    const answersForeignHost = await answersForeign(talk, usualStatus);
    return seen('open', openDetail('initialize', listed), { listed, answersForeignHost });
  } finally {
    if (typeof session === 'string') await ask({ method: 'DELETE', url, headers: inSession });
  }
}

/** The oldest transport: a stream whose first event says where to post. Reading that event is all that happens. */
async function probeStream({ ask, url }: Talk, isSure: boolean, seen: Seeing): Promise<McpSeen | null> {
  const open = (headers: Question['headers']) =>
    ask({
      method: 'GET',
      url,
      headers: { Accept: 'text/event-stream', ...headers },
      isEnough: (text) => /\r?\n\r?\n/.test(text),
    });
  const opens = (answer: Answer) =>
    answer.kind === 'answer' && answer.status === 200 && /^event:\s*endpoint\b/m.test(answer.text);
  const answer = await open({});
  if (isRefusal(answer)) {
    const metadata = await askMetadata(ask, url, answer);
    return seen('protected', `answers ${answer.status} without a credential`, { metadata });
  }
  if (opens(answer))
    return seen('open', 'opens its event stream without a credential', {
      answersForeignHost: opens(await open(foreign)),
    });
  if (!isSure) return null;
  return seen('unreachable', `answers${answer.kind === 'answer' ? ` ${answer.status}` : ''}, and not as an MCP server`);
}

function modern({ words, url }: Talk, method: string, headers: Question['headers'] = {}): Question {
  const { meta } = words;
  const body = rpcRequest(method, {
    _meta: { [meta.version]: words.modernVersion, [meta.capabilities]: {}, [meta.clientInfo]: words.clientInfo },
  });
  return post(url, body, { 'MCP-Protocol-Version': words.modernVersion, 'Mcp-Method': method, ...headers });
}

function post(url: string, body: string, headers: NonNullable<Question['headers']>): Question {
  const types = { Accept: 'application/json, text/event-stream', 'Content-Type': 'application/json' };
  return {
    method: 'POST',
    url,
    body,
    headers: { ...types, ...headers },
    isEnough: (text) => rpcAnswerIn(text).kind !== 'none',
  };
}

/** Under another name the answer should be another one. The request is the one that opens nothing. */
async function answersForeign(talk: Talk, usualStatus: number): Promise<boolean | null> {
  if (hostKind(new URL(talk.url).hostname) === 'beyond') return null;
  const answer = await talk.ask(modern(talk, 'server/discover', foreign));
  return answer.kind === 'answer' ? answer.status === usualStatus : null;
}

/** A credential made up on the spot: who takes it takes any. */
async function tryMadeUp(talk: Talk): Promise<McpSeen['acceptedMadeUp']> {
  const part = (value: JsonObject) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const unsigned = `${part({ alg: 'none', typ: 'JWT' })}.${part({ iss: 'https://issuer.example', aud: 'https://other.example', sub: 'writ-scan', exp: 4_102_444_800 })}.`;
  for (const [token, name] of [
    ['writ-scan-made-this-up', 'a random text'],
    [unsigned, 'an unsigned token for another audience'],
  ] as const) {
    const answer = await talk.ask(modern(talk, 'server/discover', { Authorization: `Bearer ${token}` }));
    if (answer.kind !== 'answer' || isRefusal(answer)) continue;
    const said = rpcAnswerIn(answer.text);
    // An answer in the protocol, good or bad, came from behind the check. OAuth's own errors are not JSON-RPC.
    if (said.kind === 'result' || (said.kind === 'error' && !/token|unauthori[sz]ed|auth/i.test(said.message)))
      return name;
  }
  return null;
}

function isRefusal(answer: Answer): answer is Answer & { kind: 'answer' } {
  return answer.kind === 'answer' && (answer.status === 401 || answer.status === 403 || answer.status === 407);
}

function challenges(answer: Answer): boolean {
  return answer.kind === 'answer' && /\b(?:bearer|dpop)\b/i.test(answer.headers['www-authenticate'] ?? '');
}

function textOf(answer: Answer): string {
  return answer.kind === 'answer' ? answer.text : '';
}

function openDetail(by: string, listed: Listed | null): string {
  if (listed === null) return `answers \`${by}\` without a credential`;
  const destructive = listed.tools.filter((tool) => tool.isDestructive).length;
  return `answers \`${by}\` without a credential and lists ${listed.tools.length} tools${destructive === 0 ? '' : `, ${destructive} of which say that they destroy`}`;
}

/** Tools and self-description out of an answer to `tools/list`; null where there was none. */
export function listedFrom(answer: RpcAnswer, greeting: JsonObject): Listed | null {
  const instructions = typeof greeting.instructions === 'string' ? greeting.instructions : '';
  const tools = answer.kind === 'result' && Array.isArray(answer.result.tools) ? answer.result.tools : null;
  if (tools === null) return instructions === '' ? null : { tools: [], instructions };
  return { tools: tools.filter(isJsonObject).map(toolOf), instructions };
}

function toolOf(tool: JsonObject): Tool {
  const { name, description, annotations, inputSchema = null } = tool;
  return {
    name: String(name),
    description: typeof description === 'string' ? description : '',
    parameterText: textsIn(inputSchema).join('\n'),
    isDestructive: isJsonObject(annotations) && annotations.destructiveHint === true,
  };
}

function textsIn(value: JsonValue): readonly string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isJsonObject(value) ? Object.entries(value).flatMap(([name, inner]) => [name, ...textsIn(inner)]) : [];
}
