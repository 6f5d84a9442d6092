// The configuration as the authorization server reads it, and what it tells as the log keeps it.

import { readFileSync } from 'node:fs';
import type { JsonObject } from '@writ/core';
import type { AgentConfig, Config } from '../config/config.ts';
import type { Authority, TokenEvent } from '../token/ports.ts';
import type { Ground } from './ground.ts';
import { type Standing, spiffeIdOf } from './standing.ts';

/** Rules §2.7: a sub-agent's token lives five minutes at most. */
const lifeSecondsMax = 300;

export function authorityOf(config: Config, standing: Standing): Authority {
  return {
    ...standing,
    agents: new Map(
      [...config.agents].map(([path, { jwks }]) => [
        path,
        { spiffeId: spiffeIdOf(config.trustDomain, path), jwks: keysOf(jwks) },
      ]),
    ),
    clients: new Map(
      [...config.clients].map(([id, { redirectUris, bearer, jwks }]) => [
        id,
        { redirectUris, bearer, jwks: keysOf(jwks) },
      ]),
    ),
    tasks: config.tasks,
    addresses: new Map([...config.users].map(([user, { email }]) => [user, email === null ? [] : [email]])),
    lifeSecondsMax,
  };
}

function keysOf(jwks: AgentConfig['jwks']): readonly JsonObject[] {
  if (jwks === null) return [];
  if (jwks.kind === 'inline') return jwks.keys;
  const { keys } = JSON.parse(readFileSync(jwks.path, 'utf8')) as { keys?: unknown };
  if (!Array.isArray(keys))
    throw new Error(`\`${jwks.path}\` holds no key set: an object with \`keys\` is expected (RFC 7517 §5)`);
  return keys as JsonObject[];
}

/** Under the id the caller was told, so that `writ explain` finds it; of callers nobody knows the first few (rules §1.7). */
export async function recordTokenEvent(told: TokenEvent, { refusals, records }: Ground): Promise<void> {
  if (told.event === 'token.refused' && told.client === null) {
    if (refusals.countsStranger(told.code ?? told.error, told.source)) return;
  }
  const { event, id, ...members } = told;
  await records.event(event, members as unknown as JsonObject, id);
}
