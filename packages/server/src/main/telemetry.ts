// Telemetry over this plane's rooms: what it reads at a scrape, which secrets its collector takes, and who may scrape.

import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSecretSources } from '../action/secret-sources.ts';
import type { TaskDesk } from '../action/tasks/desk.ts';
import type { Config } from '../config/config.ts';
import type { FindCaller } from '../console/caller.ts';
import { answerJson } from '../gateway/http-io.ts';
import { openTelemetry, type Telemetry } from '../telemetry/telemetry.ts';
import type { AuthorizationServer } from '../token/front.ts';
import type { ConsoleDoor } from './admin.ts';
import { openStoredCredentials } from './broker.ts';
import type { Gateway } from './gateway.ts';
import type { Ground, OnClose } from './ground.ts';
import type { PolicyHolder } from './policy.ts';
import { version } from './ready-line.ts';
import type { Upstreams } from './upstreams.ts';
import type { WorldHolder } from './world.ts';

/** Read at a scrape; opened after telemetry, which is there for the first record. */
export interface ReadRooms {
  readonly authorization: AuthorizationServer;
  readonly policy: PolicyHolder;
  readonly tasks: TaskDesk;
  readonly upstreams: Upstreams;
  readonly gateway: Gateway;
  readonly world: WorldHolder;
}

/** `rooms` gives nothing while the plane is starting: a reading then is one that cannot be had. */
export async function openPlaneTelemetry(
  ground: Ground,
  environment: { readonly [name: string]: string | undefined },
  rooms: () => ReadRooms,
  onClose: OnClose,
): Promise<Telemetry> {
  const { config, log, replica, report, say } = ground;
  const telemetry = await openTelemetry({
    metrics: config.telemetry.metrics,
    traces: await tracesOf(ground, environment),
    service: { version, instance: replica },
    known: {
      servers: new Set(config.servers.keys()),
      agents: new Set(config.agents.keys()),
      isReviewed: (target) => rooms().world.parts.policy.definition(target)?.reviewed ?? false,
    },
    readings: {
      log: () => ({ ...log.head(), failed: log.failure() !== null }),
      callsUnderWay: () => rooms().gateway.underWay(),
      answersOpen: () => rooms().gateway.spine.open(),
      revocations: () => {
        const { revocations } = rooms().authorization;
        return { ageMillis: revocations.ageMillis(), fresh: revocations.view().fresh };
      },
      approvalsWaiting: () => countWaiting(ground),
      memory: () => rooms().tasks.size(),
      shadow: () => rooms().policy.shadow(),
      circuits: () => rooms().upstreams.circuits(),
    },
    onRecord: (listener) => log.onRecord(({ record }) => listener(record)),
    report,
    say,
  });
  onClose(() => telemetry.close());
  return telemetry;
}

async function countWaiting({ store, clock }: Ground): Promise<number> {
  const { waiting } = await store.db
    .selectFrom('approvals')
    .select(({ fn }) => fn.countAll().as('waiting'))
    .where('state', '=', 'open')
    .where('expires', '>', clock.nowSeconds())
    .executeTakeFirstOrThrow();
  return Number(waiting);
}

async function tracesOf(
  { config, clock, report }: Ground,
  environment: { readonly [name: string]: string | undefined },
) {
  const { traces } = config.telemetry;
  if (traces === null) return null;
  const { url, percent, headers, caFile } = traces;
  const stored = await openStoredCredentials(config.dataDir, clock);
  const sources = createSecretSources({ environment, clock, stored });
  return {
    ...{ url, percent, ca: caFile === null ? null : readFileSync(caFile, 'utf8') },
    headers: () => readHeaders(headers, sources, report),
  };
}

/** A header that cannot be read is left out: the collector says no to the batch, and the operator has read why. */
async function readHeaders(
  headers: NonNullable<Config['telemetry']['traces']>['headers'],
  sources: ReturnType<typeof createSecretSources>,
  report: Ground['report'],
): Promise<Record<string, string>> {
  const read: Record<string, string> = {};
  for (const [name, reference] of headers) {
    try {
      const found = await sources.read(reference);
      if ('says' in found) throw new Error(found.says);
      read[name] = found.value;
    } catch (error) {
      report(`header \`${name}\` of the trace collector`, error);
    }
  }
  return read;
}

/**
 * `/metrics` in front of the console's paths. What it shows is status: the local socket, the viewer's token and people may read it
 * (rules §7.1), an agent or a stranger may not, and is told no more than that.
 */
export function withMetrics(
  console: ConsoleDoor,
  telemetry: Pick<Telemetry, 'scrape'>,
  findCaller: FindCaller,
): ConsoleDoor {
  return {
    async handle(req, res, via) {
      if ((req.url ?? '/').split('?', 1)[0] !== '/metrics') return console.handle(req, res, via);
      await answerMetrics(req, res, await findCaller(req, via), telemetry);
      return true;
    },
  };
}

async function answerMetrics(
  req: IncomingMessage,
  res: ServerResponse,
  { kind }: Awaited<ReturnType<FindCaller>>,
  telemetry: Pick<Telemetry, 'scrape'>,
): Promise<void> {
  if (kind !== 'viewer' && kind !== 'person') {
    return answerJson(res, 401, { error: 'unauthorized' }, { 'www-authenticate': 'Bearer' });
  }
  if (req.method !== 'GET') return answerJson(res, 405, { error: 'method_not_allowed' }, { allow: 'GET' });
  const scraped = await telemetry.scrape();
  if (scraped === null) return answerJson(res, 404, { error: 'not_found' });
  res.writeHead(200, {
    'content-type': scraped.type,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  res.end(scraped.body);
}
