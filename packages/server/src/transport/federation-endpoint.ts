// Where partners fetch our bundle (SPIFFE Federation §5): one document over TLS under the gateway's SVID, for anybody (profile
// `https_spiffe`). What is in it is the authority's business.

import { constants } from 'node:crypto';
import { createServer } from 'node:https';
import { drainable, httpLimits, type ListenAddress, listen, serverOptions } from './tls-http.ts';
import type { TlsIdentity } from './tls-pem.ts';

export interface BundleEndpoint {
  listen(at: ListenAddress): Promise<ListenAddress>;
  setIdentity(identity: TlsIdentity): void;
  close(): Promise<void>;
}

const connectionsMax = 64;
const drainMillis = 1000;

export function createBundleEndpoint(options: {
  readonly identity: TlsIdentity;
  /** The document as it is now. */
  document(): object;
}): BundleEndpoint {
  const limits = { ...httpLimits, connectionsMax };
  const server = createServer({ ...serverOptions(limits), ...context(options.identity) }, (req, res) => {
    const path = (req.url ?? '/').split('?', 1)[0];
    const known = path === '/' || path === '/bundle.json';
    const status = !known ? 404 : req.method === 'GET' || req.method === 'HEAD' ? 200 : 405;
    const body = status === 200 ? JSON.stringify(options.document()) : '{}';
    res.writeHead(status, {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'cache-control': 'no-store',
      connection: 'close',
    });
    res.end(req.method === 'HEAD' ? undefined : body);
  });
  server.maxConnections = limits.connectionsMax;
  const close = drainable(server);
  return {
    listen: (at) => listen(server, at),
    setIdentity: (identity) => server.setSecureContext(context(identity)),
    close: () => close({ drainMillis }),
  };
}

function context(identity: TlsIdentity) {
  return {
    cert: identity.certPem,
    key: identity.keyPem,
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_TICKET,
  } as const;
}
