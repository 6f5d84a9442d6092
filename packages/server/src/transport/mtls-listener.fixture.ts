import { once } from 'node:events';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { type Denial, parseSpiffeId } from '@writ/core';
import { createMtlsListener, type MtlsListenerOptions, type MtlsPeer, type RefusalInfo } from './mtls-listener.ts';
import { type LeafOptions, openClient, testAuthority, wallClock } from './tls-fixtures.ts';
import type { TlsIdentity } from './tls-pem.ts';
import { openTrustStore } from './trust-store.ts';

export const store = await openTrustStore();
export const ours = await testAuthority({ uri: 'spiffe://our.test' });
export const partner = await testAuthority({ uri: 'spiffe://partner.test' });
export const trust = await store.caList(
  new Map([
    ['our.test', [ours.der]],
    ['partner.test', [partner.der]],
  ]),
);
export const gateway = await ours.issue({ uris: ['spiffe://our.test/writ/gateway'] });
export const caller = parseSpiffeId('spiffe://our.test/a/b')!;
export const request = 'GET /x HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n';
export const keptRequest = 'GET /x HTTP/1.1\r\nHost: gateway\r\n\r\n';

/** A clock that stands on wall time until the test moves it; certificates are checked against wall time by OpenSSL. */
export function movableClock() {
  let aheadMillis = 0;
  const nowMillis = () => Date.now() + aheadMillis;
  return {
    nowMillis,
    nowSeconds: () => Math.floor(nowMillis() / 1000),
    move(seconds: number) {
      aheadMillis += seconds * 1000;
    },
  };
}

export interface Refused {
  readonly refused: Denial;
  readonly info: RefusalInfo;
}

export async function start(t: TestContext, options: Partial<MtlsListenerOptions> = {}) {
  const served: MtlsPeer[] = [];
  const refusals: Refused[] = [];
  const listener = createMtlsListener({
    svid: gateway.identity,
    trust,
    clock: wallClock,
    admit: () => null,
    handler: (_request, response) => void response.end('served'),
    onRefused: (refused, info) => void refusals.push({ refused, info }),
    ...options,
    ...(options.handler
      ? {}
      : {
          handler: (_request, response, peer) => {
            served.push(peer);
            response.end('served');
          },
        }),
  });
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => listener.close({ drainMillis: 0 }));
  return { listener, port, served, refusals, codes: () => refusals.map(({ refused }) => refused.code) };
}

export const present = ({ certPem, keyPem }: TlsIdentity) => ({ cert: certPem, key: keyPem });
export const issue = async (options: LeafOptions = {}, authority = ours) =>
  present((await authority.issue(options)).identity);
export const closed = (socket: TLSSocket) => (socket.closed ? Promise.resolve() : once(socket, 'close'));

/** Soon, or the test runs into its time limit. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** One answer on a connection that stays open. */
export async function ask(socket: TLSSocket): Promise<string> {
  socket.write(keptRequest);
  const [chunk] = await once(socket, 'data');
  return chunk.toString();
}

/** Sessions a Node client is offered during one exchange. */
export async function sessionsFrom(port: number, client: object): Promise<Buffer[]> {
  const socket = await openClient(port, client);
  const sessions: Buffer[] = [];
  socket.on('session', (session) => sessions.push(session));
  socket.write(request);
  await closed(socket.resume());
  return sessions;
}
