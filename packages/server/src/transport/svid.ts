// The leaf profile with this process's hash: what listeners ask of a certificate once the TLS stack has checked its path.

import { judgeSvid, type SvidFacts, type Verdict } from '@writ/core';
import { nodeEngine } from '@writ/core/node';

export type { SvidFacts } from '@writ/core';

/** The workload named by a leaf certificate (DER), or why it is no X509-SVID at this moment. */
export function readSvid(der: Uint8Array, moment: { readonly nowSeconds: number }): Verdict<SvidFacts> {
  return judgeSvid(nodeEngine, der, moment);
}
