// What must hold inside one recorded decision, whoever wrote it: an allowed call passed all three checks, and no hop of
// its chain was wider than the one before. Given to `verifyAudit`; needs nothing but the record.

import { chainFromClaims, isJsonObject, type JsonObject, type JsonValue, widening } from '@writ/core';

interface RecordProblem {
  readonly code: string;
  readonly says: string;
}

export function checkDecision(record: JsonObject): readonly RecordProblem[] {
  if (record.outcome !== 'allow') return [];
  const skipped = skippedChecks(record.checks);
  if (skipped.length > 0) {
    return [{ code: 'decision.check_skipped', says: `it was allowed without having passed ${skipped.join(' and ')}` }];
  }
  const { act, task, wc, principal } = record;
  const claims = {
    sub: isJsonObject(principal) ? principal.id! : null,
    ...(act === null ? {} : { act: act! }),
    task: task!,
    wc: wc!,
  };
  const chain = chainFromClaims(claims);
  if (typeof chain === 'string')
    return [{ code: 'decision.chain_unreadable', says: `its chain cannot be read (${chain})` }];
  return chain.links.slice(1).flatMap((link, i) => {
    const wider = widening(link, chain.links[i]!, 1);
    if (wider === null) return [];
    return [
      {
        code: 'decision.chain_widened',
        says: `hop ${i + 1}, ${link.actor.sub}, is wider than the one before (${wider.code})`,
      },
    ];
  });
}

function skippedChecks(checks: JsonValue | undefined): readonly string[] {
  return ['transport', 'token', 'action'].filter((layer) => {
    const check = isJsonObject(checks) ? checks[layer] : undefined;
    return !isJsonObject(check) || check.verdict !== 'pass';
  });
}
