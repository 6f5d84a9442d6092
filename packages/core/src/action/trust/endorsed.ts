// A person's word for one value: in that role, at that server, in that task it counts as level 3, and nothing else changes (rules §4.3).

import type { Knowledge, Provenance } from './provenance.ts';
import type { ArgumentLeaf } from './roles.ts';
import { valueKey } from './typed-value.ts';

/** What is endorsed. The same value written otherwise is the same; in another role it is another. */
export function endorsementKey(server: string, { role, type, value }: Pick<ArgumentLeaf, 'role' | 'type' | 'value'>) {
  return JSON.stringify([server, role, type, valueKey(type, value)]);
}

export function withEndorsement(found: Provenance, leaf: ArgumentLeaf, known: Knowledge): Provenance {
  if (found.level >= 3 || !known.endorsed?.(endorsementKey(known.server, leaf))) return found;
  return { level: 3, from: [{ endorsed: true }, ...found.from] };
}
