// Who is on the wire: what a listener saw, and what is proven once it has been judged.

import type { SpiffeId } from './spiffe-id.ts';

export type Listener = 'mtls' | 'oauth' | 'sidecar' | 'envoy';

/** What separates this caller from others on its machine. Rules §1.1. */
export type Boundary = 'none' | 'uid' | 'launch' | 'node';

/** What a listener read from the connection, once. Not yet judged. */
export type PeerOnWire =
  | {
      readonly listener: 'mtls' | 'sidecar' | 'envoy';
      /** Null when the certificate named nobody; the listener says why. */
      readonly spiffeId: SpiffeId | null;
      readonly notAfterSeconds: number;
      readonly serialHex: string;
      /** SHA-256 of the certificate's DER, base64url (RFC 8705 §3.1). */
      readonly thumbprint: string;
      readonly boundary: Boundary;
      readonly assertedBy: SpiffeId | null;
      readonly remote: string;
    }
  | {
      /** Server TLS or loopback only: nobody is known yet, the OAuth client becomes the actor. Rules §1.2. */
      readonly listener: 'oauth';
      readonly remote: string;
    };

declare const proven: unique symbol;

/** A peer that passed the transport check. Made only by `judgePeer`; holding one is the proof. */
export type PeerFacts = (
  | {
      readonly kind: 'workload';
      readonly listener: 'mtls' | 'sidecar' | 'envoy';
      readonly spiffeId: SpiffeId;
      readonly thumbprint: string;
      readonly boundary: Boundary;
      readonly assertedBy: SpiffeId | null;
      readonly untilSeconds: number;
    }
  | { readonly kind: 'anonymous'; readonly listener: 'oauth' }
) & { readonly [proven]: true };
