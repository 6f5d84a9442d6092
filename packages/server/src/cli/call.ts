// `writ call`: one call as an agent, through the gateway, with what the plane answered.

import { randomUUID } from 'node:crypto';
import { DeniedError, type FetchLike, openA2aClient, openMcpClient, RpcError } from '@writ/agent';
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJsonText } from '@writ/core';
import { loadConfig } from '../config/load.ts';
import { NotThatAgent, saysNotThatAgent } from './as-agent.ts';
import { type CallTarget, routeOf, type Seen, watched } from './call-route.ts';
import { findReady, type Whereabouts } from './plane.ts';
import { type ExitCode, Stop, unreachable, usage } from './stop.ts';
import { visible } from './terminal.ts';
import { planeOptions, verb } from './verb.ts';

/** Contract §2. */
interface CallAnswer {
  readonly outcome: 'allow' | 'deny' | 'approval';
  readonly decisionId: string | null;
  readonly code: string | null;
  readonly says: string | null;
  readonly httpStatus: number | null;
  readonly rpcCode: number | null;
  readonly result: JsonValue;
  readonly approval: { readonly id: string | null; readonly url: string } | null;
}

export default verb({
  summary: 'call a tool or another agent, and see what was decided',
  options: {
    target: { type: 'positional', description: 'SERVER/TOOL, or the key of an agent' },
    words: {
      type: 'positional',
      required: false,
      repeat: true,
      description: 'arguments k=v; numbers, true, false and null are read as such',
    },
    args: { type: 'string', valueHint: 'json', description: 'all arguments as one JSON object' },
    as: { type: 'string', valueHint: 'agent', description: 'agent that calls; this process has to be it' },
    task: { type: 'string', valueHint: 'id', description: 'task to call in (default: WRIT_TASK)' },
    token: { type: 'string', valueHint: 'file', description: 'use this token; `-` reads stdin' },
    delegate: {
      type: 'string',
      repeat: true,
      valueHint: 'scope',
      description: 'scope the called agent may use or hand on',
    },
    url: { type: 'string', valueHint: 'url', description: 'endpoint to call instead of the gateway’s own' },
    via: { type: 'enum', options: ['mcp', 'a2a'], description: 'protocol (default: what the target is)' },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    const where: Whereabouts = { config: args.config, data: args.data, env: channels.env };
    const target = targetOf(args.target, args.via ?? (isAgent(args.target, where) ? 'a2a' : 'mcp'));
    const parameters = argumentsOf(args.args, args.words);
    const answer = await answered(async (seen) => {
      const task = args.task ?? channels.env.WRIT_TASK;
      await using route = await routeOf(target, { ...args, task }, where);
      const fetch = watched(route.fetch, seen);
      // Awaited here: the route is closed when this block is left.
      return await (target.kind === 'mcp'
        ? callTool(route.url, fetch, target.name, parameters)
        : sendMessage(route.url, fetch, parameters));
    });
    terminal.answer(answer, () => answerText(answer));
    return exitCodeOf(answer);
  },
});

function targetOf(text: string, via: string): CallTarget {
  if (via === 'a2a') return { kind: 'a2a', key: text };
  const slash = text.indexOf('/');
  if (slash <= 0 || slash === text.length - 1) throw usage(`\`${text}\` does not name a tool; write \`server/tool\``);
  return { kind: 'mcp', key: text.slice(0, slash), name: text.slice(slash + 1) };
}

/** `db/agent` and `files/read_file` look alike; the configuration of the running plane knows which it is. */
function isAgent(target: string, where: Whereabouts): boolean {
  const file = findReady(where)?.line.config;
  const loaded = typeof file === 'string' ? loadConfig(file) : null;
  return loaded !== null && 'config' in loaded && loaded.config.agents.has(target);
}

export function argumentsOf(json: string | undefined, words: readonly string[]): JsonObject {
  if (json !== undefined) {
    if (words.length > 0) throw usage('arguments are given either as `k=v` or with `--args`');
    const parsed = parseStrictJsonText(json);
    if (!parsed.ok || !isJsonObject(parsed.value))
      throw usage('`--args` takes one JSON object, such as `\'{"path":"a.txt"}\'`');
    return parsed.value;
  }
  const entries = words.map((word): [string, JsonValue] => {
    const equals = word.indexOf('=');
    if (equals <= 0) throw usage(`\`${word}\` is not an argument; write \`name=value\``);
    return [word.slice(0, equals), scalarOf(word.slice(equals + 1))];
  });
  return Object.fromEntries(entries);
}

function scalarOf(text: string): JsonValue {
  if (text === 'true' || text === 'false' || text === 'null') return JSON.parse(text) as JsonValue;
  // A number only where nothing of the text is lost: `1.10` and an account number stay text.
  return /^-?[0-9]/.test(text) && String(Number(text)) === text ? Number(text) : text;
}

async function callTool(url: string, fetch: FetchLike, name: string, args: JsonObject): Promise<JsonValue> {
  const client = openMcpClient({ url, fetch, clientInfo: { name: 'writ', version: '0.1.0' } });
  return (await client.callTool(name, args)) as unknown as JsonValue;
}

/** `message=…` is a text; any other arguments travel as one data part. */
function sendMessage(url: string, fetch: FetchLike, args: JsonObject): Promise<JsonValue> {
  const { message, ...data } = args;
  const parts: JsonObject[] = [
    ...(message === undefined ? [] : [{ text: String(message) }]),
    ...(Object.keys(data).length === 0 ? [] : [{ data }]),
  ];
  if (parts.length === 0) throw usage('say something to the agent with `message=…`');
  return openA2aClient({ url, fetchWith: () => fetch, newId: randomUUID }).sendMessage({ parts });
}

async function answered(work: (seen: Seen) => Promise<JsonValue>): Promise<CallAnswer> {
  const seen: Seen = { status: null, decisionId: null, rpcCode: null };
  const none = { code: null, says: null, approval: null, result: null } as const;
  const wire = () => ({ decisionId: seen.decisionId, httpStatus: seen.status, rpcCode: seen.rpcCode });
  try {
    const result = await work(seen);
    return { ...none, outcome: 'allow', ...wire(), result };
  } catch (error) {
    if (error instanceof NotThatAgent) {
      return { ...none, outcome: 'deny', ...wire(), code: error.code, says: `${saysNotThatAgent()} ${error.message}` };
    }
    if (error instanceof DeniedError) {
      const { code, says, decisionId, approvalUrl } = error.denial;
      const approval = approvalUrl === null ? null : { id: approvalIdOf(approvalUrl), url: approvalUrl };
      const outcome = approval === null && code !== 'action.approval_required' ? 'deny' : 'approval';
      return { ...none, outcome, ...wire(), decisionId: decisionId ?? seen.decisionId, code, says, approval };
    }
    // The plane let it through and the callee itself answered with an error.
    if (error instanceof RpcError)
      return { ...none, outcome: 'allow', ...wire(), rpcCode: error.code, says: error.message };
    if (error instanceof Stop) throw error;
    throw unreachable(error instanceof Error ? error.message : String(error));
  }
}

function approvalIdOf(url: string): string | null {
  return URL.canParse(url) ? (new URL(url).pathname.split('/').findLast((part) => part !== '') ?? null) : null;
}

function exitCodeOf({ outcome }: CallAnswer): ExitCode {
  return outcome === 'allow' ? 0 : 1;
}

function answerText({ outcome, code, says, decisionId, result, approval }: CallAnswer): string {
  if (outcome === 'allow') return says === null ? resultText(result) : visible(says);
  const lines = [`${outcome === 'deny' ? 'refused' : 'waits for a person'}: ${code} — ${visible(says ?? '')}`];
  if (approval !== null) lines.push(`approve it at ${visible(approval.url)}`);
  if (decisionId !== null) lines.push(`why: writ explain ${decisionId}`);
  return lines.join('\n');
}

/** The text of a tool's result where it is text, else the JSON. */
function resultText(result: JsonValue): string {
  const content = isJsonObject(result) && Array.isArray(result.content) ? result.content : [];
  const texts = content.flatMap((part) => (isJsonObject(part) && typeof part.text === 'string' ? [part.text] : []));
  return texts.length > 0 && texts.length === content.length ? texts.join('\n') : JSON.stringify(result, null, 2);
}
