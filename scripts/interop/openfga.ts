// OpenFGA, whose AuthZEN API is a decision point that somebody else wrote.

import { goInstalled } from './go-install.ts';
import type { Peer } from './peer.ts';

const version = '1.22.1';

export const openfga: Peer = {
  name: 'OpenFGA',
  shows: 'AuthZEN 1.0 as client: evaluation with subject, action, resource and the facts of the chain in `context`',
  tier: 2,
  tests: ['test/interop/openfga.interop.ts'],
  async open(millisLeft) {
    const built = goInstalled('github.com/openfga/openfga/cmd/openfga', version, millisLeft);
    return 'absent' in built ? built : { version, env: { WRIT_INTEROP_OPENFGA: built.program } };
  },
};
