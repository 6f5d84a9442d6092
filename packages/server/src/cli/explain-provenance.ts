// Where the arguments of a call came from, for people (rules §3.3, §3.8): the least trusted first, since that is what decided.

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { table, visible } from './terminal.ts';

const LEVELS = ['nobody knows', 'somebody outside', 'a tool', 'the system', 'the person’s own words'] as const;
const ROLES: { readonly [role: string]: string } = { target: 'goes to', value: 'value', date: 'date', payload: 'says' };

/** Lines without indentation of their own; none where nothing was judged. */
export function provenanceLines(decision: JsonObject): readonly string[] {
  const args = isJsonObject(decision.arguments) ? decision.arguments : {};
  const provenance = isJsonObject(args.provenance) ? Object.entries(args.provenance) : [];
  const rows = provenance
    .flatMap(([pointer, one]) =>
      isJsonObject(one) && typeof one.level === 'number' ? [{ pointer, one, level: one.level }] : [],
    )
    .toSorted((a, b) => a.level - b.level)
    .map(({ pointer, one, level }) => [
      pointer === '' ? `${one.more} more` : visible(pointer),
      ROLES[String(one.role)] ?? '',
      `${level} ${LEVELS[level] ?? ''}`,
      pointer === '' ? '' : fromWhere(one.from),
    ]);
  return [...(rows.length === 0 ? [] : table(rows).split('\n')), ...floorLine(decision.floor)];
}

function fromWhere(from: JsonValue | undefined): string {
  const [first, ...more] = (Array.isArray(from) ? (from as readonly JsonValue[]) : []).filter(isJsonObject);
  if (!first) return 'put together by the agent';
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  if (first.root === true) return 'registered for the person';
  if (typeof first.prompt === 'number') return 'in the prompt';
  return visible(
    `from decision ${first.decision} at ${first.pointer === '' ? 'the whole answer' : first.pointer}${others}`,
  );
}

function floorLine(floor: JsonValue | undefined): readonly string[] {
  if (!isJsonObject(floor) || typeof floor.used !== 'number') return [];
  const { used, task, residue } = floor;
  const because =
    typeof residue === 'number' && typeof task === 'number' && residue < task
      ? 'what the agent remembers from before'
      : 'what the task has read';
  return [`the worst of ${because}: ${used} ${LEVELS[used] ?? ''}`];
}
