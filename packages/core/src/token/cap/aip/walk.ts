// Steps V3 to V5 of AIP: depth, then a walk from the authority down in which no dimension may widen, then the delegations'
// contexts. On values, never on policy text: append-only signatures do not imply any of it. Draft -01 §3.3, -02 §4.

import { type AipLink, type AipLinks, type CapFault, capFault } from './link.ts';
import { anyPatternCovers } from './patterns.ts';

/** What the leaf may still do: each dimension as the nearest link has it that speaks of it. */
export interface Effective {
  readonly tools: readonly string[];
  readonly domains: readonly string[] | null;
  readonly budgetCents: number | null;
  readonly untilSeconds: number;
  readonly principal: string | null;
  readonly depthLeft: number;
}

/** The fault of the first step that finds one, else what is left at the leaf. */
export function walkLinks(links: AipLinks, nowSeconds: number): CapFault | Effective {
  const [root, ...rest] = links;
  if (root.tools === null || root.tools.length === 0) return malformed(0, 'the authority names no tools');
  if (root.untilSeconds === null) return malformed(0, 'the authority names no expiry');
  // Absent at the root is the least (rules §2.1), where the draft says three and its two references disagree.
  const depth = root.maxDepth ?? 0;
  if (depth < 0) return malformed(0, 'a depth below zero');
  if (rest.length > depth) return capFault('token.depth_exceeded', 'V3', depth + 1, { depth, links: rest.length });
  let effective: Effective = {
    tools: root.tools,
    domains: root.domains,
    budgetCents: root.budgetCents,
    untilSeconds: root.untilSeconds,
    principal: root.principal,
    depthLeft: depth - rest.length,
  };
  if (root.budgetCents !== null && root.budgetCents < 0) return capFault('token.budget_exceeded', 'V4', 0);
  if (nowSeconds >= root.untilSeconds) return expired(0, root.untilSeconds, nowSeconds);
  for (const [i, link] of rest.entries()) {
    const next = narrowed(link, effective, i + 1, nowSeconds);
    if ('denial' in next) return next;
    effective = next;
  }
  const blank = rest.findIndex(({ context }) => context === null || context.trim() === '');
  return blank === -1
    ? effective
    : capFault('token.malformed', 'V5', blank + 1, { why: 'a delegation without context' });
}

/** Step V4 for one delegation, dimension by dimension in the draft's order. */
function narrowed(link: AipLink, parent: Effective, block: number, nowSeconds: number): CapFault | Effective {
  const { tools, budgetCents, untilSeconds, domains, principal } = link;
  if (link.maxDepth !== null) return malformed(block, 'a delegation names a depth');
  if (tools?.length === 0 || domains?.length === 0) return malformed(block, 'an empty list');
  const tool = tools?.find((one) => !anyPatternCovers(parent.tools, one));
  if (tool !== undefined) return capFault('token.scope_widened', 'V4', block, { scope: tool });
  if (budgetCents !== null && (budgetCents < 0 || (parent.budgetCents !== null && budgetCents > parent.budgetCents)))
    return capFault('token.budget_exceeded', 'V4', block, { cents: budgetCents, parent: parent.budgetCents });
  if (untilSeconds !== null && untilSeconds > parent.untilSeconds)
    return capFault('token.expiry_widened', 'V4', block, { until: untilSeconds });
  if (untilSeconds !== null && nowSeconds >= untilSeconds) return expired(block, untilSeconds, nowSeconds);
  const domain = parent.domains && domains?.find((one) => !parent.domains!.includes(one));
  if (domain) return capFault('token.scope_widened', 'V4', block, { domain });
  // Naming somebody where the authority named nobody claims a person who never agreed.
  if (principal !== null && principal !== parent.principal) return malformed(block, 'another principal');
  return {
    tools: tools ?? parent.tools,
    domains: domains ?? parent.domains,
    budgetCents: budgetCents ?? parent.budgetCents,
    untilSeconds: untilSeconds ?? parent.untilSeconds,
    principal: parent.principal,
    depthLeft: parent.depthLeft,
  };
}

function malformed(block: number, why: string): CapFault {
  return capFault('token.malformed', 'V4', block, { why });
}

function expired(block: number, untilSeconds: number, nowSeconds: number): CapFault {
  return capFault('token.expired', 'V4', block, { until: untilSeconds, now: nowSeconds });
}
