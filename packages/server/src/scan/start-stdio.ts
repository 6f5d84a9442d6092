// Starts a server that somebody named, asks what its tools say, and ends it. Nothing here decides that it may be started: `--start`
// with its name is the consent. Standard error of the server is left alone.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { isJsonObject, type JsonObject } from '@writ/core';
import type { ConfiguredServer } from './configuration.ts';
import { listedFrom, type McpWords } from './probe-mcp.ts';
import { parseJson, type RpcAnswer, rpcAnswerIn } from './rpc.ts';
import { isReference } from './secrets.ts';
import type { Listed } from './seen.ts';

export type Started = { readonly ok: true; readonly listed: Listed } | { readonly ok: false; readonly says: string };

export interface StartLimits {
  /** For each answer. A package may have to be fetched before the first. */
  readonly firstAnswerMillisMax: number;
  readonly answerMillisMax: number;
  readonly endMillisMax: number;
}

const START_LIMITS: StartLimits = { firstAnswerMillisMax: 60_000, answerMillisMax: 5000, endMillisMax: 2000 };

const lineCharsMax = 4 * 1024 * 1024;

export async function startStdio(
  server: ConfiguredServer,
  words: McpWords,
  env: NodeJS.ProcessEnv,
  limits = START_LIMITS,
): Promise<Started> {
  const [program, ...args] = server.command.map(({ text }) => text);
  if (program === undefined) return { ok: false, says: 'it has no command' };
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...inherited(env), ...given(server, env) },
  });
  try {
    return await converse(child, words, limits);
  } finally {
    await end(child, limits.endMillisMax);
  }
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

async function converse(child: Child, words: McpWords, limits: StartLimits): Promise<Started> {
  const line = lineOf(child);
  const ask = (id: number, method: string, params: JsonObject, millisMax = limits.answerMillisMax) =>
    line.ask(id, JSON.stringify({ jsonrpc: '2.0', id, method, params }), millisMax);
  const { meta } = words;
  const _meta = { [meta.version]: words.modernVersion, [meta.capabilities]: {}, [meta.clientInfo]: words.clientInfo };
  const discovered = await ask(1, 'server/discover', { _meta }, limits.firstAnswerMillisMax);
  if (typeof discovered === 'string') return { ok: false, says: discovered };
  const isModern = discovered.kind === 'result' && Array.isArray(discovered.result.supportedVersions);
  // Before 2026 a server has to be greeted first, and says so to everything else.
  const greeted = isModern
    ? discovered
    : await ask(2, 'initialize', {
        protocolVersion: words.legacyVersion,
        capabilities: {},
        clientInfo: words.clientInfo,
      });
  if (typeof greeted === 'string') return { ok: false, says: greeted };
  if (greeted.kind !== 'result') return { ok: false, says: 'it does not answer as an MCP server' };
  if (!isModern) line.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }));
  const tools = await ask(3, 'tools/list', isModern ? { _meta } : {});
  if (typeof tools === 'string') return { ok: false, says: tools };
  const listed = listedFrom(tools, greeted.result);
  return listed === null ? { ok: false, says: 'it lists no tools' } : { ok: true, listed };
}

/** Lines in, lines out. An answer is an RpcAnswer, or the sentence why there is none. */
function lineOf(child: Child) {
  const waiting = new Map<number, (answer: RpcAnswer | string) => void>();
  let over: string | null = null;
  const stop = (says: string) => {
    over ??= says;
    for (const settle of waiting.values()) settle(over);
  };
  child.on('error', (error: NodeJS.ErrnoException) =>
    stop(error.code === 'ENOENT' ? 'its program is not installed' : `it does not start: ${error.message}`),
  );
  child.on('exit', (code, signal) => stop(`it ended by itself (${signal ?? code})`));
  child.stdin.on('error', () => stop('it does not listen'));
  createInterface({ input: child.stdout }).on('line', (text) => {
    const message = text.length > lineCharsMax ? undefined : parseJson(text);
    if (isJsonObject(message) && typeof message.id === 'number') waiting.get(message.id)?.(rpcAnswerIn(text));
  });
  const send = (text: string) => void child.stdin.write(`${text}\n`);
  const ask = (id: number, text: string, millisMax: number) =>
    new Promise<RpcAnswer | string>((resolve) => {
      const timer = setTimeout(() => settle('it did not answer in time'), millisMax);
      const settle = (answer: RpcAnswer | string) => {
        clearTimeout(timer);
        waiting.delete(id);
        resolve(answer);
      };
      waiting.set(id, settle);
      if (over === null) send(text);
      else settle(over);
    });
  return { send, ask };
}

async function end(child: Child, millisMax: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.stdin.end();
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), millisMax);
  await ended;
  clearTimeout(timer);
}

/** What a client lets through to its servers; not this process's own secrets. */
function inherited(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = [
    'PATH',
    'HOME',
    'USER',
    'LOGNAME',
    'SHELL',
    'TERM',
    'LANG',
    'TMPDIR',
    'APPDATA',
    'LOCALAPPDATA',
    'USERPROFILE',
    'SystemRoot',
    'TEMP',
  ];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

/** The entry's environment; a reference is filled in from this process's, and left out where it is not there. */
function given(server: ConfiguredServer, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    server.env.flatMap(({ name, text }) => {
      const reference = /^\$\{?(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}?$/.exec(text)?.[1];
      const value = reference === undefined ? text : env[reference];
      return value === undefined || isReference(value) ? [] : [[name, value]];
    }),
  );
}
