// `writ status`: what the running plane says of itself.

import type { JsonObject, JsonValue } from '@writ/core';
import { findPlane } from './plane.ts';
import { table } from './terminal.ts';
import { planeOptions, verb } from './verb.ts';

export default verb({
  summary: 'what the running plane says of itself',
  options: planeOptions,
  async run({ args, terminal, channels }) {
    const status = await findPlane({ ...args, env: channels.env }).read('status');
    terminal.answer(status, () => table(rowsOf(status)));
    return 0;
  },
});

/** Nested members as dotted names. */
function rowsOf(value: JsonObject, prefix = ''): string[][] {
  return Object.entries(value).flatMap(([name, member]) => {
    if (member !== null && typeof member === 'object' && !Array.isArray(member)) {
      return rowsOf(member as JsonObject, `${prefix}${name}.`);
    }
    return [[`${prefix}${name}`, shown(member)]];
  });
}

function shown(value: JsonValue): string {
  if (value === null) return '-';
  if (Array.isArray(value)) return value.map((one) => shown(one as JsonValue)).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
