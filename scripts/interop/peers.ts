// The peers, in the order in which they are told. A new one is a line here and a file in test/interop.

import { goLog } from './go.ts';
import { npmPeer, type Peer, programPeer } from './peer.ts';
import { postgres } from './postgres.ts';

export const peers: readonly Peer[] = [
  postgres,
  programPeer('openssl s_client', ['openssl', 'version'], /OpenSSL (\S+)/, ['test/interop/openssl.interop.ts']),
  programPeer('curl', ['curl', '--version'], /curl (\S+)/, ['test/interop/curl.interop.ts']),
  npmPeer('@modelcontextprotocol/sdk', ['test/interop/mcp-v1.interop.ts']),
  npmPeer('@modelcontextprotocol/client', ['test/interop/mcp-v2.interop.ts']),
  npmPeer('@a2a-js/sdk', ['test/interop/a2a.interop.ts']),
  npmPeer('oauth4webapi', ['test/interop/oauth4webapi.interop.ts']),
  npmPeer('openid-client', ['test/interop/openid-client.interop.ts']),
  goLog,
];
