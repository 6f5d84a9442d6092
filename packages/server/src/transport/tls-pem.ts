// PEM as Node's TLS takes it (RFC 7468), from DER and back.

/** One block, 64 characters a line, with a line break at the end. */
export function toPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** DER of every block with this label, in order. Blocks of other labels are passed over. */
export function fromPem(label: string, text: string): Uint8Array<ArrayBuffer>[] {
  const blocks = text.matchAll(new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`, 'g'));
  return Array.from(blocks, (block) => Uint8Array.from(Buffer.from(block[1]!, 'base64')));
}

/** What a TLS listener or dialler presents: the chain without the root, and the key. */
export interface TlsIdentity {
  readonly certPem: string;
  readonly keyPem: string;
}

export function tlsIdentity(svid: { chainDer: readonly Uint8Array[]; keyPkcs8: Uint8Array }): TlsIdentity {
  return {
    certPem: svid.chainDer.map((der) => toPem('CERTIFICATE', der)).join(''),
    keyPem: toPem('PRIVATE KEY', svid.keyPkcs8),
  };
}
