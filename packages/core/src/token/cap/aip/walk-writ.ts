// Step V4 for the dimensions that AIP has no word for: no delegation widens arguments, budget or ceiling, and none may speak of what
// only the root says (task, ancestors, who holds the authority). Rules §2.1, §2.11, §3.1.

import type { Level } from '../../chain.ts';
import { detailsContained } from '../../narrower.ts';
import { type AipLinks, type CapFault, capFault, type WritDimensions } from './link.ts';

/** Absent at the root is the least trust that text of it may have. Rules §2.1. */
export const ceilingOfNone: Level = 1;

const ROOT_ONLY = ['task', 'holder', 'ancestors', 'row'] as const satisfies readonly (keyof WritDimensions)[];

export function walkWritDimensions(links: AipLinks): CapFault | null {
  const [root, ...rest] = links;
  let { details, budget, ceiling = ceilingOfNone, audience } = root.writ;
  for (const [i, { writ }] of rest.entries()) {
    const block = i + 1;
    const own = ROOT_ONLY.find((name) => writ[name] !== undefined);
    if (own === 'task') return capFault('token.wrong_task', 'V4', block, { task: writ.task! });
    if (own) return capFault('token.malformed', 'V4', block, { why: `only the authority says \`${own}\`` });
    if (!detailsContained(writ.details, details)) return capFault('token.constraint_widened', 'V4', block);
    const raised = writ.budget?.find(({ unit, max }) =>
      budget?.some((outer) => outer.unit === unit && max > outer.max),
    );
    if (raised) return capFault('token.constraint_widened', 'V4', block, { unit: raised.unit });
    if (writ.ceiling !== undefined && writ.ceiling > ceiling)
      return capFault('token.scope_widened', 'V4', block, { ceiling: writ.ceiling });
    // An audience has no order: once named it stays. Rules §2.4.
    if (audience !== undefined && writ.audience !== undefined && writ.audience !== audience)
      return capFault('token.wrong_audience', 'V4', block, { audience: writ.audience });
    details = writ.details ?? details;
    budget = [
      ...(writ.budget ?? []),
      ...(budget ?? []).filter(({ unit }) => !writ.budget?.some((one) => one.unit === unit)),
    ];
    ceiling = writ.ceiling ?? ceiling;
    audience = writ.audience ?? audience;
  }
  return null;
}
