// A SPIFFE bundle document (SPIFFE Trust Domain and Bundle §4): the keys that may speak for one trust domain, and for no other.
// Which trust domain that is comes from configuration. What is not understood is passed over, as the standard wants; a document
// that two readers could read differently is refused whole.

import { fromBase64, toBase64 } from '../std/base64.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../std/json.ts';
import { type JsonBounds, parseStrictJson } from '../std/strict-json.ts';
import { extensionId, readBasicConstraints, readCertificate } from './certificate.ts';

export interface Bundle {
  /** DER of self-signed authorities. */
  readonly roots: readonly Uint8Array[];
  /** Public JWKs without `use`, by `kid`. */
  readonly jwtKeys: ReadonlyMap<string, JsonObject>;
  /** Raised by the publisher with every change; null when it does not tell. */
  readonly sequence: number | null;
  readonly refreshSeconds: number | null;
}

const bounds: JsonBounds = { depthMax: 8, bytesMax: 1024 * 1024 };
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

/** The bundle, or in one phrase why the document is none. No key at all means that everything was revoked. */
export function readBundle(bytes: Uint8Array): Bundle | string {
  const parsed = parseStrictJson(bytes, bounds);
  if (!parsed.ok) return `not strict JSON (${parsed.fault})`;
  if (!isJsonObject(parsed.value)) return 'not an object';
  const { keys, spiffe_sequence: sequence, spiffe_refresh_hint: hint } = parsed.value;
  if (!Array.isArray(keys)) return 'no `keys`';
  if (sequence !== undefined && !isCount(sequence)) return 'a `spiffe_sequence` that is not a whole number';
  if (hint !== undefined && !isCount(hint)) return 'a `spiffe_refresh_hint` that is not a whole number of seconds';
  const roots: Uint8Array[] = [];
  const jwtKeys = new Map<string, JsonObject>();
  for (const key of keys) {
    if (!isJsonObject(key) || typeof key.kty !== 'string') continue;
    if (privateMembers.some((member) => Object.hasOwn(key, member))) return 'a private key in the open';
    if (key.use === 'x509-svid') {
      const root = rootOf(key);
      if (typeof root === 'string') return root;
      roots.push(root);
    } else if (key.use === 'jwt-svid') {
      const { use: _, ...rest } = key;
      if (typeof key.kid !== 'string' || key.kid === '') return 'a JWT key without `kid`';
      if (jwtKeys.has(key.kid)) return 'two JWT keys of one `kid`';
      jwtKeys.set(key.kid, rest);
    }
  }
  return { roots, jwtKeys, sequence: sequence ?? null, refreshSeconds: hint ?? null };
}

export interface BundleParts {
  readonly roots: readonly { readonly der: Uint8Array; readonly jwk: JsonObject }[];
  /** Public JWKs with `kid`. */
  readonly jwtKeys: readonly JsonObject[];
  readonly sequence: number;
  readonly refreshSeconds: number;
}

/** The document that publishes these keys. */
export function bundleDocument({ roots, jwtKeys, sequence, refreshSeconds }: BundleParts): JsonObject {
  return {
    keys: [
      // No `kid` beside a certificate: the certificate is the name.
      ...roots.map(({ der, jwk }) => ({ ...jwk, use: 'x509-svid', x5c: [toBase64(der)] })),
      ...jwtKeys.map((jwk) => ({ ...jwk, use: 'jwt-svid' })),
    ],
    spiffe_sequence: sequence,
    spiffe_refresh_hint: refreshSeconds,
  };
}

function rootOf({ x5c, kid }: JsonObject): Uint8Array | string {
  if (kid !== undefined) return 'a root with a `kid`';
  const [text, ...more] = Array.isArray(x5c) ? x5c : [];
  if (typeof text !== 'string' || more.length > 0) return 'a root without exactly one certificate';
  const der = fromBase64(text);
  const fields = der && readCertificate(der);
  const constraints = fields?.extensions.get(extensionId.basicConstraints);
  if (!der || !constraints || !readBasicConstraints(constraints.value)?.ca) return 'a root that is no authority';
  return der;
}

function isCount(value: JsonValue): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
