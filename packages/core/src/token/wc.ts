// The chain as JWT claims: `wc` (contract §7), root first, and `act` (RFC 8693 §4.1), newest first.
// Two tellings of one story; where they differ the token is refused, not interpreted.

import { isJsonObject, type JsonObject, type JsonValue } from '../std/json.ts';
import { isSeconds } from '../std/time.ts';
import {
  type Budget,
  type Chain,
  type Constraint,
  DETAIL_TYPE,
  type Detail,
  type Level,
  type Link,
  linksMax,
  type Principal,
} from './chain.ts';
import { parseScope } from './scope.ts';

/** Claims of a chain: `sub`, `act` (absent without an actor), `task`, `wc`. */
export interface ChainClaims {
  readonly sub: string;
  readonly act?: JsonObject;
  readonly task: string;
  readonly wc: readonly JsonObject[];
}

export type ChainFault = 'malformed' | 'restriction_unknown' | 'chain_ambiguous';

export function chainToClaims(chain: Chain): ChainClaims {
  const act = chain.links
    .slice(1)
    .reduce<JsonObject | undefined>(
      (inner, link) => ({ iss: link.actor.iss, sub: link.actor.sub, ...(inner ? { act: inner } : {}) }),
      undefined,
    );
  return {
    sub: chain.links[0].actor.sub,
    ...(act ? { act } : {}),
    task: chain.task,
    wc: chain.links.map(linkToClaim),
  };
}

export function linkToClaim(link: Link): JsonObject {
  return {
    actor: { iss: link.actor.iss, sub: link.actor.sub },
    aud: link.audience,
    scope: link.scopes,
    ...(link.details ? { details: link.details as unknown as JsonValue } : {}),
    budget: link.budget as unknown as JsonValue,
    depth: link.depth,
    until: link.untilSeconds,
    ceiling: link.ceiling,
    ...(link.purpose === undefined ? {} : { purpose: link.purpose }),
    row: link.row,
  };
}

/** The chain of `sub`, `act`, `task` and `wc`, or what is wrong with them. */
export function chainFromClaims(claims: JsonObject): Chain | ChainFault {
  const { sub, act, task, wc } = claims;
  if (typeof sub !== 'string' || typeof task !== 'string' || task === '' || !Array.isArray(wc)) return 'malformed';
  if (wc.length < 1 || wc.length > linksMax) return 'malformed';
  const links: Link[] = [];
  for (const entry of wc as readonly JsonValue[]) {
    const link = linkFromClaim(entry);
    if (typeof link === 'string') return link;
    links.push(link);
  }
  const [root, ...hops] = links as [Link, ...Link[]];
  if (root.actor.sub !== sub || !actTells(act, hops)) return 'chain_ambiguous';
  return { task, links: [root, ...hops] };
}

/** Does `act` name exactly the actors of the hops, newest outermost? */
function actTells(act: JsonValue | undefined, hops: readonly Link[]): boolean {
  let told: JsonValue | undefined = act;
  for (const hop of hops.toReversed()) {
    if (!isJsonObject(told)) return false;
    const { iss, sub, act: inner, ...rest } = told;
    if (iss !== hop.actor.iss || sub !== hop.actor.sub || Object.keys(rest).length > 0) return false;
    told = inner;
  }
  return told === undefined;
}

export function linkFromClaim(entry: JsonValue): Link | ChainFault {
  if (!isJsonObject(entry)) return 'malformed';
  const { actor, aud, scope, details, budget, depth, until, ceiling, purpose, row, ...unknown } = entry;
  // A restriction nobody here knows might forbid this very call. Rules §2.1.
  if (Object.keys(unknown).length > 0) return 'restriction_unknown';
  const principal = principalFrom(actor);
  if (!principal || typeof aud !== 'string' || typeof row !== 'string' || row === '') return 'malformed';
  if (!isCount(depth) || !isSeconds(until) || !isLevel(ceiling)) return 'malformed';
  if (purpose !== undefined && (typeof purpose !== 'string' || purpose.length > 200)) return 'malformed';
  const scopes = scopesFrom(scope);
  const budgets = budgetsFrom(budget);
  const entries = details === undefined ? undefined : detailsFrom(details);
  if (!scopes || !budgets) return 'malformed';
  if (entries === null) return 'restriction_unknown';
  return {
    actor: principal,
    audience: aud,
    scopes,
    ...(entries ? { details: entries } : {}),
    budget: budgets,
    depth,
    untilSeconds: until,
    ceiling,
    ...(purpose === undefined ? {} : { purpose }),
    row,
  };
}

function principalFrom(value: JsonValue | undefined): Principal | null {
  if (!isJsonObject(value) || Object.keys(value).length !== 2) return null;
  const { iss, sub } = value;
  return typeof iss === 'string' && typeof sub === 'string' && iss !== '' && sub !== '' ? { iss, sub } : null;
}

function scopesFrom(value: JsonValue | undefined): readonly string[] | null {
  if (!Array.isArray(value)) return null;
  const scopes = value as readonly JsonValue[];
  return scopes.every((one) => typeof one === 'string' && parseScope(one) !== null) ? (scopes as string[]) : null;
}

export function budgetsFrom(value: JsonValue | undefined): readonly Budget[] | null {
  if (!Array.isArray(value)) return null;
  const budgets: Budget[] = [];
  for (const entry of value as readonly JsonValue[]) {
    if (!isJsonObject(entry) || Object.keys(entry).length !== 2) return null;
    const { unit, max } = entry;
    if (typeof unit !== 'string' || !/^[A-Za-z]{1,16}$/.test(unit) || !isCount(max)) return null;
    if (budgets.some((other) => other.unit === unit)) return null;
    budgets.push({ unit, max });
  }
  return budgets;
}

const CONSTRAINTS = new Set(['any', 'oneOf', 'subpath', 'urlHost', 'cidr', 'range', 'matches']);

/** `authorization_details` of Writ's own type, or null: a type or member nobody here knows is a no. RFC 9396 §5. */
export function detailsFrom(value: JsonValue): readonly Detail[] | null {
  if (!Array.isArray(value)) return null;
  const details: Detail[] = [];
  for (const entry of value as readonly JsonValue[]) {
    if (!isJsonObject(entry)) return null;
    const { type, actions, arguments: args, ...unknown } = entry;
    if (type !== DETAIL_TYPE || Object.keys(unknown).length > 0) return null;
    const scopes = scopesFrom(actions);
    if (!scopes) return null;
    if (args === undefined) {
      details.push({ type, actions: scopes });
      continue;
    }
    if (!isJsonObject(args)) return null;
    const constraints: Record<string, Constraint> = {};
    for (const [pointer, limit] of Object.entries(args)) {
      // RFC 6901 §5: the empty pointer is the whole of the arguments.
      if ((pointer !== '' && !pointer.startsWith('/')) || !isConstraint(limit)) return null;
      constraints[pointer] = limit;
    }
    details.push({ type, actions: scopes, arguments: constraints });
  }
  return details;
}

/** One known kind, of the right form. */
export function isConstraint(value: JsonValue): value is Constraint & JsonObject {
  if (!isJsonObject(value)) return false;
  const names = Object.keys(value);
  const [kind] = names;
  if (names.length !== 1 || kind === undefined || !CONSTRAINTS.has(kind)) return false;
  const body = value[kind]!;
  if (kind === 'any') return body === true;
  if (kind === 'oneOf') return Array.isArray(body);
  if (kind === 'urlHost' || kind === 'cidr') return Array.isArray(body) && body.every((one) => typeof one === 'string');
  if (kind === 'matches') return typeof body === 'string';
  if (!isJsonObject(body)) return false;
  if (kind === 'subpath') return typeof body.root === 'string' && (body.separator === '/' || body.separator === '\\');
  const ends = Object.entries(body);
  return ends.length > 0 && ends.every(([end, v]) => (end === 'min' || end === 'max') && typeof v === 'string');
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isLevel(value: JsonValue | undefined): value is Level {
  return isCount(value) && value <= 4;
}
