// Writ asked by other gateways (AuthZEN): who may ask is the configured enforcement point of the callee, by its SVID or by a token
// of its own, and what it hears is a whole decision of the spine, recorded, with nothing forwarded (rules §7.5).

import type { IncomingMessage } from 'node:http';
import {
  agentPath,
  anyScopeCovers,
  type Call,
  type Decision,
  layerOf,
  type PeerOnWire,
  parseSpiffeId,
  type SpiffeId,
  trustDomainOf,
} from '@writ/core';
import type { SearchPorts } from '../action/authzen/search.ts';
import type { AuthzenCaller } from '../action/authzen/to-call.ts';
import { type AuthzenServer, createAuthzenServer } from '../action/authzen-server.ts';
import type { TaskDesk } from '../action/tasks/desk.ts';
import { createApprovals } from '../console/approvals.ts';
import type { Spine } from '../gateway/exchange.ts';
import { credentialOf } from '../gateway/http-io.ts';
import type { AuthorizationServer } from '../token/front.ts';
import type { Doors } from './doors.ts';
import type { Ground } from './ground.ts';
import type { PolicyHolder } from './policy.ts';
import { endpointOf, spiffeIdOf } from './standing.ts';
import type { WorldHolder } from './world.ts';

export interface DecisionPointDeps {
  approvalUrl(id: string): string;
  readonly ground: Ground;
  readonly doors: Doors;
  readonly authorization: AuthorizationServer;
  readonly spine: Spine;
  readonly world: WorldHolder;
  readonly policy: Pick<PolicyHolder, 'pins'>;
  isAdmin(req: IncomingMessage): Promise<boolean>;
  readonly tasks: Pick<TaskDesk, 'released'>;
}

/** One decision point under two addresses, each of which names itself in its metadata (AuthZEN 1.0 §9). */
export interface DecisionPoint {
  readonly admin: AuthzenServer;
  readonly mtls: AuthzenServer;
}

export function openDecisionPoint(deps: DecisionPointDeps): DecisionPoint {
  const { ground, doors, authorization, approvalUrl } = deps;
  const { config, clock, records, newId, report } = ground;
  const { bases } = doors.listeners;
  const approvals = createApprovals(ground.store);
  const callees = { server: config.servers, agent: config.agents };
  const at = (base: string) =>
    createAuthzenServer({
      base,
      nowSeconds: () => clock.nowSeconds(),
      newId,
      endpointOf: (kind, callee, listener) =>
        callees[kind].has(callee) ? endpointOf(bases[listener], kind, callee) : null,
      callerOf: (req, peer) => callerOf(req, peer, ground, authorization),
      findApproval: (id) => approvals.find(id),
      approvalUrl,
      // An admin is a person at the admin address; on the other one a certificate has said who it is.
      search: { ...searchPorts(deps), isAdmin: async (req, peer) => peer === null && deps.isAdmin(req) },
      judge: (call) => judged(call, deps),
      refuse: ({ decisionId, peer, protocol, target }, denial) =>
        records.unread({ decisionId, denial, peer, protocol, target }),
      report,
    });
  return { admin: at(bases.issuer), mtls: at(bases.mtls) };
}

function searchPorts({ ground: { config }, doors, world, policy }: DecisionPointDeps): SearchPorts {
  const { trustDomain, servers, agents, users } = config;
  const { issuer } = doors.listeners.bases;
  const idOf = (path: string) => spiffeIdOf(trustDomain, path);
  const toolsOf = (server: string) => policy.pins.listing(server)?.tools.map(({ name }) => `${server}/${name}`) ?? [];
  const subjects = { user: () => [...users.keys()], agent: () => [...agents.keys()].map(idOf) };
  const resources = { agent: () => [...agents.keys()], tool: () => [...servers.keys()].flatMap(toolsOf) };
  const all = (of: { readonly [type: string]: () => readonly string[] }, type: string) =>
    Object.hasOwn(of, type) ? of[type]!() : [];

  function mayReach(id: string, callee: string, name: string): boolean {
    const spiffeId = parseSpiffeId(id);
    const path = spiffeId && agentPath(spiffeId);
    if (path === null || id !== idOf(path)) return false;
    const { edges, entitlements } = world.parts.standing;
    return edges.get(path)?.has(callee) === true && anyScopeCovers(entitlements.get(path) ?? [], `${callee}:${name}`);
  }

  return {
    subjects: (type) => all(subjects, type),
    resources: (type) => all(resources, type),
    couldDo({ type, id }, { kind, callee, name }) {
      const inForce = world.parts.policy;
      const target = { kind, server: callee, name };
      if (!inForce.definition(target)?.reviewed) return false;
      if (type === 'agent') {
        return mayReach(id, callee, name) && inForce.couldPermit({ kind: 'agent', spiffeId: id }, target);
      }
      const isPerson = type === 'user' && users.has(id);
      return isPerson && inForce.couldPermit({ kind: 'user', principal: { iss: issuer, sub: id } }, target);
    },
  };
}

/** One credential: the certificate on the wire, or a token of the agent's own; both together are one too many (rules §2.8). */
async function callerOf(
  req: IncomingMessage,
  peer: PeerOnWire | null,
  { config, refusals }: Ground,
  { readClientToken, revocations }: AuthorizationServer,
): Promise<AuthzenCaller | null> {
  const credential = credentialOf(req);
  const nobody = (code: string): null => {
    refusals.count(code, peer?.remote ?? req.socket.remoteAddress ?? 'unknown');
    return null;
  };
  if (peer !== null) {
    if (credential.kind !== 'none') return nobody('token.ambiguous');
    if (peer.listener === 'oauth' || peer.spiffeId === null) return nobody('transport.identity_invalid');
    await revocations.ensure();
    const { fresh, agents } = revocations.view();
    if (!fresh || agents.has(peer.spiffeId)) return nobody('transport.identity_revoked');
    return enforcementPoint(peer.spiffeId, config);
  }
  if (credential.kind !== 'jwt' || credential.scheme !== 'Bearer') return nobody('token.missing');
  const read = await readClientToken(credential.value);
  return read.outcome === 'pass' ? enforcementPoint(read.facts.spiffeId, config) : nobody(read.denial.code);
}

/** Of the callees that its `pep` names; somebody who is known and names none may ask about nothing. */
function enforcementPoint(spiffeId: SpiffeId, { trustDomain, agents }: Ground['config']): AuthzenCaller | null {
  const path = agentPath(spiffeId);
  const agent = trustDomainOf(spiffeId) === trustDomain && path !== null ? agents.get(path) : undefined;
  if (agent === undefined) return null;
  return { id: path!, spiffeId, mayAsk: (callee) => agent.pep.includes(callee) };
}

/** What the caller is about to read, and nobody here will see: text from outside, whatever it says. */
const unseen = [{ value: 'an answer that another gateway sees', rules: [] }];

/** The whole way of a call; what would be forwarded is the decision itself. Rejects when nothing was decided. */
async function judged(call: Call, { spine, tasks }: DecisionPointDeps): Promise<Decision> {
  const told = Promise.withResolvers<Decision>();
  await spine<Decision>({
    call,
    async forward(decision) {
      // Rules §1.6: without sight of the response an allowed call lowers the floor by itself.
      const token = decision.token.facts!;
      await tasks.released({ token, decision: decision.id, server: call.target.server, parts: unseen });
      return decision;
    },
    refuse: async (decision) => told.resolve(decision),
    async release(_reply, decision) {
      told.resolve(decision);
      return { state: 'none', digest: null, detail: 'decided for another gateway' };
    },
    discard() {},
    forwardedDigest: () => null,
  });
  // The spine has answered by now, one way or the other.
  const decision = await told.promise;
  const outage = decision.denial !== null && ['gateway', 'audit'].includes(layerOf(decision.denial.code));
  if (outage) throw new Error(`nothing was decided: ${decision.denial.code}`);
  return decision;
}
