// What the review's tests share: a plane with one agent that keeps what reaches it, and requests written by hand.

import { createServer, request as httpsRequest } from 'node:https';
import type { DialSvid } from '@writ/agent/node';
import type { JsonObject } from '@writ/core';
import { freePort } from '../free-port.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

export interface Answer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  readonly json: { readonly [member: string]: unknown };
}

export interface Field {
  readonly plane: TestPlane;
  /** Bodies that reached `db/agent`. */
  readonly arrived: JsonObject[];
  svid(path: string): Promise<DialSvid>;
  /** A token of `claude/orchestrator` in a task of its own: for `audience`, with `scope`. */
  token(audience: string, scope: string, task?: JsonObject): Promise<string>;
  exchange(as: string, form: { readonly [name: string]: string }): Promise<Answer>;
  /** A2A of `claude/orchestrator` to `db/agent`. */
  say(token: string, body: JsonObject): Promise<Answer>;
  close(): Promise<void>;
}

export async function openField(yaml: (a2a: string) => string): Promise<Field> {
  const port = await freePort();
  const plane = await startTestPlane({ yaml: yaml(`https://127.0.0.1:${port}/`) });
  const held = new Map<string, Promise<DialSvid>>();
  const svid = (path: string) => {
    if (!held.has(path)) held.set(path, plane.svid(path));
    return held.get(path)!;
  };
  const arrived: JsonObject[] = [];
  const agent = await startAgent(await svid('db/agent'), port, arrived);
  const exchange = async (as: string, form: { readonly [name: string]: string }) =>
    post(await svid(as), `${plane.mtls}/oauth/token`, FORM, new URLSearchParams(form).toString());

  return {
    plane,
    arrived,
    svid,
    exchange,
    async token(audience, scope, task = {}) {
      const body = JSON.stringify({ agent: 'claude/orchestrator', prompt: 'read the report', ...task });
      const opened = await plane.person('/tasks', { method: 'POST', body });
      const { subjectToken } = (await opened.json()) as { subjectToken: string };
      const answer = await exchange('claude/orchestrator', {
        ...asked('claude/orchestrator', audience, scope),
        subject_token: subjectToken,
        subject_token_type: CONTINUATION,
      });
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.json));
      return String(answer.json.access_token);
    },
    async say(token, body) {
      const headers = { 'content-type': 'application/json', 'a2a-version': '1.0', authorization: `Bearer ${token}` };
      const to = `${plane.mtls}/a2a/db/agent`;
      return post(await svid('claude/orchestrator'), to, headers, JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }));
    },
    async close() {
      await plane.close();
      await agent();
    },
  };
}

export const CONTINUATION = 'urn:writ:params:oauth:token-type:continuation';
const FORM = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };

export function asked(agent: string, audience: string, scope: string) {
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    client_id: `spiffe://zylos.local/${agent}`,
    audience,
    scope,
  };
}

export function post(
  svid: DialSvid,
  url: string,
  headers: { readonly [name: string]: string },
  body: string,
): Promise<Answer> {
  const { certPem: cert, keyPem: key, bundlePem } = svid;
  const ca = [bundlePem].flat() as string[];
  return new Promise((resolve, reject) => {
    const tls = { cert, key, ca, agent: false, checkServerIdentity: () => undefined };
    const request = httpsRequest(url, { method: 'POST', headers, ...tls }, async (res) => {
      const parts: Buffer[] = [];
      for await (const part of res) parts.push(part as Buffer);
      const json = JSON.parse(Buffer.concat(parts).toString() || '{}') as Answer['json'];
      resolve({ status: res.statusCode!, headers: res.headers as Answer['headers'], json });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Answers every message with a task and a conversation of its own: `task-1` and `context-1`, … */
async function startAgent(svid: DialSvid, port: number, arrived: JsonObject[]): Promise<() => Promise<void>> {
  const { certPem: cert, keyPem: key, bundlePem } = svid;
  const tls = { cert, key, ca: [bundlePem].flat() as string[], requestCert: true };
  const server = createServer(tls, async (req, res) => {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    if (req.method === 'GET') return void res.writeHead(200, JSON_TYPE).end(JSON.stringify(CARD));
    const body = JSON.parse(Buffer.concat(parts).toString()) as JsonObject;
    arrived.push(body);
    const n = arrived.length;
    const task = { id: `task-${n}`, contextId: `context-${n}`, status: { state: 'TASK_STATE_WORKING' } };
    res.writeHead(200, JSON_TYPE).end(JSON.stringify({ jsonrpc: '2.0', id: body.id, result: { task } }));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}

const JSON_TYPE = { 'content-type': 'application/json' };
/** A card of both versions: 1.0 names interfaces, 0.3 a URL and more interfaces. */
const CARD = {
  name: 'db/agent',
  description: 'reads',
  version: '1',
  url: 'https://10.0.0.7/direct',
  preferredTransport: 'JSONRPC',
  additionalInterfaces: [{ url: 'https://10.0.0.7/grpc', transport: 'GRPC' }],
  supportsAuthenticatedExtendedCard: true,
  security: [{ none: [] }],
  supportedInterfaces: [{ url: 'https://10.0.0.7/direct', protocolBinding: 'JSONRPC', protocolVersion: '1.0' }],
  capabilities: {},
  defaultInputModes: ['text/plain'],
  defaultOutputModes: ['text/plain'],
  skills: [],
};
