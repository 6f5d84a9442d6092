// AIP's JWT chain (draft-prakash-aip-02 §5.1, as PyPI agent-identity-protocol 0.6.0 has it): JWS links joined by `~`. Link 0 is signed
// by the root; each later one by the key that the link before it names, over the hash of that link. So delegators are proven;
// but any prefix of a chain is a chain, so that a wider one can be cut out of a narrow one: its holder has to prove its key.
// Differences from -01 and from the package: docs/spec/aip.md.

import { fromBase64Url, toBase64Url } from '../../../std/base64.ts';
import { toHex, utf8 } from '../../../std/bytes.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../std/json.ts';
import { isSeconds } from '../../../std/time.ts';
import { linksMax } from '../../chain.ts';
import { tokenBytesMax } from '../../jws.ts';
import type { CapEngine, Signer } from '../engine.ts';
import { isCount, namesOf } from './compact.ts';
import { parseAipId } from './id.ts';
import { parseAipJwt, signAipJwt, type UnverifiedAipJwt, verifyAipJwt } from './jwt.ts';
import { type AipLink, type CapFault, capFault } from './link.ts';
import { isSafeText } from './patterns.ts';
import { type GenuineLinks, isBound, type RootAuthority, rootsFor } from './roots.ts';

const LINK_TYP = 'aip-link+jwt';
const LINK_SEPARATOR = '~';
/** The authority, and one for each link that may follow it. */
const segmentsMax = linksMax + 1;

/** Link 0, or null when it cannot be written. `id`: fresh, for `jti`. */
export function mintJwtChain(link: AipLink, ids: { id: string; issuedSeconds: number }, root: Signer): string | null {
  const claims = claimsOf(link, ids, null);
  return claims && signAipJwt(LINK_TYP, claims, root);
}

/** The chain with one more link, signed by the holder whose key the last one names. */
export function appendJwtChain(
  chain: string,
  link: AipLink,
  ids: { id: string; issuedSeconds: number },
  holder: Signer,
  engine: CapEngine,
): string | null {
  const last = chain.slice(chain.lastIndexOf(LINK_SEPARATOR) + 1);
  const claims = claimsOf(link, ids, hashOf(last, engine));
  return claims && `${chain}${LINK_SEPARATOR}${signAipJwt(LINK_TYP, claims, holder)}`;
}

function claimsOf(link: AipLink, ids: { id: string; issuedSeconds: number }, prev: string | null): JsonObject | null {
  const { delegateKey, writ, ...rest } = link;
  if (delegateKey === null || Object.keys(writ).length > 0) return null;
  const claims: { [name: string]: JsonValue | null } = {
    iss: rest.issuer,
    sub: rest.delegate,
    iat: ids.issuedSeconds,
    exp: rest.untilSeconds,
    jti: ids.id,
    prev,
    aip_ctx: rest.context,
    aip_tools: rest.tools?.toSorted() ?? null,
    aip_domains: rest.domains?.toSorted() ?? null,
    aip_budget_cents: rest.budgetCents,
    aip_principal: rest.principal,
    aip_max_depth: rest.maxDepth,
    cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: toBase64Url(delegateKey) } },
  };
  const told = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null));
  return typeof linkOfClaims(told, null, prev === null) === 'string' ? null : told;
}

function hashOf(segment: string, engine: CapEngine): string {
  return toBase64Url(engine.sha256(utf8(segment)));
}

export function openJwtChain(
  text: string,
  roots: readonly RootAuthority[],
  engine: CapEngine,
  nowSeconds: number,
): GenuineLinks | CapFault {
  const segments = text.length > tokenBytesMax ? [] : text.split(LINK_SEPARATOR);
  if (segments.length === 0 || segments.length > segmentsMax) return capFault('token.malformed', 'V1', null);
  const jwts: UnverifiedAipJwt[] = [];
  for (const [i, segment] of segments.entries()) {
    const jwt = parseAipJwt(segment);
    if (!jwt || jwt.typ !== LINK_TYP) return capFault('token.malformed', 'V1', i);
    jwts.push(jwt);
  }
  const [first, ...rest] = jwts as [UnverifiedAipJwt, ...UnverifiedAipJwt[]];
  const issuer = typeof first.claims.iss === 'string' ? first.claims.iss : null;
  const candidates = rootsFor(issuer, roots);
  if (candidates.length === 0) return capFault('token.issuer_unknown', 'V2', 0, { identity: issuer });
  const found = candidates.find(({ key }) => verifyAipJwt(first, key, engine));
  if (!found) return capFault('token.signature_invalid', 'V1', 0);
  const authority = readLink(first.claims, null, nowSeconds);
  if (typeof authority === 'string') return capFault('token.malformed', 'V1', 0, { why: authority });
  const links: [AipLink, ...AipLink[]] = [authority];
  for (const [i, jwt] of rest.entries()) {
    const before = links[i]!;
    if (jwt.claims.prev !== hashOf(segments[i]!, engine) || !verifyAipJwt(jwt, before.delegateKey!, engine))
      return capFault('token.signature_invalid', 'V1', i + 1);
    const link = readLink(jwt.claims, before.delegateKey, nowSeconds);
    if (typeof link === 'string') return capFault('token.malformed', 'V1', i + 1, { why: link });
    links.push(link);
  }
  if (!isBound(authority.issuer, found))
    return capFault('token.issuer_unknown', 'V2', 0, { identity: authority.issuer });
  const blockIds = jwts.map(({ signature }) => toHex(signature));
  return { encoding: 'aip-jwt-chain', links, root: found.root, rootKey: found.key, blockIds };
}

function readLink(claims: JsonObject, signedBy: Uint8Array | null, nowSeconds: number): AipLink | string {
  if (typeof claims.iat === 'number' && claims.iat > nowSeconds) return '`iat` lies ahead';
  return linkOfClaims(claims, signedBy, signedBy === null);
}

function linkOfClaims(claims: JsonObject, signedBy: Uint8Array | null, first: boolean): AipLink | string {
  const { iss, sub, iat, exp, jti, prev, cnf, ...aip } = claims;
  const { aip_tools, aip_domains, aip_budget_cents: cents, aip_ctx: context, ...more } = aip;
  const { aip_principal: principal, aip_max_depth: depth, ...unknown } = more;
  if (Object.keys(unknown).length > 0) return `claims that are not known here: ${Object.keys(unknown).join(', ')}`;
  if (typeof iss !== 'string' || typeof sub !== 'string' || !parseAipId(iss) || !parseAipId(sub))
    return 'a party is not an AIP identifier';
  if (typeof jti !== 'string' || !isCount(iat)) return '`jti` or `iat` is missing';
  if (first ? prev !== undefined : typeof prev !== 'string') return '`prev` belongs to every link but the first';
  const key = keyOfCnf(cnf);
  if (key === null) return '`cnf` names no Ed25519 key';
  const tools = aip_tools === undefined ? null : namesOf(aip_tools);
  const domains = aip_domains === undefined ? null : namesOf(aip_domains);
  if (aip_tools !== undefined && tools === null) return '`aip_tools` is not a list of names';
  if (aip_domains !== undefined && domains === null) return '`aip_domains` is not a list of names';
  for (const text of [context, principal])
    if (text !== undefined && (typeof text !== 'string' || (text.trim() !== '' && !isSafeText(text))))
      return 'unsafe text';
  if (exp !== undefined && !isSeconds(exp)) return '`exp` is not a time';
  if (depth !== undefined && !isCount(depth)) return 'a number is not a whole one';
  if (cents !== undefined && !Number.isSafeInteger(cents)) return '`aip_budget_cents` is not a whole number';
  return {
    issuer: iss,
    delegate: sub,
    tools,
    domains,
    budgetCents: (cents as number | undefined) ?? null,
    untilSeconds: exp ?? null,
    context: (context as string | undefined) ?? null,
    principal: (principal as string | undefined) ?? null,
    maxDepth: depth ?? null,
    signedBy,
    delegateKey: key,
    writ: {},
  };
}

/** Links of a chain as they stand, unchecked; null where one cannot be read. */
export function readChainLinks(text: string): readonly AipLink[] | null {
  const links: AipLink[] = [];
  for (const segment of text.split(LINK_SEPARATOR)) {
    const jwt = parseAipJwt(segment);
    const link =
      jwt?.typ === LINK_TYP ? linkOfClaims(jwt.claims, links.at(-1)?.delegateKey ?? null, links.length === 0) : '';
    if (typeof link === 'string') return null;
    links.push(link);
  }
  return links;
}

/** RFC 8037, and nothing beside it. */
function keyOfCnf(cnf: JsonValue | undefined): Uint8Array | null {
  if (!isJsonObject(cnf) || Object.keys(cnf).length !== 1 || !isJsonObject(cnf.jwk)) return null;
  const { kty, crv, x, ...rest } = cnf.jwk;
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string' || Object.keys(rest).length > 0) return null;
  const key = fromBase64Url(x);
  return key?.length === 32 ? key : null;
}
