// People and agents of a plane in another process: the first administrator by the one-time link, and callers with real SVIDs.

import { join } from 'node:path';
import { planeFromReady } from '@writ/agent';
import { type DialSvid, mtlsAgent, openAgent } from '@writ/agent/node';
import type { JsonObject } from '@writ/core';
import { openAuthority } from '../../packages/server/src/transport/ca.ts';
import { tlsIdentity, toPem } from '../../packages/server/src/transport/tls-pem.ts';
import type { Caller } from './load.ts';

/** Two agents and a tool server at this port of loopback, its credential in UPSTREAM_KEY. */
export function configuration(upstreamPort: number): string {
  return `version: 1
trustDomain: zylos.local
data: ./data
listen: { mtls: "127.0.0.1:0", oauth: "127.0.0.1:0", admin: "127.0.0.1:0" }
agents:
  claude/orchestrator: { attest: { launched: true }, calls: [notes], scopes: ["notes:*"], memory: task }
  scheduler/c5: { attest: { launched: true }, calls: [notes], scopes: ["notes:*"], memory: task }
servers:
  notes: { mcp: { url: "http://127.0.0.1:${upstreamPort}/mcp/notes" }, credential: { env: UPSTREAM_KEY } }
users:
  howard: {}
allow:
  - { agent: claude/orchestrator, tool: notes/read, risk: 0 }
  - { agent: scheduler/c5, tool: notes/read, risk: 0 }
`;
}

/** Signs in howard by the link of the ready line, and pins what the tool server lists. The session outlives the process. */
export async function firstSession(ready: JsonObject): Promise<string> {
  const password = `correct horse ${crypto.randomUUID()}`;
  const { session } = await ask(ready, null, 'POST', '/login', { link: ready.adminLink!, user: 'howard', password });
  const { digest } = await ask(ready, String(session), 'GET', '/policy/review/notes', null);
  await ask(ready, String(session), 'POST', '/policy/review/notes', { digest: digest! });
  return String(session);
}

/** Withdraws one token. */
export async function withdraw(ready: JsonObject, session: string, token: string): Promise<void> {
  const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { jti: string };
  await ask(ready, session, 'POST', '/revocations', { token: claims.jti });
}

async function ask(
  ready: JsonObject,
  session: string | null,
  method: string,
  path: string,
  body: JsonObject | null,
): Promise<JsonObject> {
  const answer = await fetch(`${(ready.admin as { url: string }).url}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(session === null ? {} : { authorization: `Bearer ${session}` }),
    },
    ...(body === null ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as JsonObject;
}

export interface CrewOptions {
  readonly ready: JsonObject;
  readonly session: string;
  readonly dataDir: string;
  readonly count: number;
  readonly round: number;
}

/** `count` callers, half of them each of two agents, each agent in a task of its own. */
export async function openCallers({ ready, session, dataDir, count, round }: CrewOptions) {
  const trustDomain = String(ready.trustDomain);
  const clock = { nowSeconds: () => Math.floor(Date.now() / 1000) };
  const authority = await openAuthority({ dir: join(dataDir, 'ca'), trustDomain, clock });
  const plane = planeFromReady(ready);
  const closing: (() => unknown)[] = [];
  const pair = await Promise.all(
    ['claude/orchestrator', 'scheduler/c5'].map(async (path) => {
      const minted = await authority.mint({ spiffeId: `spiffe://${trustDomain}/${path}` });
      const bundlePem = authority.bundle().map((der) => toPem('CERTIFICATE', der));
      const held: DialSvid = { spiffeId: minted.spiffeId, ...tlsIdentity(minted), bundlePem };
      const agent = openAgent({ plane, source: { current: () => held, close() {} } });
      const opened = await ask(ready, session, 'POST', '/tasks', { agent: path, prompt: 'read my notes' });
      const task = await agent.task(String(opened.task));
      const dial = mtlsAgent({ svid: () => held, expect: plane.gatewayId });
      closing.push(
        () => agent.close(),
        () => dial.destroy(),
      );
      const asked = { tools: ['notes/read', 'notes/hidden'], audience: 'notes', estimatedSeconds: 60 };
      const { token } = await task.run(() => agent.spawn(asked));
      const url = agent.url('notes');
      return { url, token, dial, spiffeId: minted.spiffeId, continuation: String(opened.subjectToken) };
    }),
  );
  const callers = Array.from({ length: count }, (_, i): Caller => ({ ...pair[i % 2]!, name: `r${round}-c${i}` }));
  return {
    callers,
    async close() {
      for (const close of closing) await close();
    },
  };
}
