// The peers, in the order in which they are told. A new one is a line here and a file in test/interop.

import { npmPeer, type Peer, programPeer } from './peer.ts';
import { postgres } from './postgres.ts';

export const peers: readonly Peer[] = [
  postgres,
  programPeer('openssl s_client', ['openssl', 'version'], /OpenSSL (\S+)/, ['test/interop/openssl.interop.ts']),
  programPeer('curl', ['curl', '--version'], /curl (\S+)/, ['test/interop/curl.interop.ts']),
];
