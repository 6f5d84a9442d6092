// Test support: a person with a browser. Follows redirects with cookies until one leaves the issuer, and says yes to what is asked.

import { createHash, randomBytes } from 'node:crypto';
import type { People } from './people-port.ts';
import type { Plane } from './testing.ts';

/** A people room where whoever opens the page is `user`, and agrees. */
export function agreeing(user = 'howard'): People {
  return {
    exists: async (name) => name === user,
    async handleInteraction(req, res, interactions) {
      const found = await interactions.read(req, res);
      if (!found) return void res.writeHead(404).end('no such interaction');
      if (found.asks === 'consent') return interactions.consent(req, res);
      const authenticatedAtSeconds = Math.floor(Date.now() / 1000);
      return interactions.signIn(req, res, { user, authenticatedAtSeconds, methods: ['pwd'] });
    },
  };
}

export interface Visit {
  /** Where it ended: the first address outside the issuer, or the page that was shown. */
  readonly url: URL;
  readonly status: number;
  readonly text: string;
}

export type Browser = (url: string, form?: { readonly [name: string]: string }) => Promise<Visit>;

export function openBrowser(plane: Plane): Browser {
  const jar = new Map<string, string>();
  return async (start, form) => {
    let url = start;
    let body = form === undefined ? undefined : new URLSearchParams(form);
    for (let step = 0; step < 12; step++) {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const method = body === undefined ? 'GET' : 'POST';
      const response = await fetch(url, {
        method,
        headers: { cookie, accept: 'text/html' },
        redirect: 'manual',
        ...(body ? { body } : {}),
      });
      for (const line of response.headers.getSetCookie()) keep(jar, line);
      const location = response.headers.get('location');
      const text = await response.text();
      if (location === null) return { url: new URL(url), status: response.status, text };
      url = new URL(location, url).href;
      body = undefined;
      if (!url.startsWith(`${plane.issuer}/`)) return { url: new URL(url), status: response.status, text };
    }
    throw new Error(`more redirects than any flow has, last to ${url}`);
  };
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair] = line.split(';', 1);
  const at = pair!.indexOf('=');
  const name = pair!.slice(0, at);
  if (/expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name);
  else jar.set(name, pair!.slice(at + 1));
}

export interface CodeRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly resource?: string | readonly string[];
  readonly scope?: string;
  readonly extra?: { readonly [name: string]: string };
}

/** The authorization request of a client that uses PKCE, its verifier beside it. */
export function codeRequest(plane: Plane, ask: CodeRequest): { readonly url: string; readonly verifier: string } {
  const verifier = randomBytes(32).toString('base64url');
  const url = new URL(`${plane.issuer}/oauth/authorize`);
  const parameters = {
    client_id: ask.clientId,
    redirect_uri: ask.redirectUri,
    response_type: 'code',
    state: 'st',
    code_challenge_method: 'S256',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    ...(ask.scope === undefined ? {} : { scope: ask.scope }),
    ...ask.extra,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== '') url.searchParams.set(name, value);
  for (const one of [ask.resource ?? []].flat()) url.searchParams.append('resource', one);
  return { url: url.href, verifier };
}

/** Howard signs in and agrees; the token request that redeems the code. */
export async function agreedCode(plane: Plane, ask: CodeRequest) {
  const { url, verifier } = codeRequest(plane, ask);
  const { url: back, text } = await openBrowser(plane)(url);
  const code = back.searchParams.get('code');
  if (code === null) throw new Error(`no code: ${back.href} ${text.slice(0, 300)}`);
  return {
    back,
    form: {
      grant_type: 'authorization_code',
      client_id: ask.clientId,
      redirect_uri: ask.redirectUri,
      code,
      code_verifier: verifier,
    },
  };
}

/** Types the user code into the device page and agrees. */
export async function agreeToDevice(plane: Plane, userCode: string): Promise<Visit> {
  const browser = openBrowser(plane);
  const page = `${plane.issuer}/oauth/device`;
  const xsrf = (text: string) => /name="xsrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
  const typed = await browser(page);
  const confirm = await browser(page, { xsrf: xsrf(typed.text), user_code: userCode });
  return browser(page, { xsrf: xsrf(confirm.text), user_code: userCode, confirm: 'yes' });
}
