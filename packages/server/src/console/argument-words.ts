// Where each argument of a question came from, in words for the person who answers it (rules §4, §3.8). The record knows decisions
// and pointers; people know servers, tools and the prompt.

import { isJsonObject, type JsonObject, type JsonValue, valueAt } from '@writ/core';
import type { DecisionSummary } from './ports.ts';

interface ArgumentInWords {
  /** JSON pointer. */
  readonly pointer: string;
  readonly value: JsonValue;
  readonly role: string;
  readonly level: number;
  readonly says: string;
  /** A person's word for it would count (rules §4.3): it is below 3, and no link inside a text. */
  readonly endorsable: boolean;
}

const ROLES: { readonly [role: string]: string } = {
  target: 'decides where it goes or what it touches',
  value: 'decides how much or which',
  date: 'decides when',
  payload: 'is content',
};

const LEVELS: readonly string[] = [
  'nobody vouches for it',
  'content from outside',
  'the word of the tool itself',
  'trusted',
  'the word of the person',
];

/** In the order in which the gate looked at them; an argument without provenance says so by being absent. */
export function argumentsInWords(
  { provenance, arguments: args }: { readonly provenance?: JsonObject; readonly arguments: JsonObject },
  decisionOf: (id: string) => DecisionSummary | null,
): readonly ArgumentInWords[] {
  return Object.entries(provenance ?? {}).flatMap(([pointer, found]) => {
    if (!isJsonObject(found) || typeof found.role !== 'string') return [];
    const { role, from, active } = found;
    const level = Number(found.level);
    const origins = Array.isArray(from) ? from.filter(isJsonObject) : [];
    const source = origins.length === 0 ? COMPOSED : originWords(origins[0]!, decisionOf);
    const links =
      active === undefined ? '' : `; links, addresses or numbers in it: ${LEVELS[Number(active)] ?? active}`;
    return [
      {
        pointer,
        value: valueAt(args, pointer) ?? null,
        role,
        level,
        says: `${ROLES[role] ?? role}; ${LEVELS[level] ?? level}: ${source}${links}`,
        endorsable: level < 3 && ROLES[role] !== undefined,
      },
    ];
  });
}

const COMPOSED = 'written by the agent, found as such in nothing it has read';

function originWords(origin: JsonObject, decisionOf: (id: string) => DecisionSummary | null): string {
  if ('prompt' in origin) return 'it stands in the prompt of the task';
  if ('root' in origin) return 'it is registered for the person';
  if ('endorsed' in origin) return 'a person vouched for it in this task';
  const { decision, pointer } = origin;
  const read = typeof decision === 'string' ? decisionOf(decision) : null;
  const where =
    read === null ? 'an earlier answer' : [read.server, read.name].filter((part) => part !== null).join('/');
  return `read from ${where}${typeof pointer === 'string' && pointer !== '' ? ` at ${pointer}` : ''}`;
}
