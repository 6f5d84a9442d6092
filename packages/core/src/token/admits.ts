// Does one link admit this call? Asked of every link of the chain, root to leaf (rules §2.1).

import { type Denial, denial } from '../denial.ts';
import type { JsonObject } from '../std/json.ts';
import type { Detail, Link } from './chain.ts';
import { argumentFault } from './constraints.ts';
import { anyScopeCovers, parseScope } from './scope.ts';

export interface Asked {
  /** All of these are needed. */
  readonly scopes: readonly string[];
  /** With none needed by name: any scope of this server, agent or upstream. */
  readonly anyScopeOf: string | null;
  readonly arguments: JsonObject;
}

/** Null when every link admits the call, else the denial of the first that does not. */
export function firstRefusal(links: readonly Link[], asked: Asked, nowSeconds: number): Denial | null {
  for (const [i, link] of links.entries()) {
    const refusal = refusalOfLink(link, asked, i, nowSeconds);
    if (refusal) return refusal;
  }
  return null;
}

/** Null when the link admits the call, else why not. `index`: position in the chain, for the record. */
export function refusalOfLink(link: Link, asked: Asked, index: number, nowSeconds: number): Denial | null {
  const who = { link: index, actor: link.actor.sub };
  if (nowSeconds >= link.untilSeconds) return denial('token.expired', { ...who, until: link.untilSeconds });
  const missing = asked.scopes.filter((scope) => !anyScopeCovers(link.scopes, scope));
  if (missing.length > 0) return denial('token.scope_insufficient', { ...who, missing, held: link.scopes });
  if (asked.anyScopeOf !== null && !link.scopes.some((scope) => parseScope(scope)?.name === asked.anyScopeOf)) {
    return denial('token.scope_insufficient', { ...who, missing: [`${asked.anyScopeOf}:…`], held: link.scopes });
  }
  if (link.details === undefined || asked.scopes.length === 0) return null;
  return refusalByDetails(link.details, asked, who);
}

/** Null when one of the alternatives speaks of all scopes asked for and holds of the arguments. Rules §2.11. */
export function refusalByDetails(
  details: readonly Detail[],
  asked: Pick<Asked, 'scopes' | 'arguments'>,
  who: { readonly link: number; readonly actor: string },
): Denial | null {
  let argument: string | null = null;
  for (const detail of details) {
    if (!asked.scopes.every((scope) => anyScopeCovers(detail.actions, scope))) continue;
    const fault = argumentFault(detail, asked.arguments);
    if (fault === null) return null;
    argument = fault;
  }
  return denial('token.constraint_violated', { ...who, argument });
}
