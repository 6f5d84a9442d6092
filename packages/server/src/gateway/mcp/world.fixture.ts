// A gateway over plain loopback HTTP with a spine that decides as the test says, and a careful client of the modern era.

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Call, Decision, Denial, DenialCode, JsonObject, JsonValue, TokenFacts } from '@writ/core';
import { denial } from '@writ/core';
import { type Ending, type Spine, UpstreamError } from '../exchange.ts';
import { createMcpHandler, type MalformedRecord, type McpHandler, type McpPorts } from './handler.ts';
import { presentable } from './lists.ts';
import { createReferences } from './references.ts';
import { createStateSeal } from './request-state.ts';
import { closeServer, listen } from './servers.fixture.ts';
import type { Upstream } from './upstream.ts';

export interface Answered {
  readonly call: Call;
  readonly decision: Decision;
  readonly ending: Ending | null;
  readonly forwardedDigest: string | null;
}

/** What the test says about a call: nothing (allow), a code to deny with, or a person to ask. */
export type Say = (call: Call) => DenialCode | { readonly approval: DenialCode } | null;

export interface TestGateway {
  readonly url: string;
  readonly handler: McpHandler;
  readonly answered: Answered[];
  readonly malformed: MalformedRecord[];
  readonly observed: Map<string, readonly JsonObject[]>;
  /** What the handler told the operator. */
  readonly reported: readonly string[];
  /** Answers of the spine to every call from now on. */
  say: Say;
  /** Who the token speaks for, by its value. */
  nowSeconds: number;
  endpoint(server: string): string;
  /** Resolves when `count` calls in all have ended. */
  ended(count: number): Promise<readonly Answered[]>;
  endedWhere(which: (one: Answered) => boolean): Promise<void>;
  /** Calls of a tool that were allowed so far. */
  started(tool: string): number;
  /** What the spine does when authority is withdrawn. */
  discardAll(): void;
  close(): Promise<void>;
}

export async function startGateway(
  upstreams: { readonly [server: string]: Upstream },
  ports: Partial<McpPorts> = {},
): Promise<TestGateway> {
  const answered: Answered[] = [];
  const malformed: MalformedRecord[] = [];
  const observed = new Map<string, readonly JsonObject[]>();
  const waiting = new Set<() => void>();
  const released = new Set<() => void>();
  const started: string[] = [];
  const reported: string[] = [];
  let ids = 0;
  const settle = (one: Answered) => {
    answered.push(one);
    for (const look of waiting) look();
  };
  const when = async (holds: () => boolean): Promise<void> => {
    if (holds()) return;
    await new Promise<void>((done) => waiting.add(() => holds() && done()));
  };
  const spine: Spine = async (exchange) => {
    const { call } = exchange;
    const said = gateway.say(call);
    const credential = call.credential.kind === 'none' ? 'token.missing' : null;
    const decision = decisionOf(call, credential ?? said);
    if (decision.outcome !== 'allow') {
      await exchange.refuse(decision);
      settle({ call, decision, ending: null, forwardedDigest: null });
      return;
    }
    try {
      started.push(call.target.name ?? '');
      const reply = await exchange.forward(decision);
      const forwardedDigest = exchange.forwardedDigest(reply);
      const discard = () => exchange.discard(reply);
      released.add(discard);
      const ending = await exchange.release(reply, decision).finally(() => released.delete(discard));
      settle({ call, decision, ending, forwardedDigest });
    } catch (error) {
      const code = error instanceof UpstreamError ? error.code : 'gateway.outage';
      const refused = decisionOf(call, code, error instanceof Error ? error.message : String(error));
      await exchange.refuse(refused);
      settle({ call, decision: refused, ending: null, forwardedDigest: null });
    }
  };
  let handle: (req: IncomingMessage, res: ServerResponse) => void = () => {};
  const server = createServer((req, res) => handle(req, res));
  const base = await listen(server);
  const handler = createMcpHandler({
    serverOf: (key) => (upstreams[key] ? { upstream: upstreams[key], baseScopes: [] } : undefined),
    bases: { mtls: null, oauth: base },
    issuer: 'http://127.0.0.1:1/issuer',
    origins: new Set(),
    spine,
    nowSeconds: () => gateway.nowSeconds,
    newId: () => `id-${++ids}`,
    early: () => null,
    recordMalformed: async (record) => void malformed.push(record),
    visible: () => true,
    definitions: {
      observe: (key, tools) => void observed.set(key, tools),
      isReviewed: () => true,
      mayShowInstructions: () => true,
      inputSchemaOf: (key, tool) =>
        observed.get(key)?.find((one) => one.name === tool && presentable(one))?.inputSchema as JsonValue | undefined,
    },
    approvalUrl: (decision) => `http://127.0.0.1:1/approvals/${decision.id}`,
    holdsSecret: () => false,
    outputs: { released: async () => {}, recalls: () => true, rulesOf: () => [] },
    quarantine: {
      references: createReferences(),
      keepsBack: () => false,
      definitionOf: () => undefined,
    },
    rounds: {
      seal: createStateSeal(randomBytes(32).toString('base64url')),
      definitionOf: () => null,
      ownUrls: () => [base],
    },
    report: (what, error) => reported.push(`${what}: ${String(error)}`),
    ...ports,
  });
  handle = (req, res) => {
    const [, room, name = ''] = new URL(req.url!, base).pathname.split('/');
    const peer = { listener: 'oauth', remote: '127.0.0.1' } as const;
    if (room === 'mcp') void handler.handle(req, res, peer, name);
    else handler.metadata(req, res, peer, req.url!.split('/').at(-1)!);
  };
  const gateway: TestGateway = {
    url: base,
    handler,
    answered,
    malformed,
    observed,
    reported,
    say: () => null,
    nowSeconds: 1_800_000_000,
    endpoint: (name) => `${base}/mcp/${name}`,
    ended: async (count) => {
      await when(() => answered.length >= count);
      return answered;
    },
    endedWhere: (which) => when(() => answered.some(which)),
    started: (tool) => started.filter((name) => name === tool).length,
    discardAll() {
      for (const discard of released) discard();
    },
    close: () => closeServer(server),
  };
  return gateway;
}

/** End of every token's life. */
export const tokenUntilSeconds = 1_800_000_300;

/** The token `who` or `who.task` speaks for that person and task. */
function factsOf(call: Call): TokenFacts | null {
  if (call.credential.kind !== 'jwt') return null;
  const [who, task = 'tsk_1'] = call.credential.value.split('.') as [string, string?];
  const root = { iss: 'http://127.0.0.1:1/issuer', sub: who };
  return {
    root,
    actor: root,
    actorKey: 'client:test',
    untilSeconds: tokenUntilSeconds,
    chain: { task, links: [] },
  } as unknown as TokenFacts;
}

function decisionOf(call: Call, said: ReturnType<Say>, cause = ''): Decision {
  const facts = factsOf(call);
  const code = said === null ? null : typeof said === 'string' ? said : said.approval;
  const found: Denial | null = code === null ? null : denial(code, { cause });
  return {
    id: call.decisionId,
    outcome: said === null ? 'allow' : typeof said === 'string' ? 'deny' : 'approval',
    denial: found,
    transport: { verdict: 'pass', facts: null },
    token: { verdict: 'pass', facts, seen: null },
    action: { verdict: said === null ? 'pass' : 'deny', facts: null },
    ask: null,
    opened: null,
    claims: [],
    overlaps: false,
  };
}

export const MODERN_META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly id?: unknown;
    readonly result?: JsonObject;
    readonly error?: JsonObject & { readonly code: number; readonly data?: JsonObject };
  } & JsonObject;
}

/** One request of the modern era, as a careful client sends it; headers of `extra` win, undefined takes one away. */
export function modernRequest(
  method: string,
  params: JsonObject = {},
  extra: { readonly [name: string]: string | undefined } = {},
): RequestInit {
  const name = params.name ?? params.uri;
  const headers = {
    authorization: 'Bearer howard',
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    ...extra,
  };
  const present = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const _meta = { ...MODERN_META, ...(params._meta as JsonObject | undefined) };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method, params: { ...params, _meta } });
  return { method: 'POST', headers: Object.fromEntries(present), body };
}

export async function ask(url: string, init: RequestInit): Promise<RawAnswer> {
  const answer = await fetch(url, init);
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) };
}
