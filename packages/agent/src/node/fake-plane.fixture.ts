// For tests only: as much of a plane as an agent sees of one, on real mutual TLS. It signs and checks tokens, keeps chains by the
// rules that matter to a client, answers MCP, and hands A2A messages on with a signed context.

import { X509Certificate } from 'node:crypto';
import { createServer as createPlain, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import {
  anyScopeCovers,
  type Chain,
  chainFromClaims,
  chainToClaims,
  type DenialCode,
  type JsonObject,
  type Link,
  leafOf,
  messageHash,
  parseJws,
  says,
  TYP,
  verifyJws,
} from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import type { FetchLike } from '../fetch.ts';
import { makeKey } from '../jws.fixture.ts';
import { type Plane, planeFromReady } from '../plane.ts';
import { type Agent, type AgentOptions, openAgent } from './agent.ts';
import { type TestAuthority, testAuthority } from './authority.fixture.ts';
import { mtlsAgent } from './dial.ts';
import { mtlsFetch } from './mtls-fetch.ts';

const trustDomain = 'zylos.local';
export const spiffe = (path: string) => `spiffe://${trustDomain}/${path}`;

export interface FakePlane {
  readonly plane: Plane;
  readonly authority: TestAuthority;
  /** An agent with an SVID of its own, as `connect` would make it. */
  agent(path: string, options?: Pick<AgentOptions, 'allowUnprovenPeer'>): Promise<Agent>;
  /** Opens a task of `howard` for an agent. */
  openTask(path: string, scopes: readonly string[]): string;
  /** Where an agent is served: messages to it go there, by mutual TLS. */
  route(path: string, url: string): void;
  /** Answers the MCP server `files`; the chain is the caller's, as its token proved it. */
  answerMcp(answer: (request: IncomingMessage, body: string, chain: Chain, response: ServerResponse) => void): void;
  /** `<actor> <operation> <scopes>` of every question, in order. */
  readonly log: string[];
  /** Seconds that the next tokens live, in order; 300 when there are no more. */
  readonly lives: number[];
  /** Every context that was handed on, newest last. */
  readonly contexts: { readonly body: JsonObject; readonly target: string }[];
  close(): Promise<void>;
}

class Refused extends Error {
  readonly status: number;
  readonly code: DenialCode;
  constructor(status: number, code: DenialCode) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

export async function fakePlane(): Promise<FakePlane> {
  const authority = await testAuthority();
  const own = await authority.svid(spiffe('writ/gateway'));
  const tokens = makeKey('tokens');
  const contextKey = makeKey('contexts');
  const routes = new Map<string, { url: string; fetch: FetchLike }>();
  const tasks = new Map<string, { holder: string; token: string }>();
  const opened: { close(): unknown }[] = [];
  const nowSeconds = () => Math.floor(Date.now() / 1000);
  let rows = 0;
  let mcp: Parameters<FakePlane['answerMcp']>[0] = (_request, _body, _chain, response) => void response.end();

  const server = createServer({
    cert: own.certPem,
    key: own.keyPem,
    ca: [own.bundlePem].flat(),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  });
  server.on('request', (request, response) => {
    serve(request, response).catch((error: unknown) => {
      const refused = error instanceof Refused ? error : new Refused(500, 'gateway.outage');
      if (!(error instanceof Refused)) console.error(error);
      const { status, code } = refused;
      const body = {
        error: status === 401 ? 'invalid_token' : 'invalid_request',
        error_description: says(code),
        code,
        decisionId: `d${++rows}`,
      };
      response
        .writeHead(status, { 'content-type': 'application/json', 'writ-decision': body.decisionId })
        .end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const mtls = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // The issuer is elsewhere in a plane; the context keys are all that an agent reads there.
  const issuer = await serveKeys({ keys: [contextKey.jwk] });
  const plane = planeFromReady({ gateway: { mtls }, issuer: issuer.url, gatewayId: spiffe('writ/gateway') });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request);
    const peer = peerOf(request.socket as TLSSocket);
    const url = new URL(request.url!, mtls);
    const task = /^\/oauth\/tasks\/(\w+)\/continuation$/.exec(url.pathname);
    if (task) return answer(response, continuationFor(task[1]!, peer));
    if (url.pathname === '/oauth/token') return answer(response, exchange(new URLSearchParams(body), peer));
    const chain = admit(request, `${mtls}${url.pathname}`, peer);
    const [, kind, ...key] = url.pathname.split('/');
    fake.log.push(`${peer.slice(spiffe('').length)} ${kind} ${key.join('/')} ${leafOf(chain).scopes.join(' ')}`);
    if (kind === 'mcp') return mcp(request, body, chain, response);
    await handOn(key.join('/'), JSON.parse(body) as JsonObject, chain, response);
  }

  function continuationFor(task: string, peer: string): JsonObject {
    const found = tasks.get(task);
    if (found?.holder !== peer) throw new Refused(404, 'token.wrong_task');
    return { task, subjectToken: found.token, expires: nowSeconds() + 900 };
  }

  function exchange(form: URLSearchParams, peer: string): JsonObject {
    const scopes = form.get('scope')!.split(' ');
    const continued = form.get('subject_token_type')!.endsWith(':continuation');
    fake.log.push(`${peer.slice(spiffe('').length)} ${continued ? 'take' : 'move'} ${scopes.join(' ')}`);
    if (form.get('client_id') !== peer) throw new Refused(400, 'token.bound_to_other_peer');
    const { chain, claims } = read(form.get('subject_token')!, continued ? TYP.continuation : TYP.accessToken);
    const leaf = leafOf(chain);
    if ((continued ? claims.holder : leaf.actor.sub) !== peer) throw new Refused(400, 'token.bound_to_other_peer');
    if (scopes.some((scope) => !anyScopeCovers(leaf.scopes, scope))) throw new Refused(400, 'token.scope_widened');
    const link: Link = {
      ...leaf,
      actor: { iss: `spiffe://${trustDomain}`, sub: peer },
      audience: form.get('audience')!,
      scopes,
      depth: leaf.depth - (continued ? 1 : 0),
      row: `row${++rows}`,
    };
    const links = continued ? [...chain.links, link] : [...chain.links.slice(0, -1), link];
    const estimate = form.get('estimated_seconds');
    const life = Math.min(
      fake.lives.shift() ?? 300,
      estimate === null ? Number.POSITIVE_INFINITY : 2 * Number(estimate),
    );
    const next = { task: chain.task, links: links as [Link, ...Link[]] };
    const token = tokens.sign(TYP.accessToken, {
      aud: link.audience,
      exp: nowSeconds() + life,
      ...(chainToClaims(next) as unknown as JsonObject),
    });
    return {
      access_token: token,
      issued_token_type: 'x',
      token_type: 'Bearer',
      expires_in: Math.max(life, 1),
      scope: scopes.join(' '),
    };
  }

  function read(token: string, typ: string): { chain: Chain; claims: JsonObject } {
    const jws = parseJws(token);
    if (jws?.header.typ !== typ || !verifyJws(jws, tokens.publicKey, nodeEngine))
      throw new Refused(400, 'token.signature_invalid');
    const chain = chainFromClaims(jws.claims);
    if (typeof chain === 'string') throw new Refused(400, `token.${chain}` as DenialCode);
    return { chain, claims: jws.claims };
  }

  function admit(request: IncomingMessage, url: string, peer: string): Chain {
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '');
    if (!bearer) throw new Refused(401, 'token.missing');
    const { chain, claims } = read(bearer[1]!, TYP.accessToken);
    if (nowSeconds() >= (claims.exp as number)) throw new Refused(401, 'token.expired');
    if (claims.aud !== url) throw new Refused(401, 'token.wrong_audience');
    if (leafOf(chain).actor.sub !== peer) throw new Refused(401, 'token.bound_to_other_peer');
    return chain;
  }

  async function handOn(callee: string, body: JsonObject, chain: Chain, response: ServerResponse): Promise<void> {
    const route = routes.get(callee);
    if (!route) throw new Refused(502, 'gateway.upstream_unreachable');
    const target = new URL(route.url).pathname;
    const told = chainToClaims(chain) as unknown as JsonObject;
    const continuation = tokens.sign(TYP.continuation, { ...told, holder: spiffe(callee) });
    const context = contextKey.sign(TYP.context, {
      iss: plane.gatewayId,
      aud: spiffe(callee),
      exp: nowSeconds() + 60,
      jti: `c${++rows}`,
      caller: leafOf(chain).actor.sub,
      decision: `d${rows}`,
      task: chain.task,
      act: told.act!,
      messageHash: messageHash({ method: 'POST', target, body }, nodeEngine),
      labels: { floor: 3 },
      continuation,
    });
    const params = body.params as JsonObject;
    const sent = { ...body, params: { ...params, metadata: { 'dev.writ/context': context } } };
    fake.contexts.push({ body: sent, target });
    const reply = await route.fetch(route.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'a2a-version': '1.0' },
      body: JSON.stringify(sent),
    });
    response.writeHead(reply.status, { 'content-type': reply.headers.get('content-type') ?? 'application/json' });
    for await (const chunk of reply.body as unknown as AsyncIterable<Uint8Array>) response.write(chunk);
    response.end();
  }

  const fake: FakePlane = {
    plane,
    authority,
    log: [],
    contexts: [],
    lives: [],
    async agent(path, options) {
      const svid = await authority.svid(spiffe(path));
      const agent = openAgent({ plane, source: { current: () => svid, close: () => {} }, ...options });
      opened.push(agent);
      return agent;
    },
    openTask(path, scopes) {
      const task = `tsk_${++rows}`;
      const root: Link = {
        actor: { iss: issuer.url, sub: 'howard' },
        audience: `${mtls}/a2a/${path}`,
        scopes,
        budget: [],
        depth: 3,
        untilSeconds: nowSeconds() + 900,
        ceiling: 4,
        row: `row${++rows}`,
      };
      const claims = chainToClaims({ task, links: [root] }) as unknown as JsonObject;
      tasks.set(task, {
        holder: spiffe(path),
        token: tokens.sign(TYP.continuation, { ...claims, holder: spiffe(path) }),
      });
      return task;
    },
    route(path, url) {
      if (url.startsWith('http:')) return void routes.set(path, { url, fetch });
      const dial = mtlsAgent({ svid: () => own, expect: spiffe(path) as Plane['gatewayId'] });
      opened.push({ close: () => dial.destroy() });
      routes.set(path, { url, fetch: mtlsFetch(dial) });
    },
    answerMcp(answer) {
      mcp = answer;
    },
    async close() {
      for (const one of opened) await one.close();
      server.closeAllConnections();
      await Promise.all([issuer.close(), new Promise((resolve) => server.close(resolve))]);
    },
  };
  return fake;
}

async function serveKeys(set: JsonObject) {
  const server = createPlain((request, response) => {
    const found = request.url === '/.well-known/writ-context-jwks.json';
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(found ? set : {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

function peerOf(socket: TLSSocket): string {
  const leaf = socket.getPeerX509Certificate();
  return new X509Certificate(leaf!.raw).subjectAltName!.replace('URI:', '');
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function answer(response: ServerResponse, body: JsonObject): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
