// X509SVIDResponse of the Workload API into PEM that Node's TLS takes. Anything malformed is an error of the server;
// a half-read identity is never used. Fields: SPIFFE Workload API §6.1 (X509SVIDResponse, X509SVID).

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type ProtoField, protoBytes, protoBytesList, protoMap, protoString, readProto, toBase64 } from '@writ/core';
import { grpcStatus, WorkloadApiError } from './workload-api-grpc.ts';

export interface X509Svid {
  readonly spiffeId: string;
  /** Leaf first, then intermediates. */
  readonly certPem: string;
  /** PKCS#8. Keep it out of logs. */
  readonly keyPem: string;
  /** Roots of the own trust domain. */
  readonly bundlePem: string;
  /** Roots of other trust domains, by name. */
  readonly federatedPem: ReadonlyMap<string, string>;
  readonly notAfterSeconds: number;
  readonly hint: string;
}

/** The default SVID of a response: the first one. Throws WorkloadApiError. */
export function readX509Response(bytes: Uint8Array): X509Svid {
  const response = readProto(bytes);
  const svids = response && protoBytesList(response, 1);
  const federated = response && protoMap(response, 3);
  if (!svids || !federated) throw malformed('the response cannot be read');
  if (svids.length === 0) throw new WorkloadApiError(grpcStatus.permissionDenied, 'no identity issued');
  const svid = readProto(svids[0]!);
  if (!svid) throw malformed('the SVID cannot be read');
  const spiffeId = protoString(svid, 1);
  const hint = protoString(svid, 5);
  if (!spiffeId || hint === null) throw malformed('the SVID has no identity');
  const chain = certificates(svid, 2);
  const leaf = new X509Certificate(chain[0]!);
  const keyDer = protoBytes(svid, 3);
  const keyPem = keyDer && privateKeyPem(keyDer);
  if (!keyPem || !leaf.checkPrivateKey(createPrivateKey(keyPem)))
    throw malformed('the key does not belong to the SVID');
  return {
    spiffeId,
    certPem: chain.map(certificatePem).join(''),
    keyPem,
    bundlePem: certificates(svid, 4).map(certificatePem).join(''),
    federatedPem: new Map([...federated].map(([id, der]) => [trustDomainName(id), bundleOf(der)])),
    notAfterSeconds: Math.floor(leaf.validToDate.getTime() / 1000),
    hint,
  };
}

function certificates(svid: readonly ProtoField[], number: number): readonly Uint8Array[] {
  const bytes = protoBytes(svid, number);
  const parts = bytes && splitDer(bytes);
  if (!parts || parts.length === 0) throw malformed('a certificate cannot be read');
  return parts;
}

function bundleOf(der: Uint8Array): string {
  const parts = splitDer(der);
  if (!parts) throw malformed('a bundle cannot be read');
  return parts.map(certificatePem).join('');
}

/** DER SEQUENCEs that stand one after another, cut by their lengths (X.690 §8.1.3); null when that does not come out. */
export function splitDer(bytes: Uint8Array): readonly Uint8Array[] | null {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at + 1];
    if (bytes[at] !== 0x30 || first === undefined) return null;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    // Length 0x80 is indefinite, which DER does not have; three bytes of length are 16 MB already.
    if (first === 0x80 || lengthBytes > 3) return null;
    let length = first < 0x80 ? first : 0;
    for (let i = 0; i < lengthBytes; i++) {
      const byte = bytes[at + 2 + i];
      if (byte === undefined) return null;
      length = length * 256 + byte;
    }
    const end = at + 2 + lengthBytes + length;
    if (end > bytes.length) return null;
    parts.push(bytes.subarray(at, end));
    at = end;
  }
  return parts;
}

function trustDomainName(id: string): string {
  if (!id.startsWith('spiffe://')) throw malformed('a bundle names no trust domain');
  return id.slice('spiffe://'.length);
}

function certificatePem(der: Uint8Array): string {
  return pem('CERTIFICATE', der);
}

function privateKeyPem(der: Uint8Array): string {
  return pem('PRIVATE KEY', der);
}

function pem(label: string, der: Uint8Array): string {
  const lines = toBase64(der).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function malformed(says: string): WorkloadApiError {
  return new WorkloadApiError(grpcStatus.internal, `the Workload API sent a malformed answer: ${says}`);
}
