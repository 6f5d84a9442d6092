// Decision points beside our own (`pdp` in writ.yaml), opened from the configuration and asked for the spine: all at once, each on
// its own deadline, and every one of them has to say yes (design D7).

import { readFileSync } from 'node:fs';
import { type Call, policyRequestOf, type TokenFacts } from '@writ/core';
import { openAuthzen } from '../action/remote/authzen-client.ts';
import { openOpaBundle } from '../action/remote/opa-bundle.ts';
import { openOpa } from '../action/remote/opa-rest.ts';
import { remotePolicy } from '../action/remote/remote-policy.ts';
import { type RemoteEngine, versionOf } from '../action/remote/verdict.ts';
import { createSecretSources, type SecretSources } from '../action/secret-sources.ts';
import type { Config, DecisionPoint } from '../config/config.ts';
import type { Told } from '../gateway/spine.ts';
import { openStoredCredentials } from './broker.ts';
import type { OnClose } from './ground.ts';

export interface EngineDeps {
  readonly config: Config;
  readonly clock: { nowSeconds(): number };
  readonly environment: { readonly [name: string]: string | undefined };
}

/** Null where the configuration names none. */
export type Consult = ((call: Call, token: TokenFacts) => Promise<Told>) | null;

/** Rejects with a sentence for an engine that cannot be used. */
export async function openEngines({ config, clock, environment }: EngineDeps, onClose: OnClose): Promise<Consult> {
  if (config.pdp.size === 0) return null;
  const stored = await openStoredCredentials(config.dataDir, clock);
  const sources = createSecretSources({ environment, clock, stored });
  const engines: RemoteEngine[] = [];
  onClose(() => Promise.all(engines.map((engine) => engine.close())));
  for (const [name, point] of config.pdp) engines.push(await openEngine(name, point, sources));
  return async (call, token) => {
    const asked = policyRequestOf(call, token, clock.nowSeconds());
    const told = await Promise.all(engines.map((engine) => engine.ask(asked)));
    const versions = Object.fromEntries(told.map((one) => [`remote:${one.engine}`, versionOf(one)]));
    return (world) => ({
      ...world,
      policy: told.reduce(remotePolicy, world.policy),
      versions: { ...world.versions, ...versions },
    });
  };
}

async function openEngine(name: string, point: DecisionPoint, sources: SecretSources): Promise<RemoteEngine> {
  if (point.kind === 'bundle') return openOpaBundle({ name, path: point.path, rule: point.rule });
  const { kind, url, sends, timeoutMillis, credential, caFile } = point;
  const bearer = async () => {
    const found = await sources.read(credential!);
    if ('says' in found) throw new Error(found.says);
    return found.value;
  };
  return (kind === 'opa' ? openOpa : openAuthzen)({
    ...{ name, url, sends, deadlineMillis: timeoutMillis },
    ...(credential === null ? {} : { bearer }),
    ...(caFile === null ? {} : { ca: readFileSync(caFile, 'utf8') }),
  });
}
