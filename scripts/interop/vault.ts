// OpenBao or HashiCorp Vault as it is installed here, with a private PostgreSQL for its database secrets engine. Neither is in the
// package registries, so a machine that has none goes without, and its tests run against vault.fixture.ts of the action room alone.

import { type Peer, versionOf } from './peer.ts';
import { postgres } from './postgres.ts';

export const vault: Peer = {
  name: 'OpenBao or Vault',
  shows: 'broker: KV and database secrets, leases revoked with their task',
  tier: 2,
  tests: ['test/interop/vault.interop.ts'],
  async open() {
    const named = process.env.WRIT_INTEROP_VAULT;
    for (const program of named ? [named] : ['bao', 'vault']) {
      const version = versionOf([program, 'version'], /v(\d\S*)/);
      if (version === null) continue;
      const database = await postgres.open();
      if ('absent' in database) return database;
      return { ...database, version, env: { ...database.env, WRIT_INTEROP_VAULT: program } };
    }
    return { absent: 'no `bao` or `vault` on the PATH; install either, or name one in WRIT_INTEROP_VAULT' };
  },
};
