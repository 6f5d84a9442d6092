// The three JWT calls of the Workload API (SPIFFE Workload API §6). A JWT-SVID is a bearer token and goes to the same attested
// caller as an X509-SVID does; checking one is answered for callers with an identity only, so that nobody else learns to forge.

import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { denial, equalBytes, type JsonObject, type JwtSvidKey, judgeJwtSvid, says, utf8 } from '@writ/core';
import { jwtSvidKey } from '../jwt-key.ts';
import type { Peer } from '../peercred.ts';
import type {
  JWTBundlesResponseSchema,
  JWTSVIDResponseSchema,
  ValidateJWTSVIDResponseSchema,
} from './gen/workload_pb.ts';
import { identityOf, pushes, type StreamPorts } from './streams.ts';

export interface JwtPorts {
  readonly mintJwt: (request: { readonly spiffeId: string; readonly audience: readonly string[] }) => {
    readonly token: string;
    readonly expiresSeconds: number;
  };
  /** Public JWKs with `kid` by trust domain, our own included. */
  readonly jwtKeys: () => ReadonlyMap<string, readonly JsonObject[]>;
  /** Withdrawn identities prove nothing, however fresh their tokens are. */
  readonly isRevoked: (spiffeId: string) => boolean;
}

const audiencesMax = 16;
/** An audience is a SPIFFE ID or a URL, and stands in the log. */
const audienceCharsMax = 2048;

export async function fetchJwtSvid(
  ports: StreamPorts & JwtPorts,
  peer: Peer,
  { audience, spiffeId }: { readonly audience: readonly string[]; readonly spiffeId: string },
): Promise<MessageInitShape<typeof JWTSVIDResponseSchema>> {
  const named = audience.every((name) => name !== '' && name.length <= audienceCharsMax);
  if (audience.length === 0 || audience.length > audiencesMax || !named)
    throw new ConnectError('one audience or more must be named', Code.InvalidArgument);
  const identity = await identityOf(ports, peer);
  const seen = { pid: peer.process.pid, uid: peer.uid };
  if (spiffeId !== '' && spiffeId !== identity.spiffeId) {
    const refused = denial('transport.peer_not_attested', { ...seen, asked: spiffeId.slice(0, 200) });
    ports.onEvent({ kind: 'refused', denial: refused, ...seen });
    throw new ConnectError('no identity issued', Code.PermissionDenied);
  }
  const { token, expiresSeconds } = ports.mintJwt({ spiffeId: identity.spiffeId, audience });
  ports.onEvent({ kind: 'issued_jwt', identity, audience, notAfterSeconds: expiresSeconds, ...seen });
  return { svids: [{ spiffeId: identity.spiffeId, svid: token }] };
}

export function jwtBundleStream(
  ports: StreamPorts & JwtPorts,
  peer: Peer,
  signal: AbortSignal,
): AsyncGenerator<MessageInitShape<typeof JWTBundlesResponseSchema>> {
  let held: Uint8Array | null = null;
  return pushes(ports, peer, signal, async () => {
    const sets = [...ports.jwtKeys()].map(([domain, keys]) => [`spiffe://${domain}`, jwksOf(keys)] as const);
    const present = utf8(JSON.stringify(sets));
    const changed = held === null || !equalBytes(held, present);
    held = present;
    const bundles = Object.fromEntries(sets.map(([id, text]) => [id, utf8(text)]));
    return { message: changed ? { bundles } : null, againSeconds: Number.POSITIVE_INFINITY };
  });
}

export async function validateJwtSvid(
  ports: StreamPorts & JwtPorts,
  peer: Peer,
  { audience, svid }: { readonly audience: string; readonly svid: string },
): Promise<MessageInitShape<typeof ValidateJWTSVIDResponseSchema>> {
  if (audience === '' || svid === '') throw new ConnectError('audience and token must be given', Code.InvalidArgument);
  await identityOf(ports, peer);
  const keys = new Map([...ports.jwtKeys()].map(([domain, jwks]) => [domain, keysOf(jwks)] as const));
  const judged = judgeJwtSvid(svid, keys, { audience, nowSeconds: ports.clock.nowSeconds() });
  const refused =
    judged.outcome === 'deny'
      ? judged.denial
      : ports.isRevoked(judged.facts.spiffeId)
        ? denial('transport.identity_revoked', { peer: judged.facts.spiffeId })
        : null;
  if (judged.outcome === 'deny' || refused !== null) {
    ports.onEvent({ kind: 'refused', denial: refused!, pid: peer.process.pid, uid: peer.uid });
    throw new ConnectError(says(refused!.code), Code.InvalidArgument);
  }
  const { spiffeId, claims } = judged.facts;
  // Copied, because the strict reader's objects have no prototype, which the message library takes for something else.
  return { spiffeId, claims: JSON.parse(JSON.stringify(claims)) as JsonObject as never };
}

/** The document of one trust domain, JWT keys alone. */
function jwksOf(keys: readonly JsonObject[]): string {
  return JSON.stringify({ keys: keys.map((key) => ({ ...key, use: 'jwt-svid' })) });
}

function keysOf(jwks: readonly JsonObject[]): ReadonlyMap<string, JwtSvidKey> {
  const found = new Map<string, JwtSvidKey>();
  for (const jwk of jwks) {
    const key = jwtSvidKey(jwk);
    if (key !== null) found.set(String(jwk.kid), key);
  }
  return found;
}
