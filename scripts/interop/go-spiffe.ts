// go-spiffe, the reference library: a program of ours over it.

import { goBuilt } from './go-build.ts';
import type { Peer } from './peer.ts';

export const goSpiffe: Peer = {
  name: 'go-spiffe',
  shows: 'Workload API, X.509-SVID and bundles as the reference library reads them',
  tier: 1,
  tests: ['test/interop/go-spiffe.interop.ts', 'test/interop/go-spiffe-federation.interop.ts'],
  async open() {
    const built = goBuilt('go-spiffe', 'github.com/spiffe/go-spiffe/v2', 'go-spiffe');
    return 'absent' in built ? built : { version: built.version, env: { WRIT_INTEROP_GO_SPIFFE: built.program } };
  },
};
