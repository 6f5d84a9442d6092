// From nothing to an agent at work: the plane is found, an SVID is had from the Workload API, and a task that waits is fetched.

import { type Agent, openAgent, type SvidSource } from './agent.ts';
import { findPlane } from './find-plane.ts';
import { openX509Source } from './workload-api.ts';

export interface ConnectOptions {
  /** The ready line (contract §4), or what `planeFromReady` made of it. Default: `WRIT_READY`, else `WRIT_MTLS` and its kin. */
  readonly plane?: unknown;
  /** SPIFFE endpoint. Default: `SPIFFE_ENDPOINT_SOCKET`, else the plane's. */
  readonly endpoint?: string;
  /** A task that was opened for this agent. Default: `WRIT_TASK`. */
  readonly task?: string;
  /** SVIDs from elsewhere than the Workload API; closed together with the agent. */
  readonly source?: SvidSource;
  /** See `ContextGuardOptions`: for an agent that the gateway reaches by plain HTTP on loopback. */
  readonly allowUnprovenPeer?: boolean;
  readonly clock?: { nowSeconds(): number };
  readonly env?: { readonly [name: string]: string | undefined };
}

/** Rejects with a sentence when plane, identity or task cannot be had; nothing stays open then. */
export async function connect(options: ConnectOptions = {}): Promise<Agent> {
  const { env = process.env, plane: given, endpoint, source: own, task = env.WRIT_TASK, ...rest } = options;
  const plane = await findPlane(given, env);
  const socket = endpoint ?? env.SPIFFE_ENDPOINT_SOCKET ?? plane.workloadApi;
  const source = own ?? (await openX509Source(socket === null ? {} : { endpoint: socket }));
  let agent: Agent | null = null;
  try {
    agent = openAgent({ plane, source, ...rest });
    if (task) await agent.task(task);
    return agent;
  } catch (error) {
    await (agent ?? source).close();
    throw error;
  }
}
