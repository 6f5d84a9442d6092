// Acting as an agent from a terminal: the SVID comes from the Workload API, so nobody becomes an agent by saying so. What
// may be had with it is judged at the gateway and the token endpoint; here are only the requests.

import { readFileSync } from 'node:fs';
import { type FetchLike, openTokenClient, planeFromReady, type TokenClient } from '@writ/agent';
import { mtlsAgent, mtlsFetch, openX509Source, WorkloadApiError, type X509Source } from '@writ/agent/node';
import { says, utf8Text } from '@writ/core';
import { findReady, type Whereabouts } from './plane.ts';
import type { Ready } from './ready.ts';
import { readStdin } from './stdin.ts';
import { refused, unreachable, usage } from './stop.ts';

export interface Acting {
  /** Own SPIFFE ID, as the Workload API says it. */
  readonly id: string;
  readonly mtls: string;
  readonly tokenUrl: string;
  readonly issuer: string;
  /** Mutual TLS to the gateway, with this agent's SVID. */
  readonly fetch: FetchLike;
  readonly tokens: TokenClient;
  close(): Promise<void>;
}

/** Whoever runs this process is somebody else, or nobody, to the plane. */
export class NotThatAgent extends Error {
  override readonly name = 'NotThatAgent';
  readonly code = 'transport.peer_not_attested';
}

const attestMillisMax = 5000;
/** gRPC status, as the Workload API answers nobody. SPIFFE Workload API §4.3. */
const permissionDenied = 7;
const clock = { nowSeconds: () => Math.floor(Date.now() / 1000) };

/** Throws NotThatAgent when the Workload API does not name this process `agent`. */
export async function actAs(agent: string, where: Whereabouts): Promise<Acting> {
  const ready = neededReady(where);
  const wanted = `spiffe://${ready.trustDomain}/${agent}`;
  const endpoint = where.env.SPIFFE_ENDPOINT_SOCKET ?? ready.workloadApi;
  if (endpoint === null)
    throw unreachable('the plane serves no Workload API; set SPIFFE_ENDPOINT_SOCKET to one that does');
  const source = await attested(endpoint);
  const { spiffeId } = source.current();
  if (spiffeId !== wanted) {
    source.close();
    throw new NotThatAgent(
      `this process is \`${spiffeId}\` and not \`${wanted}\`; start it with \`writ run --agent ${agent} -- …\``,
    );
  }
  const plane = planeFromReady(ready.line);
  const dial = mtlsAgent({ svid: () => source.current(), expect: plane.gatewayId });
  const fetch = reaching(mtlsFetch(dial), plane.mtls);
  return {
    id: spiffeId,
    mtls: plane.mtls,
    tokenUrl: plane.tokenUrl,
    issuer: plane.issuer,
    fetch,
    tokens: openTokenClient({ plane, clientId: spiffeId, fetch, clock }),
    async close() {
      dial.destroy();
      source.close();
    },
  };
}

async function attested(endpoint: string): Promise<X509Source> {
  try {
    return await openX509Source({ endpoint, openMillisMax: attestMillisMax });
  } catch (error) {
    if (!(error instanceof WorkloadApiError)) throw error;
    if (error.status === permissionDenied) throw new NotThatAgent('nobody is attested here; `writ whoami` tells why');
    throw unreachable(`no identity could be had: ${error.message}`);
  }
}

function neededReady(where: Whereabouts): Ready {
  const ready = findReady(where);
  if (ready === null)
    throw unreachable('no plane is running here; `writ up` starts one, `--data` names the folder of another');
  return ready;
}

function reaching(fetch: FetchLike, base: string): FetchLike {
  return (input, init) =>
    fetch(input, init).catch((error: unknown) => {
      throw unreachable(`\`${base}\` does not answer: ${error instanceof Error ? error.message : error}`);
    });
}

export function saysNotThatAgent(): string {
  return says('transport.peer_not_attested');
}

/** A token from a file or, for `-`, from stdin; one line, white space around it does not count. */
export function readToken(file: string): string {
  let bytes: Uint8Array;
  try {
    bytes = file === '-' ? readStdin() : readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw usage(`\`${file}\` does not exist; name a file with a token, or \`-\` for stdin`);
    throw error;
  }
  const token = (utf8Text(bytes) ?? '').trim();
  if (!/^\S+$/.test(token)) throw refused(`\`${file}\` does not hold one token; it is one word on one line`);
  return token;
}
