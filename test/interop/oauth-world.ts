// A plane as OAuth clients meet it: an agent that also has a key, a desktop program that gets bearer tokens and one that proves
// a key, and howard with a browser, who signs in and agrees.

import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { FetchLike } from '@writ/agent';
import { mtlsAgent, mtlsFetch } from '@writ/agent/node';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

export const DB_AGENT = 'spiffe://zylos.local/db/agent';
export const REDIRECT = 'http://127.0.0.1:4711/cb';
export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const CONTINUATION = 'urn:writ:params:oauth:token-type:continuation';

export interface OAuthWorld extends TestPlane {
  /** Of `db/agent`, which may prove itself by it as well as by its SVID. */
  readonly agentKey: KeyObject;
  /** The file server, for clients without an SVID. */
  readonly files: string;
  /** `fetch` over mutual TLS as `db/agent`, for the plane's `mtls` listener. */
  readonly mtlsFetch: FetchLike;
  /** What `db/agent` gets for a task of howard's. */
  continuation(): Promise<string>;
}

export async function startOAuthWorld(): Promise<OAuthWorld> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'EdDSA', use: 'sig' };
  const world = await startTestPlane({
    yaml: `
agents:
  db/agent:
    attest: { launched: true }
    calls: [files]
    scopes: ["files:read_text_file"]
    memory: task
    jwks: { keys: [${JSON.stringify(jwk)}] }
servers:
  files: { mcp: { command: ["$NODE", "$FILES", "$DOCS"] }, manifest: "builtin:filesystem" }
users:
  howard: { roles: [admin] }
clients:
  desktop: { redirectUris: ["http://127.0.0.1/cb"], calls: [files], scopes: ["files:read_text_file"], bearer: true }
  bound: { redirectUris: ["http://127.0.0.1/cb"], calls: [files], scopes: ["files:read_text_file"] }
allow:
  - { agent: db/agent, tool: files/read_text_file }
  - { agent: "client:desktop", tool: files/read_text_file }
`,
  });
  const svid = await world.svid('db/agent');
  const dial = mtlsAgent({ svid: () => svid, expect: 'spiffe://zylos.local/writ/gateway' as never });
  const fetch = mtlsFetch(dial);
  return {
    ...world,
    agentKey: privateKey,
    files: `${world.oauth}/mcp/files`,
    mtlsFetch: fetch,
    async continuation() {
      const task = await world.task('db/agent');
      const answer = await fetch(`${world.mtls}/oauth/tasks/${task}/continuation`);
      const { subjectToken } = (await answer.json()) as { subjectToken: string };
      assert.equal(answer.status, 200);
      return subjectToken;
    },
    async close() {
      dial.destroy();
      await world.close();
    },
  };
}

/**
 * Follows the pages from `start` as howard would, typing `userCode` where a code is asked for. Returns the first address outside
 * the issuer, or the last page, which asks for nothing more.
 */
export async function agreeAsHoward(issuer: string, start: string | URL, userCode = ''): Promise<URL> {
  const jar = new Map<string, string>();
  let url = new URL(start);
  let form: Form | null = null;
  for (let step = 0; step < 15; step++) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer: Response = await fetch(form?.action ?? url, {
      method: form ? 'POST' : 'GET',
      headers: { cookie, accept: 'text/html', ...(form ? { origin: url.origin } : {}) },
      redirect: 'manual',
      body: form?.fields ?? null,
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      jar.set(name!, value!);
    }
    const location = answer.headers.get('location');
    const page = await answer.text();
    if (location === null) {
      assert.equal(answer.status, 200, `${url.pathname}: ${page.slice(0, 400)}`);
      if (!page.includes('<form')) return url;
      form = yesTo(page, url, userCode);
      continue;
    }
    url = new URL(location, url);
    form = null;
    if (url.origin !== new URL(issuer).origin) return url;
  }
  throw new Error(`more pages than any flow has, last ${url.href}`);
}

interface Form {
  readonly action: URL;
  readonly fields: URLSearchParams;
}

/** Presses the button of the demo's sign-in, else `Yes`, with every hidden field of that form, and the code where one is asked for. */
function yesTo(page: string, url: URL, userCode: string): Form {
  const forms = page.match(/<form[\s\S]*?<\/form>/g) ?? [];
  const form = ['name="demo"', 'value="yes"', 'name="user_code"'].map((mark) =>
    forms.find((one) => one.includes(mark)),
  );
  const [chosen] = form.filter((one) => one !== undefined);
  assert.ok(chosen, `no way to agree at ${url.pathname}: ${page.slice(0, 400)}`);
  const fields = new URLSearchParams();
  for (const [input] of chosen.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
    fields.set(/name="([^"]*)"/.exec(input)![1]!, /value="([^"]*)"/.exec(input)?.[1] ?? '');
  }
  if (chosen.includes('name="demo"')) fields.set('demo', 'yes');
  else if (chosen.includes('name="answer"')) fields.set('answer', 'yes');
  else if (!fields.has('user_code')) fields.set('user_code', userCode);
  return { action: new URL(/<form[^>]*action="([^"]*)"/.exec(chosen)?.[1] ?? url, url), fields };
}
