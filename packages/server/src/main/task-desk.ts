// The desk of tasks over this plane's store and configuration.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openTaskDesk, type TaskDesk } from '../action/tasks/desk.ts';
import type { Config } from '../config/config.ts';
import { keyFile } from '../token/key-files.ts';
import type { Ground } from './ground.ts';
import { memoryOf } from './standing.ts';

export async function openTasks({ config, dataDir, store, clock }: Ground, issuer: string): Promise<TaskDesk> {
  const echoKey = await keyFile(join(dataDir, 'keys'), 'echoes.key', () => randomBytes(32).toString('base64url'));
  return openTaskDesk({
    store,
    clock,
    echoKey,
    memoryOf: memoryOf(config),
    // What a client reads besides, nobody sees (rules §1.2).
    inputsOf: (actorKey) => config.agents.get(actorKey)?.inputs ?? 'open',
    addressesOf: ({ iss, sub }) => (iss === issuer ? addressesOf(config, sub) : []),
    rule: config.trust.rule,
  });
}

function addressesOf({ users }: Config, name: string): readonly string[] {
  const user = users.get(name);
  if (!user) return [];
  return user.email === null ? user.addresses : [user.email, ...user.addresses];
}
