// Is this leaf an X509-SVID, and whose (X509-SVID §2–5)? The path to a root of the named trust domain has been checked by the
// TLS stack before; edges and revocation come after.

import { toBase64Url } from '../std/base64.ts';
import { derMembers, derNamedBits, derOid, derTag, readDer } from '../std/der.ts';
import type { Engine } from '../std/engine.ts';
import { deny, pass, type Verdict } from '../verdict.ts';
import { extensionId, readBasicConstraints, readCertificate, type UnverifiedCertificate } from './certificate.ts';
import { parseSpiffeId, pathOf, type SpiffeId } from './spiffe-id.ts';

export interface SvidFacts {
  readonly spiffeId: SpiffeId;
  readonly notBeforeSeconds: number;
  /** Validity is over when this second begins, as OpenSSL has it. */
  readonly notAfterSeconds: number;
  readonly serialHex: string;
  /** SHA-256 of the certificate's DER, base64url (RFC 8705 §3.1). */
  readonly thumbprint: string;
}

const uriTag = 0x86;
/** GeneralName, RFC 5280 §4.2.1.6. */
const nameTags: ReadonlySet<number> = new Set([0xa0, 0x81, 0x82, 0xa3, 0xa4, 0xa5, uriTag, 0x87, 0x88]);
const serverAuth = '1.3.6.1.5.5.7.3.1';
const clientAuth = '1.3.6.1.5.5.7.3.2';
const digitalSignature = 0;
const keyCertSign = 5;
const cRLSign = 6;

const understood: ReadonlySet<string> = new Set([
  extensionId.subjectAltName,
  extensionId.keyUsage,
  extensionId.basicConstraints,
  extensionId.extendedKeyUsage,
]);

/** The workload a leaf names, when the leaf keeps to the profile and the moment lies within its validity. */
export function judgeSvid(engine: Engine, der: Uint8Array, { nowSeconds }: { nowSeconds: number }): Verdict<SvidFacts> {
  const leaf = readCertificate(der);
  if (leaf === null) return invalid('not a DER certificate of version 3');
  const says = offence(leaf);
  if (says !== null) return invalid(says);
  const { spiffeId, uriNames } = workloadOf(leaf);
  if (spiffeId === null) return deny('transport.identity_invalid', { uriNames });
  const { notBeforeSeconds, notAfterSeconds, serialHex } = leaf;
  if (nowSeconds < notBeforeSeconds || nowSeconds >= notAfterSeconds) {
    return deny('transport.certificate_expired', { peer: spiffeId, notBeforeSeconds, notAfterSeconds, nowSeconds });
  }
  return pass({ spiffeId, notBeforeSeconds, notAfterSeconds, serialHex, thumbprint: toBase64Url(engine.sha256(der)) });
}

function invalid(says: string) {
  return deny('transport.certificate_invalid', { says });
}

/** What the certificate does against the leaf profile, in one phrase, or null. */
function offence(leaf: UnverifiedCertificate): string | null {
  for (const [id, extension] of leaf.extensions) {
    if (extension.critical && !understood.has(id)) return `the critical extension ${id} is not understood`;
  }
  const names = leaf.extensions.get(extensionId.subjectAltName);
  if (leaf.subjectEmpty && names !== undefined && !names.critical)
    return 'the subject is empty and the names are not critical';
  return authorityOffence(leaf) ?? keyUsageOffence(leaf) ?? extendedKeyUsageOffence(leaf);
}

function authorityOffence(leaf: UnverifiedCertificate): string | null {
  const extension = leaf.extensions.get(extensionId.basicConstraints);
  if (extension === undefined) return null;
  const constraints = readBasicConstraints(extension.value);
  if (constraints === null) return 'the basic constraints cannot be read';
  return constraints.ca ? 'it is the certificate of an authority' : null;
}

function keyUsageOffence(leaf: UnverifiedCertificate): string | null {
  const extension = leaf.extensions.get(extensionId.keyUsage);
  if (extension === undefined || !extension.critical) return 'the key usage is missing or not critical';
  const bits = derNamedBits(readDer(extension.value) ?? undefined);
  if (bits === null) return 'the key usage cannot be read';
  if (!bits[digitalSignature]) return 'the key usage lacks digitalSignature';
  return bits[keyCertSign] || bits[cRLSign] ? 'the key may sign certificates or revocation lists' : null;
}

function extendedKeyUsageOffence(leaf: UnverifiedCertificate): string | null {
  const extension = leaf.extensions.get(extensionId.extendedKeyUsage);
  if (extension === undefined) return null;
  const usages = derMembers(readDer(extension.value), derTag.sequence)?.map((usage) => derOid(usage));
  const complete = usages?.includes(serverAuth) && usages.includes(clientAuth);
  return complete ? null : 'the extended key usage lacks serverAuth or clientAuth';
}

/** The one URI name as a SPIFFE ID with a path, else null. Counted in the DER: a display string can hide the second name. */
function workloadOf(leaf: UnverifiedCertificate): { spiffeId: SpiffeId | null; uriNames: string[] } {
  const extension = leaf.extensions.get(extensionId.subjectAltName);
  const names = extension && derMembers(readDer(extension.value), derTag.sequence);
  // One character per octet: what lies outside ASCII stays outside and is refused by the parser.
  const uris = (names ?? [])
    .filter((name) => name.tag === uriTag)
    .map(({ content }) => latin1(content.subarray(0, 2049)));
  // A name of no kind makes other readers give up on all names, or pass over just this one: no two agree on who this is.
  const readable = (names ?? []).every((name) => nameTags.has(name.tag));
  const parsed = readable && uris.length === 1 ? parseSpiffeId(uris[0]!) : null;
  const spiffeId = parsed !== null && pathOf(parsed) !== '' ? parsed : null;
  // For the operator's eyes, and chosen by a stranger: few, short, and without control characters.
  return { spiffeId, uriNames: uris.slice(0, 4).map((uri) => uri.slice(0, 200).replace(/[^\x20-\x7e]/g, '?')) };
}

function latin1(octets: Uint8Array): string {
  return String.fromCharCode(...octets);
}
