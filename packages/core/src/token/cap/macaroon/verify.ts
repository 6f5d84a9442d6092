// Is a macaroon the issuer's, with every third-party caveat discharged? Needs the root secret, so that whoever verifies could mint:
// macaroons stay inside one trust domain (docs/spec/macaroon.md). Says nothing of what the conditions mean.
// Source: Birgisson et al., "Macaroons" (NDSS 2014); libmacaroons for the exact functions.

import { concat, equalBytes, toHex, utf8 } from '../../../std/bytes.ts';
import type { Engine } from '../../../std/engine.ts';
import { boxNonceBytes, type CapEngine } from '../engine.ts';
import type { Caveat, Macaroon } from './form.ts';
import { equalSecrets, hmacSha256 } from './hmac.ts';
import type { Macaroons } from './text.ts';

const KEY_GENERATOR = utf8('macaroons-key-generator');
const ZERO_KEY = new Uint8Array(32);
/** A discharge may ask for discharges of its own, this far down. */
const dischargeDepthMax = 4;

type MacaroonFault = 'signature_invalid' | 'discharge_missing' | 'discharge_unused' | 'location';

interface GenuineMacaroon {
  /** First-party conditions of the root, in order. */
  readonly conditions: readonly Uint8Array[];
  /** Conditions that a discharge adds. */
  readonly dischargeConditions: readonly Uint8Array[];
  /**
   * One id for the macaroon as minted and one after each caveat: SHA-256 of the signature at that point, in hex. The signature
   * itself would be a wider macaroon. Withdrawing one withdraws all that came of it.
   */
  readonly ids: readonly string[];
}

/** HMAC's key from a root secret of any length, as libmacaroons makes it. */
export function macaroonKey(secret: Uint8Array, engine: Engine): Uint8Array {
  return hmacSha256(KEY_GENERATOR, secret, engine);
}

/** `location`: what the root must name, null for nothing. */
export function verifyMacaroons(
  [root, ...discharges]: Macaroons,
  secret: Uint8Array,
  location: Uint8Array | null,
  engine: CapEngine,
): GenuineMacaroon | MacaroonFault {
  if (!sameOrBothAbsent(root.location, location)) return 'location';
  const unused = new Set(discharges);
  const dischargeConditions: Uint8Array[] = [];

  /** Recomputes the chain of one macaroon; its ids, or what is wrong. */
  const walk = (one: Macaroon, key: Uint8Array, depth: number, take: (condition: Uint8Array) => void) => {
    let signature = hmacSha256(key, one.identifier, engine);
    const ids = [toHex(engine.sha256(signature))];
    for (const caveat of one.caveats) {
      if (caveat.verificationId === null) take(caveat.identifier);
      else {
        const fault = discharged(caveat, signature, depth);
        if (fault) return fault;
      }
      signature = nextSignature(signature, caveat, engine);
      ids.push(toHex(engine.sha256(signature)));
    }
    // A discharge is bound to the root it was given for; the root to itself.
    const expected = depth === 0 ? signature : bindSignature(root.signature, signature, engine);
    return equalSecrets(expected, one.signature) ? ids : ('signature_invalid' as const);
  };

  const discharged = (caveat: Caveat, signature: Uint8Array, depth: number): MacaroonFault | null => {
    const box = caveat.verificationId!;
    const key = engine.openBox(box.subarray(boxNonceBytes), box.subarray(0, boxNonceBytes), signature);
    if (!key) return 'signature_invalid';
    const discharge = [...unused].find((one) => equalBytes(one.identifier, caveat.identifier));
    if (!discharge || depth === dischargeDepthMax) return 'discharge_missing';
    if (!sameOrBothAbsent(discharge.location, caveat.location)) return 'location';
    unused.delete(discharge);
    const ids = walk(discharge, key, depth + 1, (condition) => dischargeConditions.push(condition));
    return typeof ids === 'string' ? ids : null;
  };

  const conditions: Uint8Array[] = [];
  const ids = walk(root, macaroonKey(secret, engine), 0, (condition) => conditions.push(condition));
  if (typeof ids === 'string') return ids;
  return unused.size > 0 ? 'discharge_unused' : { conditions, dischargeConditions, ids };
}

export function nextSignature(signature: Uint8Array, caveat: Caveat, engine: Engine): Uint8Array {
  if (caveat.verificationId === null) return hmacSha256(signature, caveat.identifier, engine);
  return pairSignature(signature, caveat.verificationId, caveat.identifier, engine);
}

export function bindSignature(root: Uint8Array, discharge: Uint8Array, engine: Engine): Uint8Array {
  return pairSignature(ZERO_KEY, root, discharge, engine);
}

function pairSignature(key: Uint8Array, one: Uint8Array, two: Uint8Array, engine: Engine): Uint8Array {
  const both = concat(hmacSha256(key, one, engine), hmacSha256(key, two, engine));
  return hmacSha256(key, both, engine);
}

function sameOrBothAbsent(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b || (a ?? b)!.length === 0 : equalBytes(a, b);
}
