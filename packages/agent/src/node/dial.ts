// How an agent reaches one peer: mutual TLS to exactly one SPIFFE ID, verified against the bundle of that ID's trust domain
// and nothing else. No HTTP byte is written before the peer is known; no session is ever resumed.

import { Agent } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { judgeSvid, parseSpiffeId, type SpiffeId, trustDomainOf } from '@writ/core';
import { nodeEngine } from '@writ/core/node';

/** What the agent holds now; asked again for every connection, so that a rotated SVID is picked up. */
export interface DialSvid {
  readonly spiffeId: string;
  readonly certPem: string;
  readonly keyPem: string;
  /** Roots of the agent's own trust domain. */
  readonly bundlePem: string | readonly string[];
  /** Roots of other trust domains, by name; needed only to dial into them. */
  readonly federatedPem?: ReadonlyMap<string, string | readonly string[]>;
}

export interface MtlsAgentOptions {
  svid(): DialSvid;
  /** The one identity at the other end. Rules §1.3: never a whole trust domain. */
  readonly expect: SpiffeId;
  /** TCP and TLS together. Default: 10 s. */
  readonly connectMillisMax?: number;
  /** Quiet time after which an idle connection is given up, below the server's own. Default: 60 s. */
  readonly idleMillisMax?: number;
  readonly clock?: { nowSeconds(): number };
}

/** What a connection was made with, and until when that holds. */
interface Meeting {
  readonly socket: TLSSocket;
  readonly certPem: string;
  readonly peerUntilSeconds: number;
}

const systemClock = { nowSeconds: () => Math.floor(Date.now() / 1000) };

/** An agent for `node:https` that talks to one peer. Close it with `destroy()`. */
export function mtlsAgent(options: MtlsAgentOptions): Agent {
  const clock = options.clock ?? systemClock;
  const met = new WeakMap<Duplex, Meeting>();
  const agent = new Agent({ keepAlive: true, maxCachedSessions: 0, timeout: options.idleMillisMax ?? 60_000 });
  const keepOpen = agent.keepSocketAlive.bind(agent) as (socket: Duplex) => boolean;

  // Answering by the callback keeps HTTP away from the socket until the peer has been checked.
  agent.createConnection = (to, connected) => {
    meetPeer({ host: to.host ?? 'localhost', port: Number(to.port) }, options, clock).then(
      (meeting) => {
        met.set(meeting.socket, meeting);
        connected?.(null, meeting.socket);
      },
      // Typed to come with a stream even when there is none.
      (error: Error) => (connected as ((error: Error) => void) | undefined)?.(error),
    );
    return undefined;
  };
  // Node destroys the socket when the answer is false.
  return Object.assign(agent, {
    keepSocketAlive(socket: Duplex): boolean {
      const meeting = met.get(socket);
      const fresh = meeting?.certPem === options.svid().certPem && clock.nowSeconds() < meeting.peerUntilSeconds;
      return fresh && keepOpen(socket);
    },
  });
}

/** Connects and checks who answered. Rejects with one sentence when it is anybody else. */
function meetPeer(
  to: { host: string; port: number },
  options: MtlsAgentOptions,
  clock: { nowSeconds(): number },
): Promise<Meeting> {
  const { expect, connectMillisMax = 10_000 } = options;
  return new Promise((resolve, reject) => {
    const { certPem, keyPem, ca } = credentialsFor(expect, options.svid());
    let peerUntilSeconds: number | null = null;
    const socket = connect({
      ...to,
      servername: isIP(to.host) === 0 ? to.host : '',
      ca,
      cert: certPem,
      key: keyPem,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
      // The certificate Node has read is the only reading there is: the next one from a client socket gives nothing.
      checkServerIdentity: (_host, certificate) => {
        const until = untilSecondsOf(certificate, expect, clock.nowSeconds());
        if (until instanceof Error) return until;
        peerUntilSeconds = until;
        return undefined;
      },
    });
    socket.setNoDelay(true);
    const timer = setTimeout(() => {
      socket.destroy(
        new Error(`\`${to.host}:${to.port}\` did not complete a connection within ${connectMillisMax} ms`),
      );
    }, connectMillisMax);
    socket.once('close', () =>
      reject(new Error(`\`${to.host}:${to.port}\` hung up before the connection was complete`)),
    );
    socket.on('error', reject);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      // A resumed session would skip the check above; what was not checked does not count as connected.
      if (peerUntilSeconds === null)
        socket.destroy(new Error('the connection was resumed without a check of its peer'));
      else resolve({ socket, certPem, peerUntilSeconds });
    });
    socket.once('close', () => clearTimeout(timer));
  });
}

/** Throws when no roots are held: with an empty list Node might turn to the public ones. */
function credentialsFor(expect: SpiffeId, svid: DialSvid): { certPem: string; keyPem: string; ca: string[] } {
  const own = parseSpiffeId(svid.spiffeId);
  const trustDomain = trustDomainOf(expect);
  const isOwn = own !== null && trustDomainOf(own) === trustDomain;
  const roots = isOwn ? svid.bundlePem : svid.federatedPem?.get(trustDomain);
  const ca = [roots ?? []].flat();
  if (ca.length === 0) throw new Error(`no bundle of \`${trustDomain}\` is held, so \`${expect}\` cannot be verified`);
  return { certPem: svid.certPem, keyPem: svid.keyPem, ca };
}

/** End of the peer's certificate when it names exactly the expected identity, else the reason to hang up. */
function untilSecondsOf(certificate: PeerCertificate, expect: SpiffeId, nowSeconds: number): number | Error {
  if (certificate.raw === undefined) return new Error('the peer showed no certificate');
  const read = judgeSvid(nodeEngine, certificate.raw, { nowSeconds });
  if (read.outcome === 'deny') return new Error(`the peer's certificate is not acceptable: \`${read.denial.code}\``);
  const { spiffeId, notAfterSeconds } = read.facts;
  return spiffeId === expect ? notAfterSeconds : new Error(`\`${spiffeId}\` answered where \`${expect}\` was expected`);
}
