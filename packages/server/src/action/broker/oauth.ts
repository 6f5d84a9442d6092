// The broker as a client of somebody else's authorization server: client credentials for the plane's own sake, token exchange
// (RFC 8693) in a person's name, each token for one resource (RFC 8707) and with the scopes that were asked for and no others.
// The protocol is oauth4webapi's; what is fetched and from where is web.ts. What the other side wrote is not repeated.

import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { JsonObject, Principal } from '@writ/core';
import * as oauth from 'oauth4webapi';
import type { OauthRef, SecretRef } from '../../config/config.ts';
import { CredentialFault } from './held.ts';
import { type Web, WebError } from './web.ts';

export interface TokenAsk {
  readonly ref: OauthRef;
  readonly resource: string;
  readonly scopes: readonly string[];
  /** In whose name; null: the plane's own. */
  readonly root: Principal | null;
}

export interface AccessToken {
  readonly value: string;
  readonly expiresSeconds: number;
}

export interface OauthClient {
  /** Rejects with CredentialFault or WebError. */
  token(ask: TokenAsk): Promise<AccessToken>;
  /** RFC 7009, where the server offers it; otherwise the token ends by itself. */
  revoke(ref: OauthRef, token: string): Promise<void>;
}

export interface OauthPorts {
  readonly web: Web;
  readonly clock: { nowSeconds(): number };
  /** Rejects with CredentialFault. */
  readSecret(ref: SecretRef): Promise<string>;
  /**
   * A short-lived statement by the plane about who is asking, for that server alone. Null: the person is not one that the
   * plane itself signs in, and nothing can be said about them.
   */
  assertion(about: { readonly subject: Principal; readonly audience: string }): string | null;
}

const metadataKeptSeconds = 600;
/** For a token whose server does not say how long it lives. */
const unsaidSeconds = 60;
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const tokenType = (kind: string) => `urn:ietf:params:oauth:token-type:${kind}`;

export function createOauthClient(ports: OauthPorts): OauthClient {
  const { web, clock } = ports;
  const known = new Map<
    string,
    { readonly server: Promise<oauth.AuthorizationServer>; readonly untilSeconds: number }
  >();

  const options = {
    // web.ts says which addresses may be plain http; the library would refuse loopback too.
    [oauth.allowInsecureRequests]: true,
    async [oauth.customFetch](
      url: string,
      asked: { method: string; headers: object; body?: unknown },
    ): Promise<Response> {
      const body = asked.body === undefined || asked.body === null ? null : String(asked.body);
      const headers = { ...asked.headers } as Record<string, string>;
      const answer = await web.ask(new URL(url), { method: asked.method, headers, body });
      return new Response(answer.status === 204 ? null : answer.text, {
        status: answer.status,
        headers: answer.headers,
      });
    },
  };

  const discover = async (issuer: string): Promise<oauth.AuthorizationServer> => {
    const url = new URL(issuer);
    let failed: unknown;
    for (const algorithm of ['oauth2', 'oidc'] as const) {
      try {
        const response = await oauth.discoveryRequest(url, { ...options, algorithm });
        // Compares `issuer` with the one that was configured (RFC 8414 §3.3).
        const server = await oauth.processDiscoveryResponse(url, response);
        if (server.token_endpoint !== undefined) return server;
        failed = new Error('it names no token endpoint');
      } catch (error) {
        failed = error;
      }
    }
    throw faultOf(failed, `the metadata of \`${issuer}\` cannot be used`);
  };

  const serverOf = (issuer: string): Promise<oauth.AuthorizationServer> => {
    const kept = known.get(issuer);
    if (kept && clock.nowSeconds() < kept.untilSeconds) return kept.server;
    const server = discover(issuer);
    known.set(issuer, { server, untilSeconds: clock.nowSeconds() + metadataKeptSeconds });
    server.catch(() => known.delete(issuer));
    return server;
  };

  const clientAuth = async ({ auth }: OauthRef): Promise<oauth.ClientAuth> => {
    if (auth.kind === 'secret') return oauth.ClientSecretBasic(await ports.readSecret(auth.secret));
    return oauth.PrivateKeyJwt(await signingKey(await ports.readSecret({ kind: 'file', path: auth.path }), auth.path));
  };

  const partiesOf = async (ref: OauthRef) => {
    const server = await serverOf(ref.issuer);
    // A client id that is a URL is a document the server has to fetch; one that does not would take it for a name.
    if (/^https:/.test(ref.clientId) && server.client_id_metadata_document_supported !== true) {
      throw new CredentialFault(`\`${ref.issuer}\` takes no client id metadata documents; register a client id there`);
    }
    return { server, client: { client_id: ref.clientId }, auth: await clientAuth(ref) };
  };

  return {
    async token({ ref, resource, scopes, root }) {
      const { server, client, auth } = await partiesOf(ref);
      const parameters = new URLSearchParams({ resource });
      if (scopes.length > 0) parameters.set('scope', scopes.join(' '));
      if (ref.audience !== null) parameters.set('audience', ref.audience);
      const inName = ref.grant === 'token_exchange' && root !== null;
      if (inName) {
        const assertion = ports.assertion({ subject: root, audience: ref.issuer });
        if (assertion === null)
          throw new CredentialFault('the person is signed in elsewhere, and this plane cannot speak for them');
        parameters.set('subject_token', assertion);
        parameters.set('subject_token_type', tokenType('jwt'));
        parameters.set('requested_token_type', tokenType('access_token'));
      }
      const askedSeconds = clock.nowSeconds();
      try {
        const response = await oauth.genericTokenEndpointRequest(
          server,
          client,
          auth,
          inName ? exchange : 'client_credentials',
          parameters,
          options,
        );
        const answer = await oauth.processGenericTokenEndpointResponse(server, client, response);
        return checked(answer, { ref, scopes, inName, askedSeconds });
      } catch (error) {
        throw faultOf(error, `\`${ref.issuer}\` gave no token`);
      }
    },

    async revoke(ref, token) {
      const { server, client, auth } = await partiesOf(ref);
      if (server.revocation_endpoint === undefined) return;
      try {
        const response = await oauth.revocationRequest(server, client, auth, token, {
          ...options,
          additionalParameters: { token_type_hint: 'access_token' },
        });
        await oauth.processRevocationResponse(response);
      } catch (error) {
        throw faultOf(error, `\`${ref.issuer}\` did not take a token back`);
      }
    },
  };
}

function checked(
  answer: oauth.TokenEndpointResponse,
  asked: { ref: OauthRef; scopes: readonly string[]; inName: boolean; askedSeconds: number },
): AccessToken {
  const { ref, scopes, inName, askedSeconds } = asked;
  if (answer.token_type !== 'bearer')
    throw new CredentialFault(`\`${ref.issuer}\` gave a token that is no bearer token`);
  const issued = (answer as JsonObject).issued_token_type;
  if (inName && issued !== tokenType('access_token')) {
    throw new CredentialFault(`\`${ref.issuer}\` exchanged for something else than an access token`);
  }
  const wider = (answer.scope?.split(' ') ?? []).filter((scope) => scope !== '' && !scopes.includes(scope));
  if (scopes.length > 0 && wider.length > 0) {
    throw new CredentialFault(
      `\`${ref.issuer}\` gave more scopes than were asked for; narrow what this client may have there`,
    );
  }
  return { value: answer.access_token, expiresSeconds: askedSeconds + Math.floor(answer.expires_in ?? unsaidSeconds) };
}

/** What the library found, without the other side's words: a description may hold what it was sent. */
function faultOf(error: unknown, says: string): Error {
  if (error instanceof CredentialFault || error instanceof WebError) return error;
  if (error instanceof oauth.ResponseBodyError) {
    const code = /^[a-z_]{1,40}$/.test(error.error) ? `: ${error.error}` : '';
    return new CredentialFault(`${says} (HTTP ${error.status}${code})`);
  }
  const { code, message } = error as { code?: unknown; message?: string };
  // The library's own codes and sentences; `cause` has the answer and stays here.
  return new CredentialFault(`${says} (${typeof code === 'string' ? code : 'unusable answer'}: ${message ?? ''})`);
}

/** PEM (PKCS 8) or JWK; the algorithm is the key's (RFC 7518 §3.1, RFC 8037). */
async function signingKey(text: string, path: string): Promise<oauth.PrivateKey> {
  const unusable = () => new CredentialFault(`the file \`${path}\` holds no private key for ES256, EdDSA or RS256`);
  let key: KeyObject;
  let kid: string | undefined;
  try {
    const jwk = text.trimStart().startsWith('{') ? (JSON.parse(text) as JsonObject) : null;
    kid = typeof jwk?.kid === 'string' ? jwk.kid : undefined;
    key = jwk ? createPrivateKey({ key: jwk as never, format: 'jwk' }) : createPrivateKey(text);
  } catch {
    throw unusable();
  }
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const algorithm =
    key.asymmetricKeyType === 'ed25519'
      ? 'Ed25519'
      : key.asymmetricKeyType === 'rsa'
        ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
        : curve === 'prime256v1'
          ? { name: 'ECDSA', namedCurve: 'P-256' }
          : null;
  if (algorithm === null) throw unusable();
  return { key: key.toCryptoKey(algorithm as 'Ed25519', false, ['sign']), ...(kid === undefined ? {} : { kid }) };
}
