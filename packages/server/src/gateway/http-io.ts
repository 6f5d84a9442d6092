// What every protocol folder needs of HTTP: a bounded body, the one credential, host and origin, and refusals in HTTP's words.
// Decides nothing about a call; statuses follow contract §5. Works on node:http and on the compatibility side of node:http2.

import { createHash, type Hash, hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Call, type Credential, type DenialCode, says } from '@writ/core';

/** `sha256:<hex>`, as records and calls carry it. */
export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${hash('sha256', bytes, 'hex')}`;
}

/** A digest over bytes that come in pieces. */
export function openDigest(): Hash {
  return createHash('sha256');
}

export function closeDigest(open: Hash): string {
  return `sha256:${open.digest('hex')}`;
}

export type Body =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly fault: 'too_large' | 'encoded' | 'cut_short' };

/**
 * The whole body, at most `bytesMax`. A coded body is not read: what cannot be seen cannot be judged (rules §1.6).
 * After `too_large` the rest is still on its way: `dropUnread`, then answer.
 */
export async function readBody(req: IncomingMessage, bytesMax: number): Promise<Body> {
  const coding = headerValues(req, 'content-encoding').join(',').toLowerCase();
  if (req.destroyed) return { ok: false, fault: 'cut_short' };
  if (coding !== '' && coding !== 'identity') return { ok: false, fault: 'encoded' };
  if (Number(req.headers['content-length'] ?? 0) > bytesMax) return { ok: false, fault: 'too_large' };
  const parts: Uint8Array[] = [];
  let length = 0;
  return new Promise((resolve) => {
    const settle = (body: Body) => {
      req.off('data', take).off('end', end).off('error', cut).off('close', cut);
      resolve(body);
    };
    const take = (part: Uint8Array) => {
      length += part.length;
      if (length > bytesMax) settle({ ok: false, fault: 'too_large' });
      else parts.push(part);
    };
    const end = () => settle({ ok: true, bytes: Buffer.concat(parts) });
    const cut = () => settle({ ok: false, fault: 'cut_short' });
    req.on('data', take).on('end', end).on('error', cut).on('close', cut);
  });
}

/** Every value of a header as it came, outer whitespace removed (RFC 9110 §5.5). `req.headers` would hide a repetition. */
export function headerValues(req: IncomingMessage, name: string): readonly string[] {
  let fields = fieldsOf.get(req);
  if (!fields) {
    fields = fieldsIn(req.rawHeaders);
    fieldsOf.set(req, fields);
  }
  return fields.get(name) ?? [];
}

// One request is asked for a dozen names; its fields are told apart once.
const fieldsOf = new WeakMap<IncomingMessage, ReadonlyMap<string, readonly string[]>>();

function fieldsIn(raw: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    const value = raw[i + 1]!.trim();
    const before = fields.get(name);
    if (before) before.push(value);
    else fields.set(name, [value]);
  }
  return fields;
}

// Other places where a caller might put authority. Each counts as a credential of its own (rules §2.8).
const OTHER_CREDENTIALS = ['proxy-authorization', 'x-aip-token', 'x-aip-token-ref'];

/** What the caller presents, unjudged. One credential, or the names of all that were seen. RFC 6750 §2.1, RFC 9449 §7.1. */
export function credentialOf(req: IncomingMessage): Credential {
  const authorizations = headerValues(req, 'authorization');
  const others = OTHER_CREDENTIALS.filter((name) => headerValues(req, name).length > 0);
  const seen = [...authorizations.map(() => 'authorization'), ...others];
  if (seen.length === 0) return { kind: 'none' };
  if (authorizations.length !== 1 || others.length > 0) return { kind: 'ambiguous', seen };
  const match = /^(bearer|dpop) +(\S+)$/i.exec(authorizations[0]!);
  // Another scheme is no token at all: the empty value is judged and found malformed like any other text.
  if (!match) return { kind: 'jwt', scheme: 'Bearer', value: '' };
  const value = match[2]!;
  if (match[1]!.toLowerCase() === 'bearer') return { kind: 'jwt', scheme: 'Bearer', value };
  const proofs = headerValues(req, 'dpop');
  return {
    kind: 'jwt',
    scheme: 'DPoP',
    value,
    proof: proofs.length === 1 ? proofs[0]! : null,
    method: req.method ?? '',
  };
}

/** W3C trace and span id of a `traceparent`, or nulls: ids of zeros are none. */
export function traceOf(traceparent: string | null | undefined): Pick<Call, 'trace' | 'traceSpan'> {
  const match = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/.exec(traceparent ?? '');
  if (!match) return { trace: null, traceSpan: null };
  return { trace: match[1]!, traceSpan: /^0+$/.test(match[2]!) ? null : match[2]! };
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Is the request meant for the service at `base`? On loopback its three names are one; elsewhere Host must equal it. RFC 9110 §7.2. */
export function hostMatches(req: IncomingMessage, base: string): boolean {
  const authority = req.headers[':authority'];
  const hosts = typeof authority === 'string' ? [authority] : headerValues(req, 'host');
  if (hosts.length !== 1) return false;
  const wanted = urlOf(base);
  if (hosts[0] === wanted.host) return true;
  const found = parsedOrigin(`${wanted.protocol}//${hosts[0]}`);
  if (!found || found.port !== wanted.port) return false;
  return found.hostname === wanted.hostname || (LOOPBACK.has(found.hostname) && LOOPBACK.has(wanted.hostname));
}

/** A page in a browser may speak only from the service's own origin, from a listed one, or from loopback to loopback. */
export function originMatches(req: IncomingMessage, base: string, allowed: ReadonlySet<string>): boolean {
  const origins = headerValues(req, 'origin');
  if (origins.length === 0) return true;
  if (origins.length > 1) return false;
  const found = parsedOrigin(origins[0]!);
  if (!found) return false;
  const own = urlOf(base);
  return (
    found.origin === own.origin ||
    allowed.has(found.origin) ||
    (LOOPBACK.has(found.hostname) && LOOPBACK.has(own.hostname))
  );
}

// The plane's own URLs, asked about at every request. A path in them may be a caller's, so they do not pile up.
const bases = new Map<string, URL>();
const basesMax = 256;

function urlOf(base: string): URL {
  const known = bases.get(base);
  if (known) return known;
  const url = new URL(base);
  if (bases.size >= basesMax) bases.clear();
  bases.set(base, url);
  return url;
}

function parsedOrigin(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  const bare = url && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
  return bare ? url : null;
}

// Of one connection only (RFC 9110 §7.6.1), of this hop's identity, or a caller's claim about itself. No allow list admits them.
const NEVER_FORWARDED =
  /^(?::.*|authorization|connection|keep-alive|te|trailer|transfer-encoding|upgrade|host|content-length|expect|cookie|set-cookie|dpop|forwarded|x-real-ip|via|(?:proxy|x-forwarded|writ|x-aip)-.*)$/;

/** The caller's headers that may travel on: named by `allowed`, and none that speaks of a connection, an identity or Writ. */
export function forwardableHeaders(
  req: IncomingMessage,
  allowed: (lowerName: string) => boolean,
): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(req.headers)) {
    if (typeof value === 'string' && allowed(name) && !NEVER_FORWARDED.test(name)) passed[name] = value;
  }
  return passed;
}

/** Sends one JSON answer and ends it. Nothing happens when the caller has left or was answered before. */
export function answerJson(
  res: ServerResponse,
  status: number,
  body: unknown,
  headers: { readonly [name: string]: string } = {},
): void {
  if (res.headersSent || res.destroyed) return;
  const bytes = Buffer.from(JSON.stringify(body));
  res.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...headers,
    'content-length': String(bytes.length),
  });
  res.end(bytes);
}

/**
 * For a request that is answered unread: what still arrives is thrown away, and the connection ends once the answer is out
 * or after `lingerMillis`. Call it before answering, so that the answer can announce the end (RFC 9112 §9.6).
 */
export function dropUnread(req: IncomingMessage, res: ServerResponse, lingerMillis = 1000): void {
  res.shouldKeepAlive = false;
  req.on('error', () => {});
  res.on('error', () => {});
  req.resume();
  const timer = setTimeout(() => req.destroy(), lingerMillis);
  timer.unref();
  req.once('close', () => clearTimeout(timer));
}

const UNAVAILABLE = new Set<DenialCode>([
  'audit.unavailable',
  'gateway.draining',
  'gateway.store_unreachable',
  'gateway.outage',
]);
const GATEWAY_STATUS: { readonly [code: string]: number } = {
  'gateway.malformed': 400,
  'gateway.header_mismatch': 400,
  'gateway.body_unseen': 400,
  'gateway.too_large': 413,
  'gateway.misdirected': 421,
  'gateway.overloaded': 429,
  'gateway.upstream_unreachable': 502,
};
// A chain that forbids the call is authority, not a credential to renew: those codes answer like an action (contract §5).
const CREDENTIAL_FAULT =
  /^token\.(?:missing|malformed|ambiguous|signature_invalid|issuer_unknown|expired|not_yet_valid|wrong_audience|bound_to_other_peer|bound_to_other_key|unbound|proof_invalid|replayed|revoked)$/;

/** How HTTP says this no; `as: 'action'` is left to the protocol's own words. */
export type HttpRefusal =
  | { readonly as: 'challenge' | 'scope' | 'plain'; readonly status: number; readonly error: string }
  | { readonly as: 'action' };

export function httpRefusalOf(code: DenialCode): HttpRefusal {
  if (code === 'token.scope_insufficient') return { as: 'scope', status: 403, error: 'insufficient_scope' };
  if (CREDENTIAL_FAULT.test(code)) return { as: 'challenge', status: 401, error: 'invalid_token' };
  if (code.startsWith('transport.')) return { as: 'plain', status: 403, error: 'access_denied' };
  if (UNAVAILABLE.has(code)) return { as: 'plain', status: 503, error: 'temporarily_unavailable' };
  const status = GATEWAY_STATUS[code];
  if (status !== undefined) {
    return {
      as: 'plain',
      status,
      error: status === 429 || status === 502 ? 'temporarily_unavailable' : 'invalid_request',
    };
  }
  return { as: 'action' };
}

/** The body of every HTTP refusal. Contract §5. */
export function refusalBody(error: string, code: DenialCode, decisionId: string) {
  return { error, error_description: says(code), code, decisionId };
}

/** `WWW-Authenticate` value. RFC 6750 §3, RFC 9728 §5.1. `error` is null when no credential came. */
export function bearerChallenge(of: {
  readonly resourceMetadata: string;
  readonly scopes: readonly string[];
  readonly error: string | null;
}): string {
  const parts = [`resource_metadata="${of.resourceMetadata}"`];
  // RFC 6749 §3.3 scope tokens hold no quote or backslash; anything else is left out rather than escaped.
  const scopes = of.scopes.filter((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope));
  if (scopes.length > 0) parts.push(`scope="${scopes.join(' ')}"`);
  if (of.error !== null) parts.push(`error="${of.error}"`);
  return `Bearer ${parts.join(', ')}`;
}
