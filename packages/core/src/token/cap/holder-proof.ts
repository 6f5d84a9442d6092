// The last delegate of a capability proves itself where the connection does not: a signature with its own key over the capability's
// last block, the callee, the request and a fresh id. Rules §2.14. Without it, and without the delegate as the TLS peer, a capability
// is only bytes that somebody has.

import { toHex } from '../../std/bytes.ts';
import type { Engine } from '../../std/engine.ts';
import { deny, pass, type Verdict } from '../../verdict.ts';
import type { Claim } from '../facts.ts';
import { parseAipJwt, signAipJwt, verifyAipJwt } from './aip/jwt.ts';
import type { Signer } from './engine.ts';

const HOLDER_PROOF_TYP = 'writ-holder+jwt';

/** What a proof is about. */
export interface HolderAsk {
  /** Id of the capability's last block. */
  readonly lastBlock: string;
  /** The callee's endpoint URL. */
  readonly audience: string;
  /** HTTP method, upper case. */
  readonly method: string;
  /** SHA-256 of the body's bytes; of no bytes where there is no body. */
  readonly bodyDigest: Uint8Array;
}

const proofCharsMax = 4096;
/** How old a proof may be, and how far a holder's clock may run ahead. */
const windowSeconds = 60;

/** `id`: fresh. */
export function signHolderProof(ask: HolderAsk, ids: { id: string; nowSeconds: number }, holder: Signer): string {
  const { lastBlock, audience, method, bodyDigest } = ask;
  const claims = {
    cap: lastBlock,
    aud: audience,
    htm: method,
    body: toHex(bodyDigest),
    jti: ids.id,
    iat: ids.nowSeconds,
  };
  return signAipJwt(HOLDER_PROOF_TYP, claims, holder);
}

/** The claim makes the proof's id usable once, for as long as the proof itself. */
export function judgeHolderProof(
  proof: string,
  key: Uint8Array,
  ask: HolderAsk,
  engine: Engine,
  nowSeconds: number,
): Verdict<Claim> {
  const invalid = (why: string) => deny('token.proof_invalid', { why }, 'Writ rules §2.14');
  const jwt = proof.length > proofCharsMax ? null : parseAipJwt(proof);
  if (!jwt || jwt.typ !== HOLDER_PROOF_TYP) return invalid('the proof cannot be read');
  if (!verifyAipJwt(jwt, key, engine)) return invalid('the proof is not genuine');
  const { cap, aud, htm, body, jti, iat, ...unknown } = jwt.claims;
  if (Object.keys(unknown).length > 0) return invalid('the proof says more than is understood');
  if (cap !== ask.lastBlock) return invalid('another capability');
  if (aud !== ask.audience || htm !== ask.method || body !== toHex(ask.bodyDigest)) return invalid('another request');
  if (typeof jti !== 'string' || jti === '' || jti.length > 256) return invalid('the proof has no id');
  if (typeof iat !== 'number' || !Number.isSafeInteger(iat) || Math.abs(nowSeconds - iat) > windowSeconds)
    return invalid('another time');
  return pass({ kind: 'once', key: `holder ${toHex(key)} ${jti}`, untilSeconds: iat + 2 * windowSeconds });
}
