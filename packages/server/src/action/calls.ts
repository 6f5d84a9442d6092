// The edges of writ.yaml that lead to agents, as permits: whoever the operator lists under `calls` may send to that agent,
// and so may every configured person through it. Edges to servers permit nothing; tools are allowed one by one.

import { agentPrincipal, configuredUsers, type Directory, subjectOf } from './cedar/parties.ts';
import { spiffeIdOf } from './cedar/request.ts';
import { cedarString, entity, type PolicyText, permitText } from './cedar/text.ts';

/** The one thing an agent takes. */
export const SEND = 'send';

/** `calls.<caller>.<callee>.agent` and `.user`, for every edge from an agent or a client to an agent. */
export function compileCalls(directory: Directory): readonly PolicyText[] {
  const callers = [
    ...directory.agents,
    ...[...directory.clients].map(([id, calls]) => [`client:${id}`, calls] as const),
  ];
  return callers.flatMap(([caller, callees]) =>
    [...new Set(callees)]
      .filter((callee) => directory.agents.has(callee))
      .flatMap((callee) => permitsOf(caller, callee, directory)),
  );
}

function permitsOf(caller: string, callee: string, directory: Directory): readonly PolicyText[] {
  const id = `calls.${caller}.${callee}`;
  const action = `action == ${entity('Action', `${callee}/${SEND}`)}`;
  const resource = `resource == ${entity('Agent', spiffeIdOf(directory.trustDomain, callee))}`;
  const byActor = `context.actor == ${cedarString(subjectOf(caller, directory)!)}`;
  return [
    permitText({ id: `${id}.agent`, principal: agentPrincipal(caller, directory), action, resource, when: [] }),
    permitText({ id: `${id}.user`, principal: configuredUsers().principal, action, resource, when: [byActor] }),
  ];
}
