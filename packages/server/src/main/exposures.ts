// Where a secret of the broker was seen and should not have been (rules §3.11, §7.6): in an argument, which is refused, or in an
// answer, which is withheld when the secret is the answering server's own and masked when it is another's, by a text that stands for it in
// that task. Both are recorded, and the credential is listed for rotation.

import type { JsonObject, JsonValue } from '@writ/core';
import type { Notes } from '../action/broker/notes.ts';
import type { Placeholders } from '../action/broker/placeholders.ts';
import type { Secrets } from '../action/secrets.ts';

export interface Exposures {
  contains(text: string): boolean;
  /** Notes whose secrets stand there: once per decision and credential. */
  seen(texts: readonly string[], on: Seen): void;
  /** The answer with other servers' secrets masked; null: it holds one of this server's own, and nobody may have it. */
  shown(value: JsonObject, on: Seen & { readonly task: string }): JsonObject | null;
}

export interface Seen {
  readonly server: string;
  readonly decision: string;
}

const rememberedMax = 1000;

export function createExposures(ports: {
  readonly secrets: Pick<Secrets, 'contains' | 'namesIn' | 'masked'>;
  readonly notes: Pick<Notes, 'exposed'>;
  namesOf(server: string): ReadonlySet<string>;
  readonly placeholders: Pick<Placeholders, 'issue'>;
  event(name: string, members: JsonObject): void;
}): Exposures {
  const { secrets, notes } = ports;
  const told = new Set<string>();
  const tell = (names: readonly string[], { server, decision }: Seen): void => {
    for (const credential of names) {
      const key = JSON.stringify([credential, decision]);
      if (told.has(key)) continue;
      told.add(key);
      if (told.size > rememberedMax) told.delete(told.keys().next().value!);
      notes.exposed(credential, server);
      ports.event('credential.exposed', { credential, server, decision });
    }
  };

  return {
    contains: (text) => secrets.contains(text),
    seen(texts, on) {
      tell([...new Set(texts.flatMap((text) => secrets.namesIn(text)))], on);
    },
    shown(value, on) {
      const names = secrets.namesIn(JSON.stringify(value));
      tell(names, on);
      const own = ports.namesOf(on.server);
      if (names.some((name) => own.has(name))) return null;
      const signOf = (name: string) => ports.placeholders.issue(on.task, name);
      const masked = maskedIn(value, (text) => secrets.masked(text, signOf)) as JsonObject;
      // What is spread over several strings cannot be cut out of any of them.
      return secrets.contains(JSON.stringify(masked)) ? null : masked;
    },
  };
}

function maskedIn(value: JsonValue, masked: (text: string) => string): JsonValue {
  if (typeof value === 'string') return masked(value);
  if (Array.isArray(value)) return value.map((one) => maskedIn(one, masked));
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value as JsonObject);
  return Object.fromEntries(members.map(([name, one]) => [masked(name), maskedIn(one, masked)]));
}
