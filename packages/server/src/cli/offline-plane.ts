// The plane as a configuration file describes it, without a running one: policy loaded, definitions as a person reviewed them, the
// data folder only read. For commands that ask what would be.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type PlaneView, planeView } from '../action/analysis/plane-view.ts';
import { listingOfPins, type Pins } from '../action/pins.ts';
import type { Config } from '../config/config.ts';
import { configFileName } from '../config/defaults.ts';
import { loadConfig } from '../config/load.ts';
import { openPolicy, PolicyFault } from '../main/policy.ts';
import { readPorts } from '../main/ports.ts';
import { standingOf } from '../main/standing.ts';
import { openStore, type Store } from '../store/store.ts';
import { Stop, usage } from './stop.ts';
import { problemText } from './validate.ts';

export interface Draft {
  /** A configuration; absent: `WRIT_CONFIG`, else writ.yaml here. */
  readonly config?: string | undefined;
  /** Another folder of *.cedar files than the one the configuration names. */
  readonly policy?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** Throws a Stop that lists what is wrong with the configuration. */
export function configOf({ config: file, policy, env }: Draft): Config {
  const loaded = loadConfig(file ?? env.WRIT_CONFIG ?? configFileName);
  if ('problems' in loaded) {
    const told = loaded.problems.map((problem) => problemText(problem, (_, text) => text)).join('\n  ');
    throw new Stop(`the configuration is not in order\n  ${told}`, 2);
  }
  if (policy === undefined) return loaded.config;
  if (!existsSync(policy)) throw usage(`\`${policy}\` does not exist; name a folder of *.cedar files`);
  return { ...loaded.config, policyDir: policy };
}

/**
 * `reviews`: whose data folder holds the reviewed definitions, when it is another configuration's. Throws a Stop with the places
 * to mend when the policy does not validate.
 */
export async function viewOf(config: Config, reviews: Config = config): Promise<PlaneView> {
  const issuer = issuerOf(reviews);
  const store = await openReviews(reviews);
  try {
    const quiet = () => {};
    const clock = { nowSeconds: () => Math.floor(Date.now() / 1000) };
    const holder = await openPolicy({ config, issuer, store, clock, onLoaded: quiet, say: quiet, report: quiet });
    const offered = await Promise.all(
      [...config.servers.keys()].map(async (server) => [server, await listReviewed(server, holder.pins)] as const),
    );
    await holder.reload();
    return planeView({
      trustDomain: config.trustDomain,
      issuer,
      users: config.users.keys(),
      agents: [...config.agents].map(([path, { memory }]) => [path, memory] as const),
      clients: [...config.clients].map(([id, { bearer }]) => [id, bearer] as const),
      // Audiences are no part of what is asked here.
      ...standingOf(config, { mtls: '', oauth: '', issuer }),
      offered,
      policy: holder.loaded().policy,
      policyText: holder.loaded().text(),
    });
  } catch (error) {
    if (error instanceof PolicyFault)
      throw new Stop(`the policy is not in order\n  ${error.message.replaceAll('\n', '\n  ')}`, 2);
    throw error;
  } finally {
    await store.close();
  }
}

async function openReviews({ store, dataDir }: Config): Promise<Store> {
  const clock = { nowSeconds: () => Math.floor(Date.now() / 1000), nowMillis: () => Date.now() };
  if (store.url !== null) return openStore({ url: store.url, clock });
  const file = join(dataDir, 'state.db');
  return openStore({ file: existsSync(file) ? file : ':memory:', clock });
}

/** Nobody asks the server: what was reviewed stands for what it lists. */
async function listReviewed(server: string, pins: Pins): Promise<readonly string[]> {
  const reviewed = await pins.pins(server);
  await pins.observe(server, listingOfPins(reviewed));
  return reviewed.map(({ name }) => name);
}

function issuerOf(config: Config): string {
  const kept = readPorts(config.dataDir);
  const { host, port } = config.listen.issuer ?? config.listen.admin;
  const chosen = config.listen.issuer ? kept.issuer : kept.admin;
  return config.external.issuer ?? `http://${host}:${port === 0 ? (chosen ?? 0) : port}`;
}
