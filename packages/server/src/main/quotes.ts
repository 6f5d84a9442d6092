// The prompt of a task as callees get it: signed by the plane, naming task, root, origin and end (rules §3.2).

import { type JsonObject, TYP, toBase64Url, utf8 } from '@writ/core';
import type { Store } from '../store/store.ts';
import type { SigningKey } from '../token/keys.ts';

/** The quote of a task, or null for one without a prompt. Made once, since neither prompt nor end of a task change. */
export function createQuotes(store: Store, key: SigningKey, issuer: string): (task: string) => Promise<string | null> {
  const made = new Map<string, string | null>();
  const keptMax = 10_000;
  return async (task) => {
    const kept = made.get(task);
    if (kept !== undefined) return kept;
    const row = await store.db.selectFrom('tasks').selectAll().where('id', '=', task).executeTakeFirst();
    const quote =
      row?.prompt == null
        ? null
        : sign(key, {
            iss: issuer,
            task,
            root: { iss: row.root_iss, sub: row.root_sub },
            origin: row.origin,
            exp: row.until_seconds,
            prompt: row.prompt,
          });
    if (made.size >= keptMax) made.delete(made.keys().next().value!);
    made.set(task, quote);
    return quote;
  };
}

function sign(key: SigningKey, claims: JsonObject): string {
  const head = toBase64Url(utf8(JSON.stringify({ alg: key.alg, typ: TYP.quote, kid: key.kid })));
  const input = `${head}.${toBase64Url(utf8(JSON.stringify(claims)))}`;
  return `${input}.${toBase64Url(key.sign(utf8(input)))}`;
}
