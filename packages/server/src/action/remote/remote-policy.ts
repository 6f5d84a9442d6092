// The plane's policy and another engine's verdict, both of which have to say yes. Pure: the verdict was fetched before, and is a
// constant here (design D7). It can only take away: it permits nothing that the plane's own policy does not permit.

import type { Policy, PolicyAnswer, PolicyRequest } from '@writ/core';
import { aboutOf } from './question.ts';
import type { RemoteVerdict } from './verdict.ts';

/**
 * `version` stays the plane's own: the verdict is about one call and stands beside it among the versions of the world
 * (`versionOf`). Lists are filtered by the plane's policy alone, since showing is not permitting.
 */
export function remotePolicy(base: Policy, told: RemoteVerdict): Policy {
  return {
    version: base.version,
    definition: (target) => base.definition(target),
    couldPermit: (asker, target) => base.couldPermit(asker, target),
    evaluate(request) {
      const own = base.evaluate(request);
      // A no of ours needs no second opinion, and its reason is the better one.
      if (['forbid', 'error', 'unreachable'].includes(own.outcome) || own.errors.length > 0) return own;
      return joined(own, request, told);
    },
  };
}

function joined(own: PolicyAnswer, request: PolicyRequest, told: RemoteVerdict): PolicyAnswer {
  const id = `remote:${told.engine}`;
  if (told.about !== aboutOf(request)) {
    return { outcome: 'error', determining: [id], errors: [`\`${told.engine}\` was asked about another call`] };
  }
  switch (told.verdict) {
    case 'deny':
      return { outcome: 'forbid', determining: [id], errors: [] };
    case 'none':
      return {
        outcome: 'unreachable',
        determining: [id],
        errors: [`\`${told.engine}\` gave no answer that counts: ${told.cause}`],
      };
    case 'permit':
      // `determining` of an approval names the rules that ask a person; this one asks nobody.
      return own.outcome === 'permit' ? { ...own, determining: [...own.determining, id] } : own;
  }
}
