// AIP links to the one chain that all encodings share (rules §2.1): root first, the accountable principal above the authority, one
// link for each party. What is absent at the root is the least; what cannot be said in the chain's words is refused, never dropped.

import { type Denial, denial } from '../../../denial.ts';
import type { Budget, Chain, Level, Link, Principal } from '../../chain.ts';
import { parseScope } from '../../scope.ts';
import type { CapabilityRoot, CapWorld, KeyRow } from '../world.ts';
import { holderOf } from './delegators.ts';
import type { AipLink } from './link.ts';
import { isPrefix } from './patterns.ts';
import type { GenuineLinks } from './roots.ts';
import { ceilingOfNone } from './walk-writ.ts';

/** AIP's name for what a tool is called where the token is used. */
const TOOL = 'tool:';
/** AIP counts cents of one currency. */
const CENTS = 'USD';

/** What every step of the way needs. */
interface Ground {
  readonly genuine: GenuineLinks;
  readonly root: CapabilityRoot;
  readonly world: CapWorld;
  readonly nowSeconds: number;
}

export function chainOfLinks(
  genuine: GenuineLinks,
  root: CapabilityRoot,
  world: CapWorld,
  nowSeconds: number,
): Chain | Denial {
  const ground = { genuine, root, world, nowSeconds };
  const [first, ...rest] = genuine.links;
  const { writ } = first;
  const claimed = (['task', 'ancestors', 'row', 'ceiling'] as const).find((name) => writ[name] !== undefined);
  if (claimed && !root.own)
    return denial('token.restriction_unknown', { why: `\`${claimed}\` is the plane's own to say` });
  const authority = firstLink(first, ground);
  if ('code' in authority) return authority;
  // A JSON link names its issuer and its holder; a Biscuit's authority is held by whoever issued it.
  const issuer: readonly Link[] =
    first.delegate === null ? [] : [raised(authority, principalOf(first.issuer, ground), authority.depth + 1)];
  const above = writ.ancestors ?? accountableLink(first, authority, issuer.length, root);
  if ('code' in above) return above;
  const all: Link[] = [...above, ...issuer, authority];
  for (const [i, link] of rest.entries()) {
    const next = childLink(link, all[all.length - 1]!, i + 1, ground);
    if ('code' in next) return next;
    all.push(next);
  }
  const [top, ...others] = all as [Link, ...Link[]];
  return { task: writ.task ?? `cap_${genuine.blockIds[0]!.slice(0, 32)}`, links: [top, ...others] };
}

/** The same share in the hands of whoever gave it, before it was given. Budgets are debited below. */
function raised(link: Link, actor: Principal, depth: number): Link {
  return { ...link, actor, depth, budget: [] };
}

/** The accountable principal of a root that is not the plane's: named by the token, or by the configuration. */
function accountableLink(
  first: AipLink,
  authority: Link,
  between: number,
  root: CapabilityRoot,
): readonly Link[] | Denial {
  const named = first.principal === null ? root.accountable : root.principals.get(first.principal);
  if (named === undefined) return denial('token.issuer_unknown', { principal: first.principal, root: root.id });
  if (named === null) return denial('token.no_mandate', { root: root.id });
  return [raised(authority, named, authority.depth + between + 1)];
}

function firstLink(first: AipLink, ground: Ground): Link | Denial {
  const { root, genuine } = ground;
  const { tools, untilSeconds, maxDepth, writ } = first;
  const audience = writ.audience ?? root.endpoint;
  if (audience === null) return denial('token.wrong_audience', { audience: null, root: root.id });
  const scopes = scopesOf(tools ?? [], audience, ground);
  if ('code' in scopes) return scopes;
  return {
    actor: principalOf(holderOf(first), ground),
    audience,
    scopes,
    ...(writ.details ? { details: writ.details } : {}),
    budget: budgetsOf(first),
    depth: maxDepth ?? 0,
    // The walk has refused an authority without end.
    untilSeconds: untilSeconds ?? 0,
    ceiling: writ.ceiling ?? ceilingOfNone,
    ...(writ.purpose === undefined ? {} : { purpose: writ.purpose }),
    row: writ.row ?? genuine.blockIds[0]!,
  };
}

function childLink(link: AipLink, parent: Link, index: number, ground: Ground): Link | Denial {
  const { writ } = link;
  const audience = writ.audience ?? parent.audience;
  const scopes = link.tools === null ? parent.scopes : scopesOf(link.tools, audience, ground);
  if ('code' in scopes) return scopes;
  const details = writ.details ?? parent.details;
  const { purpose: _of, details: _held, ...inherited } = parent;
  return {
    ...inherited,
    actor: principalOf(holderOf(link), ground),
    audience,
    scopes,
    ...(details ? { details } : {}),
    budget: budgetsOf(link),
    depth: Math.max(0, parent.depth - 1),
    untilSeconds: link.untilSeconds ?? parent.untilSeconds,
    ceiling: Math.min(writ.ceiling ?? parent.ceiling, parent.ceiling) as Level,
    ...(link.context === null ? {} : { purpose: link.context.slice(0, 200) }),
    row: ground.genuine.blockIds[index]!,
  };
}

function budgetsOf({ budgetCents, writ }: AipLink): readonly Budget[] {
  return [...(budgetCents === null ? [] : [{ unit: CENTS, max: budgetCents }]), ...(writ.budget ?? [])];
}

/** Who an AIP id is here: the agent of its row, or a party that only the root vouches for. Rules §2.2, §2.14. */
function principalOf(id: string, { genuine, world, nowSeconds }: Ground): Principal {
  return liveRow(world.rows.get(id), nowSeconds)?.principal ?? { iss: genuine.links[0].issuer, sub: id };
}

export function liveRow(row: KeyRow | undefined, nowSeconds: number): KeyRow | null {
  return row && nowSeconds < row.untilSeconds ? row : null;
}

/**
 * AIP's tools as scopes: `tool:x` is `x` of the callee where the token is used. A prefix that does not end on a boundary, or stands
 * alone, is written out as the reviewed tools it covers, or refused. Rules §2.10.
 */
function scopesOf(tools: readonly string[], audience: string, { root, world }: Ground): readonly string[] | Denial {
  const key = world.resources.get(audience)?.key;
  const scopes: string[] = [];
  for (const tool of tools) {
    const named = !root.own && tool.startsWith(TOOL) && key !== undefined ? `${key}:${tool.slice(TOOL.length)}` : tool;
    if (parseScope(named)) scopes.push(named);
    else if (isPrefix(named) && key !== undefined && world.tools.has(key)) {
      const prefix = named.slice(0, -1);
      scopes.push(
        ...world.tools
          .get(key)!
          .map((name) => `${key}:${name}`)
          .filter((scope) => scope.startsWith(prefix)),
      );
    } else return denial('token.not_expressible', { scope: tool.slice(0, 100) });
  }
  return [...new Set(scopes)];
}
