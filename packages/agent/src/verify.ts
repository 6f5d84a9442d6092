// May this agent believe what came with an incoming call? `Writ-Context` (contract §7) is signed by the gateway that is the TLS
// peer, for this agent, for this one message, for a minute. Single use and fetching keys are context-guard.ts.

import {
  deny,
  type Engine,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Level,
  type Message,
  messageHash,
  type PublicKey,
  parseJws,
  pass,
  type SpiffeId,
  TYP,
  type UnverifiedJws,
  type Verdict,
  verifyJws,
} from '@writ/core';

/** What the gateway vouches for. Rules §2.6, §3.15. */
export interface ContextFacts {
  /** Who calls: a SPIFFE ID, or the id of an OAuth client. */
  readonly caller: string;
  /** The decision that let the call through. */
  readonly decision: string;
  readonly task: string;
  /** Actors, newest outermost (RFC 8693 §4.1); null when the person calls without an agent between. */
  readonly act: JsonObject | null;
  /** Highest level that text of this call may be trusted at. Rules §3.3. */
  readonly floor: Level;
  /** Authority to go on, or null. */
  readonly continuation: string | null;
  /** Single use until `untilSeconds`. */
  readonly id: string;
  readonly untilSeconds: number;
}

export interface ContextQuestion {
  /** Compact JWS; null when the call came without. */
  readonly context: string | null;
  /** SPIFFE ID on the connection; null when nobody was proven; `any` where the signature alone has to do. */
  readonly peer: SpiffeId | null | 'any';
  /** Key id → key, of the plane's context keys. */
  readonly keys: ReadonlyMap<string, PublicKey>;
  /** Own SPIFFE ID. */
  readonly expect: SpiffeId;
  /** Gateways that this agent lists. */
  readonly gatewayIds: ReadonlySet<string>;
  readonly message: Message;
  readonly nowSeconds: number;
  readonly engine: Engine;
}

const lifeSecondsMax = 60;
const idLengthMax = 128;

/** Pure. The caller still has to see that the id is used once. */
export function verifyContext(question: ContextQuestion): Verdict<ContextFacts> {
  const { context, peer, keys, gatewayIds, engine } = question;
  if (context === null) return deny('token.missing');
  const jws = parseJws(context);
  if (jws === null || jws.header.typ !== TYP.context) return deny('token.malformed');
  const { iss } = jws.claims;
  if (typeof iss !== 'string' || !gatewayIds.has(iss)) return deny('token.issuer_unknown', { iss: shown(iss) });
  // Rules §2.6: the actor is not the peer here, which is right only because the peer itself signed for it.
  if (peer !== 'any' && iss !== peer) return deny('token.bound_to_other_peer', { iss, peer });
  const key = keys.get(jws.header.kid);
  if (key === undefined || key.alg !== 'EdDSA') return deny('token.signature_invalid', { kid: jws.header.kid });
  if (!verifyJws(jws, key, engine)) return deny('token.signature_invalid', { kid: jws.header.kid });
  return judgeClaims(jws, question);
}

function judgeClaims({ claims }: UnverifiedJws, question: ContextQuestion): Verdict<ContextFacts> {
  const { expect, message, nowSeconds, engine } = question;
  if (claims.aud !== expect) return deny('token.wrong_audience', { aud: shown(claims.aud) });
  const { exp } = claims;
  if (typeof exp !== 'number' || exp - nowSeconds > lifeSecondsMax) return deny('token.malformed', { exp: shown(exp) });
  if (nowSeconds >= exp) return deny('token.expired', { exp, nowSeconds });
  const facts = factsOf(claims, exp);
  if (facts === null) return deny('token.malformed');
  if (claims.messageHash !== messageHash(message, engine))
    return deny('token.proof_invalid', { says: 'another message' });
  return pass(facts);
}

function factsOf(claims: JsonObject, untilSeconds: number): ContextFacts | null {
  const { jti: id, caller, decision, task, act, continuation } = claims;
  const floor = floorOf(claims.labels);
  if (typeof id !== 'string' || id === '' || id.length > idLengthMax || floor === null) return null;
  if (typeof caller !== 'string' || typeof decision !== 'string' || typeof task !== 'string') return null;
  if (act !== undefined && !isJsonObject(act)) return null;
  if (continuation !== undefined && typeof continuation !== 'string') return null;
  return { caller, decision, task, act: act ?? null, floor, continuation: continuation ?? null, id, untilSeconds };
}

/** Without labels text is unlabelled: level 0. Labels that cannot be read are no labels at all, so the context goes with them. */
function floorOf(labels: JsonValue | undefined): Level | null {
  if (labels === undefined) return 0;
  const floor = isJsonObject(labels) ? labels.floor : null;
  return floor === 0 || floor === 1 || floor === 2 || floor === 3 || floor === 4 ? floor : null;
}

/** For the operator's log: never a whole token, never an object. */
function shown(value: JsonValue | undefined): string | number | null {
  return typeof value === 'string' ? value.slice(0, 200) : typeof value === 'number' ? value : null;
}
