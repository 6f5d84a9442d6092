// What people tell the desk of tasks: that they vouch for values, and that an agent's memory was wiped.

import { agentPath, argumentLeaves, parseSpiffeId } from '@writ/core';
import type { TaskDesk } from '../action/tasks/desk.ts';
import type { Config } from '../config/config.ts';
import type { TrustPort } from '../console/ports.ts';
import { serverKind, spiffeIdOf } from './standing.ts';
import type { WorldHolder } from './world.ts';

export function trustPort(config: Config, tasks: TaskDesk, world: WorldHolder): TrustPort {
  return {
    async endorse({ approval, task, server, tool, arguments: args, pointers }) {
      // Roles and types as the gate reads them: a word for a value in another role would say nothing.
      const definition = world.parts.policy.definition({ kind: serverKind(config, server), server, name: tool });
      const leaves = argumentLeaves(args, definition?.trust.args).filter(({ pointer }) => pointers.includes(pointer));
      await tasks.endorse({ task, server, approval, leaves });
    },
    actorKeyOf(name) {
      if (config.agents.has(name)) return name;
      if (name.startsWith('client:') && config.clients.has(name.slice('client:'.length))) return name;
      const id = parseSpiffeId(name);
      const path = id && agentPath(id);
      const isOurs = path !== null && config.agents.has(path) && spiffeIdOf(config.trustDomain, path) === name;
      return isOurs ? path : null;
    },
    forget: (actorKey) => tasks.forget(actorKey),
  };
}
