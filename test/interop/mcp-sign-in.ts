// A desktop program without an SVID, as MCP has it sign in: the stock client meets the 401, finds the issuer by the metadata it is
// pointed to, sends its person to the pages, and calls with the token it got. Everything is found; nothing is told in advance but
// the client's id.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { agreeAsHoward, type OAuthWorld, REDIRECT, startOAuthWorld } from './oauth-world.ts';

/** What both packages ask of whoever holds tokens; structurally their `OAuthClientProvider`. */
export interface Holder {
  readonly redirectUrl: string;
  readonly clientMetadata: { redirect_uris: string[]; client_name: string; scope?: string };
  clientInformation(): { client_id: string };
  tokens(): never;
  saveTokens(tokens: unknown): void;
  redirectToAuthorization(url: URL): void;
  saveCodeVerifier(verifier: string): void;
  codeVerifier(): string;
}

export interface SigningInClient {
  /** Rejects with the package's own `UnauthorizedError` while nobody is signed in. */
  connect(): Promise<void>;
  /** Takes the address that the person came back with. */
  finish(back: URL): Promise<void>;
  call(name: string, args: Record<string, unknown>): Promise<string | undefined>;
  close(): Promise<void>;
}

export function describeSignIn(name: string, open: (url: URL, holder: Holder) => SigningInClient): void {
  describe(`${name}, for a person`, () => {
    let world: OAuthWorld;
    before(async () => {
      world = await startOAuthWorld();
    });
    after(() => world?.close());

    test('signs its person in from the address of the server, and calls', async () => {
      const { holder, seen } = openHolder('files:read_text_file');
      await signIn(holder, seen);
      const { sub, act, aud } = decodeJwt(seen.tokens!.access_token);
      assert.deepEqual([sub, act, aud], ['howard', { iss: world.issuer, sub: 'desktop' }, world.files]);
      const client = open(new URL(world.files), holder);
      await client.connect();
      const text = await client.call('read_text_file', { path: `${world.docs}/report.md` });
      assert.equal(text, 'Revenue grew by 4 %.\n');
      await client.close();
    });

    test('signs its person in without naming a scope, which most clients do not', async () => {
      const { holder, seen } = openHolder();
      await signIn(holder, seen);
    });

    async function signIn(holder: Holder, seen: Seen): Promise<void> {
      const client = open(new URL(world.files), holder);
      await assert.rejects(client.connect(), /Unauthorized/);
      assert.ok(seen.url, 'the person was sent nowhere');
      assert.equal(seen.url.searchParams.get('resource'), world.files);
      await client.finish(await agreeAsHoward(world.issuer, seen.url));
      await client.close();
    }
  });
}

interface Seen {
  url: URL | null;
  tokens: { readonly access_token: string } | undefined;
  verifier: string;
}

function openHolder(scope?: string): { readonly holder: Holder; readonly seen: Seen } {
  const seen: Seen = { url: null, tokens: undefined, verifier: '' };
  const holder: Holder = {
    redirectUrl: REDIRECT,
    clientMetadata: { redirect_uris: [REDIRECT], client_name: 'interop', ...(scope ? { scope } : {}) },
    clientInformation: () => ({ client_id: 'desktop' }),
    tokens: () => seen.tokens as never,
    saveTokens: (tokens) => {
      seen.tokens = tokens as { access_token: string };
    },
    redirectToAuthorization: (url) => {
      seen.url = url;
    },
    saveCodeVerifier: (verifier) => {
      seen.verifier = verifier;
    },
    codeVerifier: () => seen.verifier,
  };
  return { holder, seen };
}
