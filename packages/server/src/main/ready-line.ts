// The one line of `writ up --json` when calls are served. Contract §4.

import type { JsonObject } from '@writ/core';
import type { Doors } from './doors.ts';
import type { Ground } from './ground.ts';
import type { PeopleRooms } from './people.ts';

export const version = '0.1.0';

export interface ReadyParts {
  readonly ground: Ground;
  readonly doors: Doors;
  readonly people: PeopleRooms;
  readonly readyMillis: number;
}

export async function readyLine({ ground, doors, people, readyMillis }: ReadyParts): Promise<JsonObject> {
  const { config, dataDir, auditDir, origin, log } = ground;
  const { bases, addresses } = doors.listeners;
  const adminLink = await people.adminLink();
  return {
    event: 'ready',
    version,
    pid: process.pid,
    trustDomain: config.trustDomain,
    dataDir,
    config: config.file,
    issuer: bases.issuer,
    console: `${addresses.admin}/console/`,
    admin: {
      url: `${addresses.admin}/api/v1`,
      socket: people.adminSocket,
      viewerTokenFile: people.viewerTokenFile,
    },
    ...(adminLink === null ? {} : { adminLink }),
    gateway: { mtls: bases.mtls, oauth: bases.oauth, sidecars: {} },
    workloadApi: doors.identities.workload.endpoint,
    launch: doors.identities.launchSocket,
    log: { origin, vkey: log.vkey, url: `${addresses.admin}/log`, dir: auditDir },
    gatewayId: doors.gatewayId,
    tokenMtls: `${bases.mtls}/oauth/token`,
    readyMillis,
  };
}
