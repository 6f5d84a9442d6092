// AIP compact: one signed JSON link, `typ: aip+jwt`, from an issuer to one holder. It names no audience, no key and no invocation:
// a bearer token until its holder proves itself otherwise (rules §2.14). Draft-prakash-aip-01 §3.1; deprecated by -02.

import { toHex } from '../../../std/bytes.ts';
import { parseDecimal } from '../../../std/decimal.ts';
import type { JsonObject, JsonValue } from '../../../std/json.ts';
import { isSeconds } from '../../../std/time.ts';
import { tokenBytesMax } from '../../jws.ts';
import type { CapEngine, Signer } from '../engine.ts';
import { parseAipId } from './id.ts';
import { parseAipJwt, signAipJwt, type UnverifiedAipJwt, verifyAipJwt } from './jwt.ts';
import { type AipLink, type CapFault, capFault } from './link.ts';
import { isSafeText } from './patterns.ts';
import { type GenuineLinks, isBound, type RootAuthority, rootsFor } from './roots.ts';

export const COMPACT_TYP = 'aip+jwt';

/** Null when the link cannot be written: Writ's own dimensions, domains and a principal have no place here. Rules §2.13. */
export function mintCompact(link: AipLink, issuedSeconds: number, root: Signer): string | null {
  const { issuer, delegate, tools, budgetCents, untilSeconds, maxDepth } = link;
  const extra = link.domains !== null || link.principal !== null || Object.keys(link.writ).length > 0;
  if (extra || delegate === null || !tools || tools.length === 0 || untilSeconds === null || maxDepth === null)
    return null;
  const claims: JsonObject = {
    iss: issuer,
    sub: delegate,
    scope: tools,
    ...(budgetCents === null ? {} : { budget_usd: budgetCents / 100 }),
    max_depth: maxDepth,
    iat: issuedSeconds,
    exp: untilSeconds,
  };
  const read = compactLink(claims, issuedSeconds);
  // Dollars of a very great sum are no longer whole cents as a number.
  return typeof read === 'string' || read.budgetCents !== budgetCents ? null : signAipJwt(COMPACT_TYP, claims, root);
}

export function openCompact(
  text: string,
  roots: readonly RootAuthority[],
  engine: CapEngine,
  nowSeconds: number,
): GenuineLinks | CapFault {
  const jwt = text.length > tokenBytesMax ? null : parseAipJwt(text);
  if (!jwt || jwt.typ !== COMPACT_TYP) return capFault('token.malformed', 'V1', null);
  const issuer = typeof jwt.claims.iss === 'string' ? jwt.claims.iss : null;
  const candidates = rootsFor(issuer, roots);
  if (candidates.length === 0) return capFault('token.issuer_unknown', 'V2', 0, { identity: issuer });
  const found = candidates.find(({ key }) => verifyAipJwt(jwt, key, engine));
  return found ? genuine(jwt, found.root, found.key, nowSeconds) : capFault('token.signature_invalid', 'V1', 0);
}

function genuine(jwt: UnverifiedAipJwt, root: RootAuthority, key: Uint8Array, nowSeconds: number) {
  const link = compactLink(jwt.claims, nowSeconds);
  if (typeof link === 'string') return capFault('token.malformed', 'V4', 0, { why: link });
  if (!isBound(link.issuer, { root, key })) return capFault('token.issuer_unknown', 'V2', 0, { identity: link.issuer });
  const blockIds = [toHex(jwt.signature)];
  return { encoding: 'aip-compact', links: [link], root, rootKey: key, blockIds } satisfies GenuineLinks;
}

/** The link as it stands, unchecked, or null. */
export function readCompactLink(text: string): AipLink | null {
  const jwt = parseAipJwt(text);
  const link = jwt?.typ === COMPACT_TYP ? compactLink(jwt.claims, Number.MAX_SAFE_INTEGER) : '';
  return typeof link === 'string' ? null : link;
}

/** The link, or what about the claims is not in order. A claim that is not known might restrict: rules §2.1. */
function compactLink(claims: JsonObject, nowSeconds: number): AipLink | string {
  const { iss, sub, scope, budget_usd: budget, max_depth: depth, iat, exp, ...unknown } = claims;
  if (Object.keys(unknown).length > 0) return `claims that are not known here: ${Object.keys(unknown).join(', ')}`;
  if (typeof iss !== 'string' || typeof sub !== 'string' || !parseAipId(iss) || !parseAipId(sub))
    return 'a party is not an AIP identifier';
  const tools = namesOf(scope);
  if (tools === null) return '`scope` is not a list of names';
  if (!isCount(depth) || !isSeconds(iat) || !isSeconds(exp)) return 'a number is missing or not a whole one';
  if (iat > nowSeconds) return '`iat` lies ahead';
  const cents = budget === undefined || budget === null ? null : centsOf(budget);
  if (cents === undefined) return '`budget_usd` is not an amount in whole cents';
  return {
    issuer: iss,
    delegate: sub,
    tools,
    domains: null,
    budgetCents: cents,
    untilSeconds: exp,
    context: null,
    principal: null,
    maxDepth: depth,
    signedBy: null,
    delegateKey: null,
    writ: {},
  };
}

/** At least one, each readable, none twice. */
export function namesOf(value: JsonValue | undefined): readonly string[] | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > 128) return null;
  const names = value as readonly JsonValue[];
  if (!names.every((one): one is string => typeof one === 'string' && isSafeText(one))) return null;
  return new Set(names).size === names.length ? names : null;
}

/** Undefined for anything but dollars in whole cents; negative ones are the walk's to refuse. */
function centsOf(value: JsonValue): number | undefined {
  if (typeof value !== 'number') return undefined;
  const dollars = parseDecimal(String(value));
  if (!dollars || dollars.scale > 2) return undefined;
  const cents = Number(dollars.digits) * 10 ** (2 - dollars.scale);
  return Number.isSafeInteger(cents) ? cents : undefined;
}

export function isCount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
