// An AIP identity document: which keys speak for an identifier, and until when. Signed over canonical JSON (RFC 8785) of itself by
// any of its keys that is valid now. Reading is pure; fetching is a port (resolution.ts says where from). Draft -01 §2.3.

import { fromBase64Url, toBase64Url } from '../../../std/base64.ts';
import { utf8 } from '../../../std/bytes.ts';
import type { Engine } from '../../../std/engine.ts';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '../../../std/json.ts';
import { parseStrictJson } from '../../../std/strict-json.ts';
import { isoSeconds, secondsOf } from '../../../std/time.ts';
import type { Signer } from '../engine.ts';
import { fromBase58, toBase58 } from './base58.ts';
import { parseAipId } from './id.ts';

export interface DocumentKey {
  readonly id: string;
  /** Ed25519, 32 bytes. */
  readonly key: Uint8Array;
  readonly fromSeconds: number;
  /** Last second it is good for. */
  readonly untilSeconds: number;
}

export interface IdentityDocument {
  readonly id: string;
  readonly keys: readonly DocumentKey[];
  /** The document is not believed from here on. */
  readonly expiresSeconds: number;
  readonly depthMax: number;
  readonly allowsEphemeralGrants: boolean;
  readonly revocationUrl: string | null;
  readonly profileMin: 'simple' | 'standard' | 'advanced' | null;
}

export type DocumentFault = 'malformed' | 'version' | 'other_id' | 'expired' | 'no_key' | 'signature_invalid';

const bounds = { depthMax: 12, bytesMax: 64 * 1024 };
const keysMax = 32;

/** The document of `id`, if the bytes are one and it may be believed at this time; else why not. */
export function readDocument(
  bytes: Uint8Array,
  id: string,
  engine: Engine,
  nowSeconds: number,
): IdentityDocument | DocumentFault {
  const parsed = parseStrictJson(bytes, bounds);
  if (!parsed.ok || !isJsonObject(parsed.value)) return 'malformed';
  const { document_signature: signature, ...signed } = parsed.value;
  const version = typeof signed.aip === 'string' ? /^(\d{1,3})\.\d{1,3}$/.exec(signed.aip) : null;
  if (!version) return 'malformed';
  // A higher minor version may say more; a higher major one may mean something else.
  if (version[1] !== '1') return 'version';
  const document = documentOf(signed);
  const raw = typeof signature === 'string' ? fromBase64Url(signature) : null;
  if (!document || !raw) return 'malformed';
  if (document.id !== id) return 'other_id';
  if (nowSeconds >= document.expiresSeconds) return 'expired';
  const keys = keysAt(document, nowSeconds);
  if (keys.length === 0) return 'no_key';
  const text = canonicalBytes(signed);
  if (text === null) return 'malformed';
  return keys.some((x) => engine.verify({ alg: 'EdDSA', x }, text, raw)) ? document : 'signature_invalid';
}

/** Keys that speak for the identifier at this time. */
export function keysAt({ keys }: IdentityDocument, nowSeconds: number): readonly Uint8Array[] {
  return keys
    .filter(({ fromSeconds, untilSeconds }) => fromSeconds <= nowSeconds && nowSeconds <= untilSeconds)
    .map(({ key }) => key);
}

export interface DocumentWish {
  readonly id: string;
  readonly name?: string;
  readonly keys: readonly DocumentKey[];
  readonly expiresSeconds: number;
  readonly depthMax?: number;
  /** Member → value, as the draft names them: `protocols`, `revocation`, `extensions`. */
  readonly more?: JsonObject;
}

/** A document of our own, signed by one of its keys. */
export function signDocument({ id, name, keys, expiresSeconds, depthMax, more }: DocumentWish, signer: Signer): string {
  const document: JsonObject = {
    ...more,
    aip: '1.0',
    id,
    ...(name === undefined ? {} : { name }),
    public_keys: keys.map((one) => ({
      id: one.id,
      type: 'Ed25519',
      public_key_multibase: `z${toBase58(one.key)}`,
      valid_from: isoSeconds(one.fromSeconds),
      valid_until: isoSeconds(one.untilSeconds),
    })),
    ...(depthMax === undefined ? {} : { delegation: { max_depth: depthMax } }),
    expires: isoSeconds(expiresSeconds),
  };
  const signature = signer.sign(utf8(canonicalJson(document)));
  return JSON.stringify({ ...document, document_signature: toBase64Url(signature) });
}

function documentOf(json: JsonObject): IdentityDocument | null {
  const { id, public_keys: list, delegation = {}, revocation, protocols = {} } = json;
  const expiresSeconds = secondsOf(json.expires);
  if (typeof id !== 'string' || parseAipId(id)?.kind !== 'web' || expiresSeconds === null) return null;
  if (!Array.isArray(list) || list.length === 0 || list.length > keysMax) return null;
  const keys = (list as readonly JsonValue[]).map(keyOf);
  if (!keys.every((key) => key !== null) || new Set(keys.map((key) => key.id)).size !== keys.length) return null;
  if (!isJsonObject(delegation) || !isJsonObject(protocols)) return null;
  const { max_depth: depthMax = 3, allow_ephemeral_grants: ephemeral = true } = delegation;
  if (typeof depthMax !== 'number' || !Number.isSafeInteger(depthMax) || depthMax < 0) return null;
  if (typeof ephemeral !== 'boolean') return null;
  const revocationUrl = revocation === undefined ? null : revocationOf(revocation);
  const profileMin = profileOf(protocols);
  if (revocationUrl === undefined || profileMin === undefined) return null;
  return { id, keys, expiresSeconds, depthMax, allowsEphemeralGrants: ephemeral, revocationUrl, profileMin };
}

function keyOf(entry: JsonValue): DocumentKey | null {
  if (!isJsonObject(entry)) return null;
  const { id, type, public_key_multibase: multibase } = entry;
  const fromSeconds = secondsOf(entry.valid_from);
  const untilSeconds = secondsOf(entry.valid_until);
  if (typeof id !== 'string' || type !== 'Ed25519' || typeof multibase !== 'string') return null;
  const key = multibase.startsWith('z') ? fromBase58(multibase.slice(1)) : null;
  // 34 bytes would be the multicodec form of did:key, which the draft's own example shows and its text forbids.
  if (key?.length !== 32 || fromSeconds === null || untilSeconds === null) return null;
  return { id, key, fromSeconds, untilSeconds };
}

/** Undefined: there, and not understood. A verifier that must ask somewhere it cannot read of fails closed. */
function revocationOf(value: JsonValue): string | undefined {
  if (!isJsonObject(value) || value.method !== 'crl' || typeof value.endpoint !== 'string') return undefined;
  return URL.canParse(value.endpoint) && value.endpoint.startsWith('https://') ? value.endpoint : undefined;
}

function profileOf(protocols: JsonObject): IdentityDocument['profileMin'] | undefined {
  const { mcp } = protocols;
  if (mcp === undefined) return null;
  if (!isJsonObject(mcp)) return undefined;
  const { minimum_policy_profile: profile = null } = mcp;
  return profile === null || profile === 'simple' || profile === 'standard' || profile === 'advanced'
    ? profile
    : undefined;
}

function canonicalBytes(json: JsonObject): Uint8Array | null {
  try {
    return utf8(canonicalJson(json));
  } catch {
    return null; // a number or text that RFC 8785 cannot carry was never signed as such
  }
}
