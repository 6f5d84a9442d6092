// The sidecar of one launched agent (contract §2, rules §1.2): inside its `writ run`, plain HTTP to the program, mutual TLS as the agent
// to the gateway. It holds the identity, the tokens and the continuations, so that a program in any language needs none of them.

import type { Plane } from '@writ/agent';
import { type Agent, type AgentServer, openAgent, openX509Source, type Task } from '@writ/agent/node';
import { openInboundCalls } from './calls.ts';
import { type GatewayPort, openGatewayPort } from './gateway-port.ts';
import { openInbound } from './inbound.ts';
import { openOutbound } from './outbound.ts';
import type { HttpWords, StatOf } from './ports.ts';
import { openTree } from './tree.ts';

export interface SidecarOptions {
  readonly plane: Plane;
  /** The task that stands behind calls outside of any inbound one, or null. */
  readonly task: string | null;
  readonly http: HttpWords;
  readonly statOf: StatOf;
  /** A sentence for the operator. */
  say(sentence: string): void;
}

export interface Sidecar {
  /** For `WRIT_SIDECAR`. */
  readonly url: string;
  /**
   * Once the launch is registered, and the identity can be had. `a2a`: where the program takes messages. Never rejects: a program
   * whose sidecar cannot start runs on, and its calls are refused.
   */
  start(a2a: string | null): Promise<{ readonly inbound: string | null }>;
  close(): Promise<void>;
}

export async function openSidecar({ plane, task, http, statOf, say }: SidecarOptions): Promise<Sidecar> {
  const tree = openTree(process.pid, statOf);
  const calls = openInboundCalls();
  let agent: Agent | null = null;
  let gateway: GatewayPort | null = null;
  let server: AgentServer | null = null;
  const outbound = await openOutbound({ tree, calls, http, gateway: () => gateway, say });

  async function identify(): Promise<Agent> {
    const source = await openX509Source(plane.workloadApi === null ? {} : { endpoint: plane.workloadApi });
    try {
      return openAgent({ plane, source });
    } catch (error) {
      source.close();
      throw error;
    }
  }

  async function ownTask(of: Agent): Promise<Task | null> {
    if (task === null) return null;
    try {
      return await of.task(task);
    } catch (error) {
      say(`task ${task} cannot be worked on, so calls are refused token.missing: ${(error as Error).message}`);
      return null;
    }
  }

  return {
    url: outbound.url,
    async start(a2a) {
      try {
        agent = await identify();
        gateway = openGatewayPort(agent, await ownTask(agent));
      } catch (error) {
        say(`the sidecar has no identity, so calls through it are refused: ${(error as Error).message}`);
        return { inbound: null };
      }
      // An agent that serves mutual TLS by itself is dialled by itself.
      if (a2a === null || a2a.startsWith('https:')) return { inbound: null };
      try {
        server = await openInbound({ agent, a2a, calls, tree, http, say });
        return { inbound: server.url };
      } catch (error) {
        say(`the sidecar takes no messages for \`${a2a}\`: ${(error as Error).message}`);
        return { inbound: null };
      }
    },
    async close() {
      await Promise.all([outbound.close(), server?.close()]);
      gateway?.close();
      await agent?.close();
    },
  };
}
