// Claims of a plane that ended between taking and recording (rules §6): burnt, never doubled, and written down at the next start.

import type { Ground } from './ground.ts';

const lookBackSeconds = 86_400;

export async function closeLostClaims({ store, index, records, clock }: Ground): Promise<void> {
  const taken = await store.claims.takenSince(clock.nowSeconds() - lookBackSeconds);
  const lost = [...new Set(taken.map(({ decision }) => decision))].filter((id) => index.decision(id) === null);
  for (const decision of lost) await records.event('claim.burnt', { decision });
}
