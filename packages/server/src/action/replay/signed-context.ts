// What one gate tells the next about a message: a signed envelope with the labels of what stands in it and the quote of the prompt
// (contract §7). Genuine for one message, one receiver and one use; anything else counts as nothing said.

import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import {
  fromBase64Url,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Labels,
  messageHash,
  type PublicKey,
  parseStrictJson,
  readLabels,
  TYP,
  toBase64Url,
  utf8,
  verifyJws,
} from '@writ/core';
import { nodeEngine } from '@writ/core/node';

export interface Quote {
  readonly task: string;
  readonly origin: 'direct';
  readonly text: string;
}

export interface Context {
  readonly labels: Labels;
  readonly quote: Quote;
}

export interface Signer {
  readonly kid: string;
  readonly key: PublicKey;
  sign(typ: string, claims: JsonObject): string;
}

/** A gate's key, or anybody's: only its holder knows which. */
export function createSigner(kid: string): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const x = fromBase64Url(publicKey.export({ format: 'jwk' }).x!)!;
  return {
    kid,
    key: { alg: 'EdDSA', x },
    sign: (typ, claims) => compactJws(privateKey, { alg: 'EdDSA', typ, kid }, claims),
  };
}

function compactJws(key: KeyObject, header: JsonObject, claims: JsonObject): string {
  const part = (value: JsonObject): string => toBase64Url(utf8(JSON.stringify(value)));
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${toBase64Url(sign(null, utf8(input), key))}`;
}

export interface Addressed {
  readonly gateway: string;
  readonly receiver: string;
  readonly task: string;
  readonly message: JsonValue;
  readonly nowSeconds: number;
}

/** Contexts live a minute at most (contract §7). */
export const contextTtlSeconds = 60;

export function signContext(signer: Signer, to: Addressed, { labels, quote }: Context): string {
  const { gateway, receiver, task, nowSeconds } = to;
  const exp = nowSeconds + contextTtlSeconds;
  const quoted = signer.sign(TYP.quote, { iss: gateway, task, origin: quote.origin, text: quote.text, exp });
  return signer.sign(TYP.context, {
    iss: gateway,
    aud: receiver,
    exp,
    jti: randomUUID(),
    task,
    messageHash: hashOf(to),
    quote: quoted,
    labels: labels as unknown as JsonObject,
  });
}

export interface ContextChecks extends Addressed {
  readonly key: PublicKey;
  readonly kid: string;
  /** Ids of contexts that were used; the one read here is added. */
  readonly seen: Set<string>;
}

/** Null unless genuine, whole, for this message and this receiver, of this task, in time, and never used before. */
export function readContext(text: string, checks: ContextChecks): Context | null {
  const claims = genuine(text, TYP.context, checks);
  if (claims === null || claims.iss !== checks.gateway || claims.aud !== checks.receiver) return null;
  if (claims.task !== checks.task || claims.messageHash !== hashOf(checks)) return null;
  if (typeof claims.jti !== 'string' || checks.seen.has(claims.jti)) return null;
  checks.seen.add(claims.jti);
  const labels = readLabels(claims.labels);
  const quote = typeof claims.quote === 'string' ? genuine(claims.quote, TYP.quote, checks) : null;
  if (labels === null || quote === null || quote.task !== checks.task || quote.origin !== 'direct') return null;
  if (typeof quote.text !== 'string') return null;
  return { labels, quote: { task: checks.task, origin: 'direct', text: quote.text } };
}

function genuine(text: string, typ: string, { key, kid, nowSeconds }: ContextChecks): JsonObject | null {
  const parts = text.split('.').map(fromBase64Url);
  const [header, body, signature] = parts;
  if (parts.length !== 3 || !header || !body || !signature) return null;
  const head = parseStrictJson(header, { depthMax: 2, bytesMax: 1024 });
  // Labels of a long message are longer than a token may be.
  const claims = parseStrictJson(body, { depthMax: 24, bytesMax: 1024 * 1024 });
  if (!head.ok || !claims.ok || !isJsonObject(head.value) || !isJsonObject(claims.value)) return null;
  if (
    Object.keys(head.value).length !== 3 ||
    head.value.alg !== 'EdDSA' ||
    head.value.typ !== typ ||
    head.value.kid !== kid
  ) {
    return null;
  }
  const signingInput = utf8(text.slice(0, text.lastIndexOf('.')));
  const jws = { header: { alg: 'EdDSA' as const, typ, kid }, claims: claims.value, signingInput, signature };
  if (!verifyJws(jws, key, nodeEngine)) return null;
  return typeof claims.value.exp === 'number' && nowSeconds < claims.value.exp ? claims.value : null;
}

function hashOf({ receiver, message }: Addressed): string {
  return messageHash({ method: 'POST', target: `/a2a/${receiver}`, body: message }, nodeEngine);
}
