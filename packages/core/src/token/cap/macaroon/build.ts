// Making macaroons: minting needs the root secret, adding a caveat needs nothing but the macaroon, and discharging a third party's
// caveat needs the key that was boxed into it. Nonces are handed in.

import { concat } from '../../../std/bytes.ts';
import type { Engine } from '../../../std/engine.ts';
import type { CapEngine } from '../engine.ts';
import type { Caveat, Macaroon } from './form.ts';
import { hmacSha256 } from './hmac.ts';
import { bindSignature, macaroonKey, nextSignature } from './verify.ts';

/** Also makes a discharge: `secret` is then the caveat's key, `identifier` its id, `location` its place. */
export function mintMacaroon(
  identifier: Uint8Array,
  secret: Uint8Array,
  location: Uint8Array | null,
  engine: Engine,
): Macaroon {
  const signature = hmacSha256(macaroonKey(secret, engine), identifier, engine);
  return { location, identifier, caveats: [], signature };
}

/** What must hold besides. Whoever holds a macaroon can do this; nobody can undo it. */
export function addCondition(macaroon: Macaroon, identifier: Uint8Array, engine: Engine): Macaroon {
  return add(macaroon, { identifier, verificationId: null, location: null }, engine);
}

export interface ThirdParty {
  /** From which the third party finds `secret` again. */
  readonly identifier: Uint8Array;
  /** What its discharge is made with. */
  readonly secret: Uint8Array;
  readonly location: Uint8Array | null;
  /** `boxNonceBytes`, used once. */
  readonly nonce: Uint8Array;
}

/** Somebody else has to say yes, by a discharge. */
export function addThirdParty(macaroon: Macaroon, third: ThirdParty, engine: CapEngine): Macaroon {
  const box = engine.sealBox(macaroonKey(third.secret, engine), third.nonce, macaroon.signature);
  const caveat = {
    identifier: third.identifier,
    verificationId: concat(third.nonce, box),
    location: third.location,
  };
  return add(macaroon, caveat, engine);
}

/** The discharge for this root and no other. */
export function bindDischarge(root: Macaroon, discharge: Macaroon, engine: Engine): Macaroon {
  return { ...discharge, signature: bindSignature(root.signature, discharge.signature, engine) };
}

function add(macaroon: Macaroon, caveat: Caveat, engine: Engine): Macaroon {
  return {
    ...macaroon,
    caveats: [...macaroon.caveats, caveat],
    signature: nextSignature(macaroon.signature, caveat, engine),
  };
}
