// For tests of this folder: who holds a value, found by looking at every field in turn, as rules §3.8 tells it. Slow and plain.

import { type EchoMemory, echoCap } from './echo.ts';
import type { Field, Held, Source } from './evidence.ts';
import { higher, type Level, lower } from './levels.ts';
import { finderOf } from './tokens.ts';
import { type Scalar, typedKey, type ValueType, valueKey } from './typed-value.ts';

interface Sought {
  readonly type: ValueType;
  readonly value: Scalar;
}

export function plainlyHeld(fields: readonly Field[], { type, value }: Sought, echoes: EchoMemory): Held | null {
  const find = finderOf(type, value);
  return plainBest(fields, value, echoes, (field) => {
    if (valueKey(type, field.value) === valueKey(type, value))
      return field.handle === null ? field.text : higher(field.handle, field.text);
    return typeof field.value === 'string' && find(field.searched) >= 0 ? field.text : null;
  });
}

export function plainHandle(
  fields: readonly Field[],
  { type, value }: Sought,
  server: string,
  echoes: EchoMemory,
): Held | null {
  return plainBest(fields, value, echoes, (field) =>
    field.server === server && valueKey(type, field.value) === valueKey(type, value) ? field.handle : null,
  );
}

export function plainlyReturned(
  fields: readonly Field[],
  server: string,
  value: Scalar,
  echoes: EchoMemory,
): Level | null {
  const own = fields.filter((field) => field.server === server);
  const levels = (['text', 'url', 'email', 'iban'] as const)
    .filter((type) => typedKey(type, value) !== null)
    .map((type) => plainlyHeld(own, { type, value }, echoes)?.level)
    .filter((level) => level !== undefined);
  return levels.length === 0 ? null : levels.reduce(higher);
}

function plainBest(
  fields: readonly Field[],
  value: Scalar,
  echoes: EchoMemory,
  levelIn: (field: Field) => Level | null,
): Held | null {
  const hits = fields.flatMap((field): readonly (Source & { readonly level: Level })[] => {
    const own = levelIn(field);
    if (own === null) return [];
    const { ref, pointer } = field;
    return [{ ref, pointer, level: lower(own, echoCap(echoes, field.server, value) ?? own) }];
  });
  if (hits.length === 0) return null;
  const best = hits.map(({ level }) => level).reduce(higher);
  const from = hits.filter(({ level }) => level === best).slice(0, 8);
  return { level: best, from: from.map(({ ref, pointer }) => ({ ref, pointer })) };
}
