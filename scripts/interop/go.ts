// Go's own reader of transparency logs: a program of ours over it.

import { goBuilt } from './go-build.ts';
import type { Peer } from './peer.ts';

export const goLog: Peer = {
  name: 'Go sumdb note+tlog',
  shows: 'audit log: checkpoints, tiles and proofs read by Go’s own implementation',
  tier: 1,
  tests: ['test/interop/go-log.interop.ts'],
  async open() {
    const built = goBuilt('go', 'golang.org/x/mod', 'verify-log');
    return 'absent' in built ? built : { version: built.version, env: { WRIT_INTEROP_VERIFY_LOG: built.program } };
  },
};
