// The Python client of the Workload API, in a virtual environment of its own in the cache.

import type { Peer } from './peer.ts';
import { imports, pythonVenv } from './python-venv.ts';

const version = '0.3.2';

export const pythonSpiffe: Peer = {
  name: 'spiffe (Python)',
  shows: 'Workload API: a third client follows rotations, fetches and checks JWT-SVIDs',
  tier: 2,
  tests: ['test/interop/python-spiffe.interop.ts'],
  async open() {
    const venv = pythonVenv(`spiffe-${version}`, [`spiffe==${version}`], imports('spiffe'));
    return 'absent' in venv ? venv : { version, env: { WRIT_INTEROP_SPIFFE_PYTHON: venv.python } };
  },
};
