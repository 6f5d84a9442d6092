// The gateway put together: protocol folders around one spine, over the world, the store, the log and the authorization server.

import type { IncomingMessage } from 'node:http';
import {
  agentPath,
  anyScopeCovers,
  type Claim,
  type Credential,
  couldCall,
  type DenialCode,
  denial,
  judgePeer,
  leafOf,
  type PeerOnWire,
} from '@writ/core';
import type { Webhook } from '../action/approvals/webhook.ts';
import { createApprovals } from '../action/approvals.ts';
import type { TaskDesk } from '../action/tasks/desk.ts';
import type { Config } from '../config/config.ts';
import { createA2aHandler } from '../gateway/a2a/handler.ts';
import { createOwnership } from '../gateway/a2a/ownership.ts';
import { createContextMaker } from '../gateway/context.ts';
import { createCrowd } from '../gateway/crowd.ts';
import { type Spine, UpstreamError } from '../gateway/exchange.ts';
import { answerJson, digestOf } from '../gateway/http-io.ts';
import { createMcpHandler } from '../gateway/mcp/handler.ts';
import { createReferences } from '../gateway/mcp/references.ts';
import { createStateSeal } from '../gateway/mcp/request-state.ts';
import { createSpine, type SpineControl } from '../gateway/spine.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { AuthorizationServer } from '../token/front.ts';
import { openAgentEndpoints } from './agent-endpoints.ts';
import type { BrokerRoom } from './broker.ts';
import { type DecisionPoint, openDecisionPoint } from './decision-point.ts';
import type { Doors } from './doors.ts';
import type { Consult } from './engines.ts';
import type { Ground } from './ground.ts';
import { openHttpGateway } from './http-gateway.ts';
import type { Modes } from './modes.ts';
import type { PolicyHolder } from './policy.ts';
import { createQuotes } from './quotes.ts';
import { reviewedDefinitions } from './reviewed-definitions.ts';
import type { GatewayRoutes } from './routes.ts';
import type { Upstreams } from './upstreams.ts';
import type { WorldHolder } from './world.ts';

export interface GatewayDeps {
  readonly ground: Ground;
  readonly doors: Doors;
  readonly world: WorldHolder;
  readonly authorization: AuthorizationServer;
  readonly policy: PolicyHolder;
  readonly upstreams: Upstreams;
  readonly broker: BrokerRoom;
  readonly tasks: TaskDesk;
  readonly modes: Modes;
  readonly consult: Consult;
  readonly telemetry: Telemetry;
  readonly webhook: Webhook | null;
  /** Whether an admin who signed in recently is asking. */
  isAdmin(req: IncomingMessage): Promise<boolean>;
}

export interface Gateway {
  /** Nothing that was kept back in the task can be had any more. */
  endTask(task: string): void;
  readonly routes: GatewayRoutes;
  readonly spine: SpineControl;
  /** Calls under way. */
  underWay(): number;
  readonly decisionPoint: DecisionPoint;
}

/** What a lost race is called. */
const lostBy: { readonly [kind in Claim['kind']]: DenialCode } = {
  once: 'token.replayed',
  budget: 'token.budget_exceeded',
  approval: 'action.approval_invalid',
  // As good as a yes that was used up: nothing is wrong with the token.
  state: 'action.approval_invalid',
  limit: 'action.limit_exceeded',
};

export function openGateway(deps: GatewayDeps): Gateway {
  const { ground, world, authorization, policy, tasks, modes, upstreams, broker, telemetry } = deps;
  const { config, clock, records, store, keys, newId, report } = ground;
  const { bases } = deps.doors.listeners;
  const approvalUrl = (id: string) => `${bases.issuer}/console/approvals/${id}`;
  const approvals = createApprovals({
    ...{ store, newId, url: approvalUrl, perHourMax: config.approvals.perHourMax },
    lifeSeconds: config.approvals.lifeSeconds,
    onOpened: (question) => deps.webhook?.opened(question),
    effectOf: (target) =>
      target.kind === 'agent' ? null : (world.parts.policy.definition(target)?.trust.effect ?? 'unknown'),
  });
  const crowd = createCrowd(config.flow.perCaller);
  const references = createReferences();
  const control = createSpine({
    clock,
    world: () => world.snapshot(),
    revokedSince: (sequence) => authorization.revocations.changedSince(sequence),
    async claim({ claims, id }) {
      const taken = await store.claims.take(claims, id);
      if (taken === 'taken') return taken;
      return { lost: lostBy[taken.lost.kind] };
    },
    approvals,
    ...(deps.consult === null ? {} : { consult: deps.consult }),
    tasks,
    // A caller has its answer before its outcome is written, save one that is refused late and waits those milliseconds.
    append(record) {
      const receipt = ground.log.append(record, record.kind === 'outcome' ? 'soon' : 'now');
      if (record.kind === 'decision') telemetry.handed(String(record.id), receipt);
      return receipt;
    },
    stance: (call, decision) => ({
      replica: ground.replica,
      mode: modes.of(call.target, decision.token.facts?.actorKey ?? ''),
      memory: memoryOf(config, call.peer),
      lease: broker.leaseOf(call, decision),
    }),
    sha256: digestOf,
    crowd,
    refusals: ground.refusals,
    report,
  });

  const spine: Spine = async (exchange) => {
    const watched = telemetry.around(exchange);
    await control.spine(watched.exchange).finally(watched.done);
  };
  const early = (peer: PeerOnWire, key: string, credential: Credential) => {
    // Nobody is known here by a certificate: a bare request gets the bare challenge, whatever else is wrong with it.
    if (peer.listener === 'oauth') return credential.kind === 'none' ? denial('token.missing') : null;
    const verdict = judgePeer(peer, key, world.snapshot().trust, clock.nowSeconds());
    return verdict.outcome === 'deny' ? verdict.denial : null;
  };
  const mcp = createMcpHandler({
    serverOf(key) {
      const upstream = upstreams.byServer.get(key);
      return upstream && { upstream, baseScopes: [] };
    },
    bases: { mtls: bases.mtls, oauth: bases.oauth },
    issuer: bases.issuer,
    origins: new Set(),
    spine,
    nowSeconds: () => clock.nowSeconds(),
    newId,
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
        policy.pins.observeTools(server, tools).catch((error: unknown) => report('pins', error));
      },
      isReviewed: reviewedDefinitions(policy),
      mayShowInstructions: policy.reviewedInstructions,
      inputSchemaOf: (server, tool) =>
        policy.pins.listing(server)?.tools.find(({ name }) => name === tool)?.inputSchema,
    },
    approvalUrl: ({ opened }) => opened?.url ?? null,
    report,
    outputs: {
      released: (output) => tasks.released(output),
      recalls: (held) => tasks.recalls(held),
      rulesOf: (server, name) => world.parts.policy.definition({ kind: 'server', server, name })?.trust.outputs ?? [],
    },
    rounds: {
      seal: createStateSeal(keys.stateSecret),
      definitionOf: (server, name) => world.parts.policy.definition({ kind: 'server', server, name })?.digest ?? null,
      ownUrls: () => [...Object.values(bases), ...Object.values(deps.doors.listeners.addresses)],
    },
    quarantine: {
      references,
      keepsBack(server, name) {
        const kept = config.servers.get(server)?.quarantine;
        return kept !== undefined && (kept.has('*') || (name !== null && kept.has(name)));
      },
      definitionOf: (server, name) => world.parts.policy.definition({ kind: 'server', server, name }),
    },
    holdsSecret: (text) => broker.exposures.contains(text),
    masked: broker.masked,
    substituted: broker.substituted,
  });

  const a2a = createA2aHandler({
    spine,
    agents: openAgentEndpoints({
      config,
      dialIdentity: deps.doors.dialIdentity,
      traceHeaders: telemetry.outgoing,
      sidecars: deps.doors.identities.sidecars,
    }),
    context: createContextMaker({
      gatewayId: deps.doors.gatewayId,
      key: keys.context,
      engine: ground.engine,
      clock,
      newId,
      async continuation({ chain, tokenId }, holder, decision) {
        const minted = await authorization.continuations.mint({ chain, parentRow: tokenId, holder, decision });
        if (minted.outcome === 'deny') throw new UpstreamError(`no continuation: ${minted.denial.code}`);
        return minted.facts.token;
      },
      quote: createQuotes(store, keys.context, bases.issuer),
      floor: ({ chain, actorKey }) => tasks.floorOf(chain.task, actorKey),
    }),
    ownership: createOwnership(),
    questions: { find: approvals.question },
    tasks,
    newId,
    early,
    recordRefusal: ({ agent, ...refused }) =>
      records.unread({ ...refused, protocol: 'a2a', target: { kind: 'agent', server: agent, name: null } }),
    origins: new Set(),
  });

  const http = openHttpGateway({ ground, spine, world, broker, tasks, early, upstreams: upstreams.http });

  const decisionPoint = openDecisionPoint({
    ...{ ground, doors: deps.doors, authorization, world, policy, tasks, approvalUrl, isAdmin: deps.isAdmin },
    spine,
  });

  return {
    endTask: (task) => references.endTask(task),
    spine: control,
    underWay: crowd.inside,
    decisionPoint,
    routes: {
      mcp,
      a2a,
      http,
      bases,
      decisionPoint: decisionPoint.mtls,
      oauth: (req, res, peer) => authorization.handleMtls(req, res, peer),
      resourceMetadata(res, url) {
        answerJson(res, 200, {
          resource: url,
          authorization_servers: [bases.issuer],
          bearer_methods_supported: ['header'],
        });
      },
      report,
    },
  };
}

/** Unstated counts as persistent. Rules §3.4. */
function memoryOf(config: Config, peer: PeerOnWire): 'task' | 'none' | 'persistent' {
  const path = peer.listener !== 'oauth' && peer.spiffeId ? agentPath(peer.spiffeId) : null;
  return (path !== null && config.agents.get(path)?.memory) || 'persistent';
}
