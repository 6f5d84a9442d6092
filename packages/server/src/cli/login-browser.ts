// Signing in with a browser on this machine: authorization code with PKCE, answered on a loopback port (RFC 8252 §7.3,
// RFC 7636, RFC 9207).

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isJsonObject, type JsonObject, toBase64Url } from '@writ/core';
import { ask, randomText, saysOf } from './client.ts';
import { API_SCOPE, apiResource, CLIENT_ID, endpoint, type Issuer } from './issuer.ts';
import { refused, unreachable } from './stop.ts';

const waitMillisMax = 5 * 60_000;

export async function signInByBrowser(issuer: Issuer, note: (text: string) => void): Promise<JsonObject> {
  const verifier = randomText(32);
  const state = randomText(16);
  const listening = await listen();
  try {
    const redirect = `http://127.0.0.1:${(listening.server.address() as AddressInfo).port}/callback`;
    const url = new URL(endpoint(issuer, 'authorization_endpoint'));
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: CLIENT_ID,
      redirect_uri: redirect,
      resource: apiResource(issuer),
      scope: API_SCOPE,
      code_challenge: toBase64Url(createHash('sha256').update(verifier).digest()),
      code_challenge_method: 'S256',
      state,
    }).toString();
    note(`sign in at\n  ${url.href}`);
    openBrowser(url.href);
    const code = codeOf(await listening.answer, state, issuer.issuer);
    return await redeem(issuer, { code, redirect_uri: redirect, code_verifier: verifier });
  } finally {
    listening.server.close();
    listening.server.closeAllConnections();
  }
}

interface Listening {
  readonly server: Server;
  /** Parameters of the one answer that reached /callback. */
  readonly answer: Promise<URLSearchParams>;
}

async function listen(): Promise<Listening> {
  const { promise, resolve, reject } = Promise.withResolvers<URLSearchParams>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (request.method !== 'GET' || url.pathname !== '/callback') return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'referrer-policy': 'no-referrer' });
    response.end('You may close this page and go back to your terminal.\n');
    resolve(url.searchParams);
  });
  const timer = setTimeout(
    () => reject(refused('nobody signed in within five minutes; `writ login` starts over')),
    waitMillisMax,
  );
  server.on('close', () => clearTimeout(timer));
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', listening);
  });
  return { server, answer: promise };
}

/** Throws unless the answer belongs to this question and comes from this issuer. */
export function codeOf(answer: URLSearchParams, state: string, issuer: string): string {
  if (answer.get('state') !== state) throw refused('the answer belongs to another sign-in; `writ login` starts over');
  // RFC 9207 §2.4: a code of another issuer must not be sent to this one.
  if (answer.get('iss') !== issuer) throw refused('the answer comes from another issuer; `writ login` starts over');
  const code = answer.get('code');
  if (code === null)
    throw refused(answer.get('error_description') ?? answer.get('error') ?? 'the sign-in was not completed');
  return code;
}

async function redeem(issuer: Issuer, parameters: { readonly [name: string]: string }): Promise<JsonObject> {
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: CLIENT_ID,
    resource: apiResource(issuer),
    ...parameters,
  });
  const answer = await ask({ url: endpoint(issuer, 'token_endpoint'), method: 'POST', body });
  if (answer.status >= 500) throw unreachable(saysOf(answer));
  if (answer.status !== 200 || !isJsonObject(answer.body)) throw refused(saysOf(answer));
  return answer.body;
}

/** Best effort: the address is on the terminal in any case. */
function openBrowser(url: string): void {
  if (!process.env.DISPLAY && !process.env.WAYLAND_DISPLAY && process.platform === 'linux') return;
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open';
  spawn(program, [url], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}
