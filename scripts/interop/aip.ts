// The Python reference of AIP, in a virtual environment of its own in the cache.

import type { Peer } from './peer.ts';
import { imports, pythonVenv } from './python-venv.ts';

const version = '0.6.0';
// The oracle of its chained form, which it only asks for as an extra.
const packages = [`agent-identity-protocol==${version}`, 'biscuit-python==0.4.0', 'pymacaroons==0.13.0'];

export const aip: Peer = {
  name: 'agent-identity-protocol',
  shows: 'capability tokens: compact and chained AIP read and written both ways',
  tier: 2,
  tests: ['test/interop/aip.interop.ts'],
  async open() {
    const venv = pythonVenv(`aip-${version}`, packages, imports('aip_token', 'biscuit_auth', 'pymacaroons'));
    return 'absent' in venv ? venv : { version, env: { WRIT_INTEROP_AIP_PYTHON: venv.python } };
  },
};
