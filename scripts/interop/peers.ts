// The peers, in the order in which they are told. A new one is a line here and a file in test/interop.

import { aip } from './aip.ts';
import { envoy } from './envoy.ts';
import { goLog } from './go.ts';
import { goSpiffe } from './go-spiffe.ts';
import { opa } from './opa.ts';
import { openfga } from './openfga.ts';
import { npmPeer, type Peer, programPeer } from './peer.ts';
import { postgres } from './postgres.ts';
import { pythonSpiffe } from './python-spiffe.ts';
import { spire } from './spire.ts';
import { vault } from './vault.ts';

export const peers: readonly Peer[] = [
  postgres,
  programPeer(
    'openssl s_client',
    'TLS listener: accepts good SVIDs, refuses every bad one, resumes nothing',
    ['openssl', 'version'],
    /OpenSSL (\S+)/,
    ['test/interop/openssl.interop.ts'],
  ),
  programPeer(
    'curl',
    'a whole call with nothing but SVID files: continuation, token exchange, tool',
    ['curl', '--version'],
    /curl (\S+)/,
    ['test/interop/curl.interop.ts'],
  ),
  npmPeer('@modelcontextprotocol/sdk', 'MCP 2025-11-25: stock client through the gateway', [
    'test/interop/mcp-v1.interop.ts',
  ]),
  npmPeer('@modelcontextprotocol/client', 'MCP 2026-07-28: stock client through the gateway', [
    'test/interop/mcp-v2.interop.ts',
  ]),
  npmPeer('@a2a-js/sdk', 'A2A 1.0: stock client and server on either side', ['test/interop/a2a.interop.ts']),
  npmPeer('oauth4webapi', 'OAuth 2.1, RFC 8414, 8693, 9449, 9728 as a strict client reads them', [
    'test/interop/oauth4webapi.interop.ts',
  ]),
  npmPeer('openid-client', 'the same with a second client: discovery, code with PKCE, device flow', [
    'test/interop/openid-client.interop.ts',
  ]),
  goLog,
  goSpiffe,
  pythonSpiffe,
  aip,
  envoy,
  vault,
  opa,
  openfga,
  spire,
];
