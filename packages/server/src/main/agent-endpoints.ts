// Where the gateway finds the agents that take messages. One behind TLS is dialled by its SPIFFE ID and nothing less; one that `writ run`
// launched is reached through its sidecar, which is proven the same way (contract §2); any other is reached as it is, unproven.

import { mtlsAgent } from '@writ/agent/node';
import { parseSpiffeId } from '@writ/core';
import type { Config } from '../config/config.ts';
import { type AgentEndpoint, openAgentEndpoint } from '../gateway/a2a/upstream.ts';
import type { DialIdentity } from './dial-identity.ts';
import type { Sidecars } from './sidecars.ts';
import { spiffeIdOf } from './standing.ts';

export interface AgentAtEndpoint {
  readonly endpoint: AgentEndpoint;
  readonly spiffeId: string;
}

/** Asked once per request: what is proven about an endpoint and what is sent to it have to be about the same one. */
export interface AgentEndpoints {
  get(agent: string): AgentAtEndpoint | undefined;
}

export interface AgentEndpointsDeps {
  readonly config: Pick<Config, 'agents' | 'trustDomain'>;
  readonly dialIdentity: DialIdentity;
  readonly sidecars: Pick<Sidecars, 'inboundOf'>;
  /** Trace headers of the call under way. */
  traceHeaders(): { readonly [name: string]: string };
}

export function openAgentEndpoints({
  config,
  dialIdentity,
  sidecars,
  traceHeaders,
}: AgentEndpointsDeps): AgentEndpoints {
  const found = [...config.agents].flatMap(([agent, { a2a }]) => {
    if (a2a === null) return [];
    const spiffeId = spiffeIdOf(config.trustDomain, agent);
    const dial = mtlsAgent({ svid: () => dialIdentity.current(), expect: parseSpiffeId(spiffeId)! });
    const isSecure = a2a.startsWith('https:');
    const own = { endpoint: openAgentEndpoint(a2a, isSecure ? dial : null, { traceHeaders }), spiffeId };
    let through: (AgentAtEndpoint & { readonly inbound: string }) | null = null;
    const current = (): AgentAtEndpoint => {
      const inbound = isSecure ? null : sidecars.inboundOf(agent);
      if (inbound === null) return own;
      if (through?.inbound !== inbound) {
        through = {
          inbound,
          spiffeId,
          endpoint: openAgentEndpoint(`${inbound}${pathOf(a2a)}`, dial, { traceHeaders }),
        };
      }
      return through;
    };
    return [[agent, current] as const];
  });
  const byAgent = new Map(found);
  return { get: (agent) => byAgent.get(agent)?.() };
}

/** The program sees the same path whichever way the message comes. */
function pathOf(a2a: string): string {
  if (a2a.startsWith('unix:')) return '/';
  const { pathname, search } = new URL(a2a);
  return `${pathname}${search}`;
}
