// OPA's own server and compiler.

import { goInstalled } from './go-install.ts';
import type { Peer } from './peer.ts';

const version = '1.22.2';

export const opa: Peer = {
  name: 'OPA',
  shows: 'policy beside our own: REST server and wasm bundle of one Rego, which give one answer; a whole plane over it',
  tier: 2,
  tests: ['test/interop/opa.interop.ts', 'test/interop/opa-plane.interop.ts'],
  async open(millisLeft) {
    const built = goInstalled('github.com/open-policy-agent/opa', version, millisLeft);
    return 'absent' in built ? built : { version, env: { WRIT_INTEROP_OPA: built.program } };
  },
};
