// Why a handshake failed, in Writ's words. Node tells it only afterwards and in two places: the error, or the socket's
// `authorizationError` beside a plain hang-up. The peer itself sees no reason (TLS 1.3 ends its side first).

import type { TLSSocket } from 'node:tls';
import { type Denial, denial } from '@writ/core';

export interface RefusalInfo {
  /** Address without port, `unknown` when there is none. */
  readonly source: string;
  /** Whom the certificate named, when it was genuine and the peer was refused nevertheless. */
  readonly peer: string | null;
}

/** OpenSSL found no root of ours behind the certificate: its trust domain, whatever it claims, is not one we hold a bundle of. */
const issuerUnknown: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
]);
const outOfTime: ReadonlySet<string> = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

/** Null when nobody was refused: the other side went away, as health checks and port scans do. */
export function refusalOfHandshake(error: NodeJS.ErrnoException, socket: TLSSocket): Denial | null {
  // Typed as an Error; Node sets the code as text.
  const judged: unknown = socket.authorizationError;
  if (typeof judged === 'string') {
    if (outOfTime.has(judged)) return denial('transport.certificate_expired', { cause: judged });
    if (issuerUnknown.has(judged)) return denial('transport.trust_domain_unknown', { cause: judged });
    if (judged !== 'UNSPECIFIED') return denial('transport.certificate_invalid', { cause: judged });
    // Node has no name for a violated name constraint, which is what a partner's forgery runs into.
    const says = 'its issuer may not speak for this trust domain, most likely';
    return denial('transport.certificate_invalid', { cause: judged, says });
  }
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return null;
  // It ended before a certificate was seen: none sent, no TLS at all, an older TLS, too slow. The cause tells which.
  return denial('transport.certificate_missing', { cause: error.code ?? 'unknown' });
}
