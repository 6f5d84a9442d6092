// The request as the OAuth library gets to see it: made anew from the bytes that were read, with the headers it may know and the
// issuer's own host. What a caller writes into Host, Forwarded or a second Content-Length never reaches it.

import { IncomingMessage } from 'node:http';
import type { JsonObject, PeerOnWire } from '@writ/core';

/** A token request with a chain of the greatest length fits several times. */
export const formBytesMax = 48 * 1024;

const PASSED = [
  'accept',
  'accept-language',
  'access-control-request-headers',
  'access-control-request-method',
  'authorization',
  'content-type',
  'cookie',
  'dpop',
  'origin',
  'user-agent',
];

const peers = new WeakMap<object, PeerOnWire>();
const presented = new WeakMap<object, JsonObject>();

/** Claims of the genuine token that a request to introspect or revoke brought, if it did. */
export function presentedClaims(request: object): JsonObject | null {
  return presented.get(request) ?? null;
}

/** Who is on the wire of a request that `cleanRequest` made; null on a listener without client certificates. */
export function peerOf(request: object): PeerOnWire | null {
  return peers.get(request) ?? null;
}

export interface CleanRequestOptions {
  readonly issuer: URL;
  readonly body: Uint8Array;
  readonly peer: PeerOnWire | null;
  readonly claims: JsonObject | null;
  /** Path and query below the issuer's own path. */
  readonly url: string;
  /** The answer is for a program: errors come as JSON whatever the caller's `Accept` says. */
  readonly forProgram: boolean;
}

export function cleanRequest(req: IncomingMessage, options: CleanRequestOptions): IncomingMessage {
  const { issuer, url, body, peer, claims, forProgram } = options;
  const clean = new IncomingMessage(req.socket);
  clean.method = req.method ?? 'GET';
  clean.url = url;
  // How the library learns that it stands below a path (its own name for it comes from Express).
  Object.assign(clean, { originalUrl: `${basePathOf(issuer)}${url}` });
  clean.httpVersion = req.httpVersion;
  for (const name of PASSED) {
    const value = req.headers[name];
    if (typeof value === 'string') clean.headers[name] = value;
  }
  if (forProgram) clean.headers.accept = 'application/json';
  clean.headers.host = issuer.host;
  // Read by the library because `provider.proxy` is set; they are ours alone.
  clean.headers['x-forwarded-host'] = issuer.host;
  clean.headers['x-forwarded-proto'] = issuer.protocol.slice(0, -1);
  clean.headers['x-forwarded-for'] = remoteOf(req, peer);
  if (body.length > 0) clean.headers['content-length'] = String(body.length);
  clean.complete = true;
  if (body.length > 0) clean.push(body);
  clean.push(null);
  if (peer) peers.set(clean, peer);
  if (claims) presented.set(clean, claims);
  return clean;
}

/** Path of the issuer without a final slash: empty, unless it is one of several on a host. */
export function basePathOf(issuer: URL): string {
  return issuer.pathname.replace(/\/$/, '');
}

export function remoteOf(req: IncomingMessage, peer: PeerOnWire | null): string {
  return peer?.remote ?? req.socket.remoteAddress ?? 'unknown';
}

/** The form's bytes, or why there are none. */
export async function readForm(req: IncomingMessage): Promise<Uint8Array | 'too_large' | 'cut_short'> {
  if (Number(req.headers['content-length'] ?? 0) > formBytesMax) return 'too_large';
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of req as AsyncIterable<Uint8Array>) {
      length += part.length;
      if (length > formBytesMax) return 'too_large';
      parts.push(part);
    }
  } catch {
    return 'cut_short';
  }
  return Buffer.concat(parts);
}

export interface TokenForm {
  readonly body: Uint8Array;
  readonly claims: JsonObject | null;
}

/**
 * The library introspects and revokes what it can find by id, and refuses signed tokens before any hook of ours. So a genuine
 * token of this issuer is handed to it by its id, which its adapter looks up in the registry; any other by an id nobody has.
 */
export function withTokenById(form: Uint8Array, read: (token: string) => JsonObject | null): TokenForm {
  const parameters = new URLSearchParams(Buffer.from(form).toString('utf8'));
  const tokens = parameters.getAll('token');
  if (tokens.length !== 1 || !tokens[0]!.includes('.')) return { body: form, claims: null };
  const claims = read(tokens[0]!);
  parameters.set('token', typeof claims?.jti === 'string' ? claims.jti : 'unknown');
  return { body: Buffer.from(parameters.toString()), claims };
}
