// The two X.509 streams of the Workload API, and what every stream does. A stream attests its caller before every message, mints when it is about
// to write, and writes the whole present state. Sockets and gRPC are server.ts's; who is whom is `identityOf`'s.

import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { concat, type Denial, equalBytes, trustDomainOf } from '@writ/core';
import type { Attestation, Identity } from '../attest.ts';
import type { Peer } from '../peercred.ts';
import type { X509BundlesResponseSchema, X509SVIDResponseSchema } from './gen/workload_pb.ts';
import type { Wakeups } from './wakeups.ts';

export interface MintedSvid {
  readonly spiffeId: string;
  /** Leaf first. */
  readonly chainDer: readonly Uint8Array[];
  readonly keyPkcs8: Uint8Array;
  readonly notBeforeSeconds: number;
  readonly notAfterSeconds: number;
  readonly serialHex: string;
}

export type WorkloadApiEvent =
  | {
      readonly kind: 'issued';
      readonly identity: Identity;
      readonly pid: number;
      readonly uid: number;
      readonly serialHex: string;
      readonly notAfterSeconds: number;
    }
  | {
      readonly kind: 'issued_jwt';
      readonly identity: Identity;
      readonly pid: number;
      readonly uid: number;
      readonly audience: readonly string[];
      readonly notAfterSeconds: number;
    }
  | { readonly kind: 'refused'; readonly denial: Denial; readonly pid: number; readonly uid: number }
  /** Envoy did not take what it was given. */
  | { readonly kind: 'not_taken'; readonly pid: number; readonly uid: number; readonly says: string }
  /** Something of ours failed; what the caller holds stays good, and the stream tries again. */
  | { readonly kind: 'outage'; readonly pid: number; readonly cause: unknown };

export interface StreamPorts {
  readonly identityOf: (peer: Peer) => Promise<Attestation>;
  readonly mint: (request: { readonly spiffeId: string }) => Promise<MintedSvid>;
  /** Roots of the own trust domain, DER. */
  readonly bundle: () => readonly Uint8Array[];
  /** Roots of other trust domains, DER, by trust domain ID (`spiffe://partner.test`). */
  readonly federated: () => ReadonlyMap<string, readonly Uint8Array[]>;
  readonly clock: { nowSeconds(): number };
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly wakeups: Wakeups;
  readonly onEvent: (event: WorkloadApiEvent) => void;
}

const retrySeconds = 5;
const renewSecondsMin = 1;

type SvidResponse = MessageInitShape<typeof X509SVIDResponseSchema>;
type BundlesResponse = MessageInitShape<typeof X509BundlesResponseSchema>;

/** Messages for one caller, until it goes or loses its identity. */
export function svidStream(ports: StreamPorts, peer: Peer, signal: AbortSignal): AsyncGenerator<SvidResponse> {
  let held: { readonly spiffeId: string; readonly renewSeconds: number; readonly roots: Uint8Array } | null = null;
  return pushes(ports, peer, signal, async (identity) => {
    const now = ports.clock.nowSeconds();
    const roots = rootsFingerprint(ports);
    if (held?.spiffeId === identity.spiffeId && now < held.renewSeconds && equalBytes(held.roots, roots)) {
      return { message: null, againSeconds: held.renewSeconds };
    }
    const svid = await ports.mint({ spiffeId: identity.spiffeId });
    const { serialHex, notAfterSeconds } = svid;
    const renewSeconds = renewalOf(svid, now, ports.random());
    held = { spiffeId: identity.spiffeId, renewSeconds, roots };
    const { uid } = peer;
    ports.onEvent({ kind: 'issued', identity, pid: peer.process.pid, uid, serialHex, notAfterSeconds });
    return { message: svidResponse(svid, ports), againSeconds: renewSeconds };
  });
}

export function bundleStream(ports: StreamPorts, peer: Peer, signal: AbortSignal): AsyncGenerator<BundlesResponse> {
  let held: Uint8Array | null = null;
  return pushes(ports, peer, signal, async (identity) => {
    const roots = rootsFingerprint(ports);
    const changed = held === null || !equalBytes(held, roots);
    held = roots;
    const own = `spiffe://${trustDomainOf(identity.spiffeId)}`;
    const bundles = { ...federatedBundles(ports), [own]: concat(...ports.bundle()) };
    return { message: changed ? { bundles } : null, againSeconds: Number.POSITIVE_INFINITY };
  });
}

interface Step<Message> {
  /** Null when the caller holds the present state already. */
  readonly message: Message | null;
  readonly againSeconds: number;
}

/** Messages as `step` makes them: at once, at the time it names, and whenever something changed. */
export async function* pushes<Message>(
  ports: StreamPorts,
  peer: Peer,
  signal: AbortSignal,
  step: (identity: Identity) => Promise<Step<Message>>,
): AsyncGenerator<Message> {
  let answered = false;
  while (!signal.aborted) {
    const seen = ports.wakeups.generation();
    let againSeconds: number;
    let message: Message | null = null;
    try {
      ({ message, againSeconds } = await step(await identityOf(ports, peer)));
    } catch (cause) {
      if (cause instanceof ConnectError) throw cause;
      ports.onEvent({ kind: 'outage', pid: peer.process.pid, cause });
      if (!answered) throw new ConnectError('not ready', Code.Unavailable);
      // An issuer that fails must not take away what is still good.
      againSeconds = ports.clock.nowSeconds() + retrySeconds;
    }
    if (message !== null) yield message;
    answered = true;
    await ports.wakeups.sleep(againSeconds, seen, signal);
  }
}

/** The caller learns that it has no identity, the operator's log why: a prober must not be told what is missing. */
export async function identityOf(ports: StreamPorts, peer: Peer): Promise<Identity> {
  const attestation = await ports.identityOf(peer);
  if ('identity' in attestation) return attestation.identity;
  ports.onEvent({ kind: 'refused', denial: attestation.denial, pid: peer.process.pid, uid: peer.uid });
  throw new ConnectError('no identity issued', Code.PermissionDenied);
}

function svidResponse(svid: MintedSvid, ports: StreamPorts): SvidResponse {
  const { spiffeId, chainDer, keyPkcs8 } = svid;
  const bundle = concat(...ports.bundle());
  return {
    svids: [{ spiffeId, x509Svid: concat(...chainDer), x509SvidKey: keyPkcs8, bundle }],
    federatedBundles: federatedBundles(ports),
  };
}

function federatedBundles(ports: StreamPorts): { [trustDomainId: string]: Uint8Array } {
  return Object.fromEntries([...ports.federated()].map(([id, roots]) => [id, concat(...roots)]));
}

/** All roots as bytes, so that a change in any of them is seen. */
function rootsFingerprint(ports: StreamPorts): Uint8Array {
  const federated = [...ports.federated()].flatMap(([id, roots]) => [new TextEncoder().encode(id), ...roots]);
  return concat(...ports.bundle(), ...federated);
}

/**
 * Half of the life that is left, a tenth of it earlier or later, so that many streams do not mint in one moment.
 * Never at once: an SVID cut short by the end of its root would be minted again without a pause.
 */
export function renewalOf({ notAfterSeconds }: MintedSvid, now: number, random: number): number {
  return now + Math.max(renewSecondsMin, (notAfterSeconds - now) * (0.45 + 0.1 * random));
}
