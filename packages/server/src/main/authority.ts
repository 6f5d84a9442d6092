// The configuration as the authorization server reads it.

import type { Config } from '../config/config.ts';
import type { Authority } from '../token/ports.ts';
import { type Standing, spiffeIdOf } from './standing.ts';

/** Rules §2.7: a sub-agent's token lives five minutes at most. */
const lifeSecondsMax = 300;

export function authorityOf(config: Config, standing: Standing): Authority {
  return {
    ...standing,
    agents: new Map(
      [...config.agents].map(([path, { jwks }]) => [
        path,
        { spiffeId: spiffeIdOf(config.trustDomain, path), jwks: jwks?.kind === 'inline' ? jwks.keys : [] },
      ]),
    ),
    clients: new Map(
      [...config.clients].map(([id, { redirectUris, bearer }]) => [id, { redirectUris, bearer, jwks: [] }]),
    ),
    tasks: config.tasks,
    lifeSecondsMax,
  };
}
