// The small plane of this room's tests as analysis sees it.

import type { LoadedPolicy } from '../cedar.ts';
import { directory, ISSUER, SERVERS } from '../testing.ts';
import { type PlaneInput, type PlaneView, planeView } from './plane-view.ts';

/** What each may use or hand on; the orchestrator holds what it delegates. */
export const ENTITLEMENTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['claude/orchestrator', ['files:read_file', 'files:write_file', 'mail:send', 'db/agent:send', 'db/reader:send']],
  ['db/agent', ['files:read_file', 'db/reader:send']],
  ['db/reader', ['files:*']],
  ['client:desktop', ['files:read_file', 'files:write_file', 'db/agent:send']],
]);

export function view(loaded: LoadedPolicy, over: Partial<PlaneInput> = {}): PlaneView {
  return planeView({
    trustDomain: directory.trustDomain,
    issuer: ISSUER,
    users: directory.users,
    agents: [...directory.agents.keys()].map((path) => [path, 'task'] as const),
    clients: [['desktop', true]],
    edges: new Map([
      ...[...directory.agents].map(([path, calls]) => [path, new Set(calls)] as const),
      ...[...directory.clients].map(([id, calls]) => [`client:${id}`, new Set(calls)] as const),
    ]),
    entitlements: ENTITLEMENTS,
    offered: SERVERS.map(({ key, pins }) => [key, pins.map(({ name }) => name)] as const),
    policy: loaded.policy,
    policyText: loaded.text(),
    ...over,
  });
}
