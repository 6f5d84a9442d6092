// An authority that is somebody else's: the gateway's SVID and the roots come from a SPIFFE Workload API, SPIRE's for instance, and
// the agents have theirs from the same place. What is held serves on while the source is away, and not a second longer than it is valid.

import { openX509Source, WorkloadApiError, type X509Source, type X509Svid } from '@writ/agent/node';
import { readCertificate, type SpiffeId } from '@writ/core';
import type { Authority, SvidWithKey } from './ca.ts';
import { fromPem } from './tls-pem.ts';

export interface ExternalAuthority extends Authority {
  /** False once what is held has been withdrawn or has expired: nobody is to be served under it. */
  serves(): boolean;
  close(): void;
}

export interface ExternalOptions {
  /** `unix:///…` or `tcp://<IP>:<port>`. */
  readonly endpoint: string;
  readonly trustDomain: string;
  /** The one identity this plane may be given. */
  readonly gatewayId: SpiffeId;
  readonly clock: { nowSeconds(): number };
  /** A sentence for the operator. */
  onProblem(says: string): void;
  readonly openMillisMax?: number;
  readonly backoffMillis?: (attempt: number) => number;
}

/** Resolves with the first SVID in hand. Throws a sentence for the operator. */
export async function openExternalAuthority(options: ExternalOptions): Promise<ExternalAuthority> {
  const { endpoint, gatewayId, clock, onProblem } = options;
  const listeners: ((change: { readonly revoked: boolean }) => void)[] = [];
  let held: X509Svid | null = null;

  const onUpdate = (svid: X509Svid | null): void => {
    if (svid !== null && svid.spiffeId !== gatewayId) {
      onProblem(`\`${endpoint}\` names this plane \`${svid.spiffeId}\`; what is held is kept. ${wayOut(gatewayId)}`);
      return;
    }
    const withdrawn = svid === null && held !== null;
    if (withdrawn)
      onProblem(`\`${endpoint}\` has withdrawn the identity of this plane, and nobody is served until it is back`);
    held = svid;
    for (const listener of listeners) listener({ revoked: withdrawn });
  };
  const source = await openSource(options, onUpdate);
  if (held === null) {
    const named = source.current().spiffeId;
    source.close();
    throw new Error(`\`${endpoint}\` names this plane \`${named}\`. ${wayOut(gatewayId)}`);
  }

  const valid = (): X509Svid | null => (held !== null && clock.nowSeconds() < held.notAfterSeconds ? held : null);
  const notHere = () => new Error(`identities and keys of this trust domain are the business of \`${endpoint}\``);
  return {
    trustDomain: options.trustDomain,
    async mint({ spiffeId }) {
      const svid = valid();
      if (spiffeId !== gatewayId) throw notHere();
      if (svid === null) throw new Error(`\`${endpoint}\` has not renewed the identity of this plane`);
      return asMinted(svid, gatewayId);
    },
    certify: () => Promise.reject(notHere()),
    mintJwt() {
      throw notHere();
    },
    // Of the SVID that is held, also when it has expired; none once it was withdrawn.
    bundle: () => fromPem('CERTIFICATE', held?.bundlePem ?? ''),
    jwtKeys: () => [],
    sequence: () => 0,
    keys: () => ({ root: [], jwt: [] }),
    rotate: () => Promise.reject(notHere()),
    async maintain() {},
    onChange: (listener) => void listeners.push(listener),
    serves: () => valid() !== null,
    close: () => source.close(),
  };
}

async function openSource(
  { endpoint, clock, gatewayId, openMillisMax, backoffMillis }: ExternalOptions,
  onUpdate: (svid: X509Svid | null) => void,
): Promise<X509Source> {
  try {
    return await openX509Source({
      ...{ endpoint, clock, onUpdate },
      ...(openMillisMax === undefined ? {} : { openMillisMax }),
      ...(backoffMillis === undefined ? {} : { backoffMillis }),
    });
  } catch (cause) {
    const says = cause instanceof WorkloadApiError ? cause.message : String(cause);
    throw new Error(`\`${endpoint}\` gives this plane no identity (${says}). ${wayOut(gatewayId)}`, { cause });
  }
}

function wayOut(gatewayId: SpiffeId): string {
  return `Register this process there (uid ${process.getuid?.() ?? '?'}) as \`${gatewayId}\``;
}

function asMinted(svid: X509Svid, spiffeId: SpiffeId): SvidWithKey {
  const chainDer = fromPem('CERTIFICATE', svid.certPem);
  const leaf = readCertificate(chainDer[0]!);
  if (leaf === null) throw new Error('the SVID of this plane cannot be read');
  return {
    spiffeId,
    chainDer,
    keyPkcs8: fromPem('PRIVATE KEY', svid.keyPem)[0]!,
    notBeforeSeconds: leaf.notBeforeSeconds,
    notAfterSeconds: leaf.notAfterSeconds,
    serialHex: leaf.serialHex,
  };
}
