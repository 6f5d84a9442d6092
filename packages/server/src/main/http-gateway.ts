// Plain HTTP upstreams in the gateway: their handler, connected to policy, tasks and broker.

import type { Credential, Denial, PeerOnWire } from '@writ/core';
import type { TaskDesk } from '../action/tasks/desk.ts';
import type { Spine } from '../gateway/exchange.ts';
import { createHttpHandler, type HttpHandler } from '../gateway/http/handler.ts';
import type { BrokerRoom } from './broker.ts';
import type { Ground } from './ground.ts';
import type { HttpUpstreams } from './http-upstreams.ts';
import type { WorldHolder } from './world.ts';

export interface HttpGatewayDeps {
  readonly ground: Pick<Ground, 'records' | 'newId' | 'report'>;
  readonly spine: Spine;
  readonly world: WorldHolder;
  readonly upstreams: HttpUpstreams;
  readonly broker: BrokerRoom;
  readonly tasks: Pick<TaskDesk, 'released'>;
  early(peer: PeerOnWire, key: string, credential: Credential): Denial | null;
}

export function openHttpGateway(deps: HttpGatewayDeps): HttpHandler {
  const { world, upstreams, broker, tasks, spine, early } = deps;
  const { records, newId, report } = deps.ground;
  const definitionOf = (server: string, name: string | null) =>
    world.parts.policy.definition({ kind: 'upstream', server, name });
  return createHttpHandler({
    upstreamOf: (server) => upstreams.byServer.get(server),
    spine,
    newId,
    early,
    report,
    recordRefusal: ({ server, ...refused }) =>
      records.unread({ ...refused, protocol: 'http', target: { kind: 'upstream', server, name: null } }),
    isSameAsJudged(server, layout) {
      const definition = definitionOf(server, layout.name);
      return definition === undefined || definition.digest === upstreams.digestOf(layout);
    },
    approvalUrl: ({ opened }) => opened?.url ?? null,
    holdsSecret: (text) => broker.exposures.contains(text),
    masked: broker.masked,
    substituted: broker.substituted,
    outputs: {
      released: (output) => tasks.released(output),
      rulesOf: (server, name) => definitionOf(server, name)?.trust.outputs ?? [],
    },
  });
}
