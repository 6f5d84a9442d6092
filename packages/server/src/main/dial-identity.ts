// The gateway's own SVID as a dialler presents it, renewed together with the listeners'.

import type { DialSvid } from '@writ/agent/node';
import type { SvidWithKey } from '../transport/ca.ts';
import { tlsIdentity, toPem } from '../transport/tls-pem.ts';

export interface DialIdentity {
  current(): DialSvid;
  set(svid: SvidWithKey): void;
}

export function createDialIdentity(first: SvidWithKey, bundle: () => readonly Uint8Array[]): DialIdentity {
  let svid = first;
  return {
    set(next) {
      svid = next;
    },
    current() {
      const { certPem, keyPem } = tlsIdentity(svid);
      return { spiffeId: svid.spiffeId, certPem, keyPem, bundlePem: bundle().map((der) => toPem('CERTIFICATE', der)) };
    },
  };
}
