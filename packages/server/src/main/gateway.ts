// The gateway put together: protocol folders around one spine, over the world, the store, the log and the authorization server.

import { mtlsAgent } from '@writ/agent/node';
import {
  agentPath,
  anyScopeCovers,
  couldCall,
  type DenialCode,
  denial,
  judgePeer,
  type Level,
  leafOf,
  type PeerOnWire,
  parseSpiffeId,
} from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import type { AuditLog } from '../audit/log.ts';
import type { Config } from '../config/config.ts';
import { createA2aHandler } from '../gateway/a2a/handler.ts';
import { createOwnership } from '../gateway/a2a/ownership.ts';
import { openAgentEndpoint } from '../gateway/a2a/upstream.ts';
import { createContextMaker } from '../gateway/context.ts';
import { UpstreamError } from '../gateway/exchange.ts';
import { answerJson, digestOf } from '../gateway/http-io.ts';
import { createMcpHandler } from '../gateway/mcp/handler.ts';
import type { RefusalCounter } from '../gateway/refusal-counter.ts';
import { createSpine, type SpineControl } from '../gateway/spine.ts';
import type { Store } from '../store/store.ts';
import type { AuthorizationServer } from '../token/front.ts';
import type { SigningKey } from '../token/keys.ts';
import type { DialIdentity } from './dial-identity.ts';
import type { PolicyHolder } from './policy.ts';
import { createQuotes } from './quotes.ts';
import type { Records } from './records.ts';
import type { GatewayRoutes } from './routes.ts';
import { type Bases, spiffeIdOf } from './standing.ts';
import type { Upstreams } from './upstreams.ts';
import type { WorldHolder } from './world.ts';

export interface GatewayDeps {
  readonly config: Config;
  readonly bases: Bases;
  readonly clock: { nowSeconds(): number; nowMillis(): number };
  readonly world: WorldHolder;
  readonly store: Store;
  readonly log: AuditLog;
  readonly records: Records;
  readonly refusals: RefusalCounter;
  readonly authorization: AuthorizationServer;
  readonly contextKey: SigningKey;
  readonly policy: PolicyHolder;
  readonly upstreams: Upstreams;
  /** The gateway's own identity, for dialling agents. */
  readonly identity: DialIdentity;
  readonly gatewayId: string;
  readonly replica: string;
  newId(): string;
  report(what: string, error: unknown): void;
}

export interface Gateway {
  readonly routes: GatewayRoutes;
  readonly spine: SpineControl;
}

/** What a callee's text may count as until the action gate tracks it: no more than external content. Rules §3.3. */
const untrackedFloor: Level = 1;

export function openGateway(deps: GatewayDeps): Gateway {
  const { config, bases, clock, world, records, authorization } = deps;
  const control = createSpine({
    clock,
    world: () => world.snapshot(),
    revokedSince: (sequence) => authorization.revocations.changedSince(sequence),
    async claim({ claims, id }) {
      const taken = await deps.store.claims.take(claims, id);
      if (taken === 'taken') return taken;
      const lost: DenialCode = taken.lost.kind === 'once' ? 'token.replayed' : 'token.budget_exceeded';
      return { lost };
    },
    append: (record) => deps.log.append(record),
    stance: ({ peer }) => ({ replica: deps.replica, mode: 'enforce', memory: memoryOf(config, peer) }),
    sha256: digestOf,
    refusals: deps.refusals,
    report: deps.report,
  });

  const early = (peer: PeerOnWire, key: string) => {
    const verdict = judgePeer(peer, key, world.snapshot().trust, clock.nowSeconds());
    return verdict.outcome === 'deny' ? verdict.denial : null;
  };
  const mcp = createMcpHandler({
    serverOf(key) {
      const upstream = deps.upstreams.byServer.get(key);
      return upstream && { upstream, baseScopes: [] };
    },
    bases: { mtls: bases.mtls, oauth: bases.oauth },
    issuer: bases.issuer,
    origins: new Set(),
    spine: control.spine,
    nowSeconds: () => clock.nowSeconds(),
    newId: deps.newId,
    early,
    recordMalformed: ({ decisionId, denialCode, peer, server, detail }) =>
      records.unread({
        decisionId,
        denial: denial(denialCode, detail),
        peer,
        protocol: 'mcp',
        target: { kind: 'server', server, name: null },
      }),
    visible(decision, name) {
      const token = decision.token.facts;
      const { tokens } = world.snapshot();
      const callee = token && tokens.resources.get(leafOf(token.chain).audience);
      if (!callee) return false;
      const scope = `${callee.key}:${name}`;
      return (
        token.chain.links.every(({ scopes }) => anyScopeCovers(scopes, scope)) &&
        couldCall(token, { kind: 'server', server: callee.key, name }, world.parts.policy)
      );
    },
    definitions: {
      observe(server, tools) {
        deps.policy.pins.observeTools(server, tools).catch((error: unknown) => deps.report('pins', error));
      },
      // The instructions are part of every pin: with one reviewed definition listed unchanged they are the reviewed ones.
      mayShowInstructions: (server, instructions) => deps.policy.pins.listing(server)?.instructions === instructions,
      inputSchemaOf: (server, tool) =>
        deps.policy.pins.listing(server)?.tools.find(({ name }) => name === tool)?.inputSchema,
    },
    approvalUrl: () => null,
    report: deps.report,
    holdsSecret: (text) => deps.upstreams.broker.secrets.contains(text),
  });

  const a2a = createA2aHandler({
    spine: control.spine,
    agents: agentsOf(deps),
    context: createContextMaker({
      gatewayId: deps.gatewayId,
      key: deps.contextKey,
      engine: nodeEngine,
      clock,
      newId: deps.newId,
      async continuation({ chain, tokenId }, holder, decision) {
        const minted = await authorization.continuations.mint({ chain, parentRow: tokenId, holder, decision });
        if (minted.outcome === 'deny') throw new UpstreamError(`no continuation: ${minted.denial.code}`);
        return minted.facts.token;
      },
      quote: createQuotes(deps.store, deps.contextKey, bases.issuer),
      floor: () => untrackedFloor,
    }),
    ownership: createOwnership(),
    newId: deps.newId,
    early,
    recordRefusal: ({ agent, ...refused }) =>
      records.unread({ ...refused, protocol: 'a2a', target: { kind: 'agent', server: agent, name: null } }),
    origins: new Set(),
  });

  return {
    spine: control,
    routes: {
      mcp,
      a2a,
      bases,
      oauth: (req, res, peer) => authorization.handleMtls(req, res, peer),
      resourceMetadata(res, url) {
        answerJson(res, 200, {
          resource: url,
          authorization_servers: [bases.issuer],
          bearer_methods_supported: ['header'],
        });
      },
      report: deps.report,
    },
  };
}

/** Agents that take messages; one behind TLS is dialled by its SPIFFE ID and nothing less. */
function agentsOf({ config, identity }: GatewayDeps) {
  return new Map(
    [...config.agents].flatMap(([path, { a2a }]) => {
      if (a2a === null) return [];
      const spiffeId = spiffeIdOf(config.trustDomain, path);
      const expect = parseSpiffeId(spiffeId)!;
      const dial = a2a.startsWith('https:') ? mtlsAgent({ svid: () => identity.current(), expect }) : null;
      return [[path, { endpoint: openAgentEndpoint(a2a, dial), spiffeId }] as const];
    }),
  );
}

/** Unstated counts as persistent. Rules §3.4. */
function memoryOf(config: Config, peer: PeerOnWire): 'task' | 'none' | 'persistent' {
  const path = peer.listener !== 'oauth' && peer.spiffeId ? agentPath(peer.spiffeId) : null;
  return (path !== null && config.agents.get(path)?.memory) || 'persistent';
}
