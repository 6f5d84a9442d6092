// The plane's doors: mTLS for agents, OAuth for clients without an SVID, and the admin address. Opened before anything else can
// be named by URL, so a request that comes early is told to come back.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Denial, PeerOnWire, SpiffeId } from '@writ/core';
import type { Config } from '../config/config.ts';
import { answerJson } from '../gateway/http-io.ts';
import type { SvidWithKey } from '../transport/ca.ts';
import { createMtlsListener, type MtlsListener } from '../transport/mtls-listener.ts';
import { httpLimits, listen, serverOptions } from '../transport/tls-http.ts';
import { tlsIdentity } from '../transport/tls-pem.ts';
import { createTlsServer } from '../transport/tls-server.ts';
import { openTrustStore } from '../transport/trust-store.ts';
import type { Identities } from './identities.ts';
import { keepPorts, listenKept, readPorts } from './ports.ts';
import type { Bases } from './standing.ts';

type GatewayHandler = (req: IncomingMessage, res: ServerResponse, peer: PeerOnWire) => void;
type AdminHandler = (req: IncomingMessage, res: ServerResponse) => void;

export interface ListenerDeps {
  readonly config: Config;
  readonly dataDir: string;
  readonly clock: { nowSeconds(): number; nowMillis(): number };
  readonly identities: Identities;
  readonly gatewaySvid: SvidWithKey;
  /** The gateway's SVID was renewed. */
  onRenewed(svid: SvidWithKey): void;
  /** Of `mtls` once per connection, of `oauth` before every request. */
  admit(peer: PeerOnWire): Denial | null;
  onRefused(refused: Denial, info: { readonly source: string; readonly peer: SpiffeId | null }): void;
}

export interface Listeners {
  readonly mtls: MtlsListener;
  readonly bases: Bases;
  /** Base URLs of the listen addresses, whatever the public ones are. */
  readonly addresses: { readonly mtls: string; readonly oauth: string; readonly admin: string };
  /** From now on requests are served. */
  open(gateway: GatewayHandler, admin: AdminHandler, issuer: AdminHandler): void;
  close(drainMillis: number): Promise<void>;
}

export async function openListeners(deps: ListenerDeps): Promise<Listeners> {
  const { config, dataDir, clock, identities } = deps;
  const notNow = (_req: IncomingMessage, res: ServerResponse) =>
    answerJson(res, 503, { error: 'temporarily_unavailable' }, { 'retry-after': '1' });
  let gateway: GatewayHandler = notNow;
  let admin: AdminHandler = notNow;
  let issuer: AdminHandler = notNow;
  const trustStore = await openTrustStore();
  const trust = await trustStore.caList(new Map([[config.trustDomain, identities.authority.bundle()]]));
  const mtls = createMtlsListener({
    svid: tlsIdentity(deps.gatewaySvid),
    trust,
    clock,
    admit: deps.admit,
    handler: (req, res, peer) => gateway(req, res, identities.sidecars.told(peer)),
    onRefused: deps.onRefused,
    boundaryOf: (spiffeId) => identities.boundaryOf(spiffeId),
  });
  const oauth = createTlsServer({
    tls: null,
    handler(req, res, peer) {
      const refused = deps.admit(peer);
      if (refused === null) return gateway(req, res, peer);
      deps.onRefused(refused, { source: req.socket.remoteAddress ?? 'unknown', peer: null });
      notNow(req, res);
    },
    onRefused: deps.onRefused,
  });
  const adminServer = plainServer((req, res) => admin(req, res));
  const issuerServer = config.listen.issuer ? plainServer((req, res) => issuer(req, res)) : null;

  const kept = readPorts(dataDir);
  const at = {
    mtls: await listenKept(config.listen.mtls, kept.mtls, (to) => mtls.listen(to)),
    oauth: await listenKept(config.listen.oauth, kept.oauth, (to) => oauth.listen(to)),
    admin: await listenKept(config.listen.admin, kept.admin, (to) => listen(adminServer, to)),
    issuer: config.listen.issuer
      ? await listenKept(config.listen.issuer, kept.issuer, (to) => listen(issuerServer!, to))
      : null,
  };
  keepPorts(dataDir, {
    mtls: at.mtls.port,
    oauth: at.oauth.port,
    admin: at.admin.port,
    ...(at.issuer ? { issuer: at.issuer.port } : {}),
  });
  const renewal = renewGateway(deps, (svid) => {
    mtls.setSvid(tlsIdentity(svid));
    deps.onRenewed(svid);
  });
  const addresses = { mtls: urlOf('https', at.mtls), oauth: urlOf('http', at.oauth), admin: urlOf('http', at.admin) };
  return {
    mtls,
    addresses,
    bases: {
      mtls: config.external.mtls ?? addresses.mtls,
      oauth: config.external.oauth ?? addresses.oauth,
      issuer: config.external.issuer ?? (at.issuer ? urlOf('http', at.issuer) : addresses.admin),
    },
    open(forGateway, forAdmin, forIssuer) {
      gateway = forGateway;
      admin = forAdmin;
      issuer = forIssuer;
    },
    async close(drainMillis) {
      clearInterval(renewal);
      await Promise.all([
        mtls.close({ drainMillis }),
        oauth.close({ drainMillis }),
        closed(adminServer),
        issuerServer && closed(issuerServer),
      ]);
    },
  };
}

/** At half of its life the gateway's SVID is replaced; live connections keep the old one until they end. */
function renewGateway({ config, clock, identities }: ListenerDeps, renewed: (svid: SvidWithKey) => void) {
  const halfLife = config.identity.ttlSeconds / 2;
  let renewSeconds = clock.nowSeconds() + halfLife;
  const timer = setInterval(() => {
    if (clock.nowSeconds() < renewSeconds) return;
    renewSeconds = clock.nowSeconds() + halfLife;
    identities.mintGateway().then(renewed, () => {
      renewSeconds = clock.nowSeconds() + 5; // what is held stays good; tried again soon
    });
  }, 1000);
  timer.unref();
  return timer;
}

function plainServer(handler: AdminHandler): Server {
  return createServer(serverOptions(httpLimits), handler);
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function urlOf(scheme: 'http' | 'https', { host, port }: { readonly host: string; readonly port: number }): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
