// The fields of an X.509 v3 certificate (RFC 5280 §4.1), read from its DER. Reading proves nothing: signature and path are
// checked by the TLS stack, the SVID profile by svid.ts.

import { equalBytes, toHex } from '../std/bytes.ts';
import { type Der, derBoolean, derMembers, derOid, derTag, derTimeSeconds, derUnsigned, readDer } from '../std/der.ts';

export interface CertificateExtension {
  readonly critical: boolean;
  /** DER inside the OCTET STRING. */
  readonly value: Uint8Array;
}

/** Decoded and unchecked: nobody has vouched for these fields yet. */
export interface UnverifiedCertificate {
  /** Lower-case hex without leading zeros; 1 to 20 octets, positive. */
  readonly serialHex: string;
  /** Both as their DER stood, so that names are compared as bytes. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly subjectEmpty: boolean;
  /** RFC 5280 §4.1.2.5, seconds since 1970. */
  readonly notBeforeSeconds: number;
  readonly notAfterSeconds: number;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyInfo: Uint8Array;
  /** By dotted object identifier; each appears once (RFC 5280 §4.2). */
  readonly extensions: ReadonlyMap<string, CertificateExtension>;
}

export const extensionId = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

const versionTag = 0xa0;
const issuerUniqueTag = 0x81;
const subjectUniqueTag = 0x82;
const extensionsTag = 0xa3;
/** RFC 5280 §4.1.2.2. */
const serialOctetsMax = 20;

/** The certificate that fills `der` exactly, or null. */
export function readCertificate(der: Uint8Array): UnverifiedCertificate | null {
  const parts = derMembers(readDer(der), derTag.sequence);
  if (parts?.length !== 3) return null;
  const fields = derMembers(parts[0], derTag.sequence);
  if (fields === null || fields.length < 8) return null;
  const [version, serial, algorithm, issuer, validity, subject, publicKeyInfo, ...rest] = fields;
  if (!isVersion3(version!) || !equalBytes(algorithm!.whole, parts[1]!.whole)) return null;
  const serialOctets = derUnsigned(serial);
  const times = derMembers(validity, derTag.sequence);
  const notBeforeSeconds = derTimeSeconds(times?.[0]);
  const notAfterSeconds = derTimeSeconds(times?.[1]);
  const extensions = readExtensions(rest);
  if (serialOctets === null || serialOctets.length > serialOctetsMax || serialOctets.every((octet) => octet === 0))
    return null;
  if (times?.length !== 2 || notBeforeSeconds === null || notAfterSeconds === null || extensions === null) return null;
  if ([issuer, subject, publicKeyInfo].some((field) => field?.tag !== derTag.sequence)) return null;
  return {
    serialHex: toHex(serialOctets),
    issuer: issuer!.whole,
    subject: subject!.whole,
    subjectEmpty: subject!.content.length === 0,
    notBeforeSeconds,
    notAfterSeconds,
    publicKeyInfo: publicKeyInfo!.whole,
    extensions,
  };
}

/** `cA` and `pathLenConstraint` of a BasicConstraints value (RFC 5280 §4.2.1.9), or null. */
export function readBasicConstraints(value: Uint8Array): { ca: boolean; pathLength: number | null } | null {
  const members = derMembers(readDer(value), derTag.sequence);
  if (members === null || members.length > 2) return null;
  if (members.length === 0) return { ca: false, pathLength: null };
  const flagged = members[0]!.tag === derTag.boolean;
  const ca = flagged ? derBoolean(members[0]) : false;
  const length = flagged ? members[1] : members[0];
  if (ca === null || (!flagged && members.length === 2)) return null;
  if (length === undefined) return { ca, pathLength: null };
  const octets = derUnsigned(length);
  return octets?.length === 1 ? { ca, pathLength: octets[0]! } : null;
}

function isVersion3(field: Der): boolean {
  const [number, ...more] = derMembers(field, versionTag) ?? [];
  return more.length === 0 && number?.tag === derTag.integer && number.content.length === 1 && number.content[0] === 2;
}

function readExtensions(rest: readonly Der[]): Map<string, CertificateExtension> | null {
  const found = new Map<string, CertificateExtension>();
  const last = rest.at(-1)!;
  const before = rest.slice(0, -1).map((field) => field.tag);
  if (before.some((tag) => tag !== issuerUniqueTag && tag !== subjectUniqueTag)) return null;
  const wrapped = derMembers(last, extensionsTag);
  const list = wrapped?.length === 1 ? derMembers(wrapped[0], derTag.sequence) : null;
  for (const item of list ?? []) {
    const members = derMembers(item, derTag.sequence);
    const id = derOid(members?.[0]);
    const value = members?.at(-1);
    const critical = members?.length === 3 ? derBoolean(members[1]) : members?.length === 2 ? false : null;
    // The second of two extensions with one name is where a checker and a user of the field would part ways.
    if (id === null || critical === null || value?.tag !== derTag.octetString || found.has(id)) return null;
    found.set(id, { critical, value: value.content });
  }
  return list === null || list.length === 0 ? null : found;
}
