// What everything else stands on: clock and ids, the log, its index, the store and the keys. Opened first, closed last.

import { randomBytes } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, type JsonObject, toBase64Url } from '@writ/core';
import { type AuditIndex, openAuditIndex } from '../audit/index.ts';
import { type AuditLog, openAuditLog } from '../audit/log.ts';
import type { Config } from '../config/config.ts';
import { createRefusalCounter, type RefusalCounter } from '../gateway/refusal-counter.ts';
import { makeFolders } from '../make-folders.ts';
import { openStore, type Store } from '../store/store.ts';
import { type Keys, openKeys } from '../token/keys.ts';
import { openEngine } from './engine.ts';
import { openLogKeys } from './log-key.ts';
import { createRecords, type Records } from './records.ts';
import { openWitnessPolicy } from './witness-policy.ts';

export type OnClose = (close: () => unknown) => void;

export interface GroundOptions {
  readonly config: Config;
  readonly clock: { nowSeconds(): number; nowMillis(): number };
  say(sentence: string): void;
  /** Version ids of the world in force, once there is one. */
  versions(): { readonly [part: string]: string };
}

export interface Ground {
  readonly config: Config;
  readonly dataDir: string;
  readonly auditDir: string;
  readonly replica: string;
  readonly origin: string;
  readonly clock: GroundOptions['clock'];
  readonly log: AuditLog;
  readonly index: AuditIndex;
  readonly store: Store;
  readonly keys: Keys;
  readonly engine: Engine;
  readonly refusals: RefusalCounter;
  readonly records: Records;
  /** Milliseconds that never go back. */
  monotonicMillis(): number;
  /** 128 random bits. */
  newId(): string;
  /** A sentence for the operator. */
  say(sentence: string): void;
  report(what: string, error: unknown): void;
  /** An event for the log that nothing waits for. */
  event(name: string, members: JsonObject): void;
}

// Replicas each own a log; one plane on one machine is the first.
const replica = '1';
const countMillis = 60_000;

export async function openGround({ config, clock, say, versions }: GroundOptions, onClose: OnClose): Promise<Ground> {
  const { dataDir } = config;
  openDataFolder(dataDir);
  const keysDir = join(dataDir, 'keys');
  const auditDir = join(dataDir, 'audit');
  const origin = `${config.trustDomain}/writ/${replica}`;
  const newId = () => toBase64Url(randomBytes(16));
  const report = (what: string, error: unknown) => say(`${what}: ${error instanceof Error ? error.message : error}`);

  const witnesses = openWitnessPolicy(config.audit.witnessesFile, say);
  const log = await openAuditLog({
    ...{ dir: auditDir, origin, clock, witnesses: witnesses.settings },
    ...(await openLogKeys(keysDir, origin)),
  });
  onClose(() => log.close());
  chmodSync(auditDir, 0o700);
  const index = await openAuditIndex({ dir: auditDir, log });
  onClose(() => index.close());
  const refusals = createRefusalCounter({ clock, append: (record) => log.append(record), newId, report });
  const counting = setInterval(() => refusals.flush(), countMillis);
  counting.unref();
  onClose(() => {
    clearInterval(counting);
    refusals.flush();
  });
  const records = createRecords({ log, clock, newId, refusals, frame: { replica, mode: 'enforce' }, versions });
  // A torn tail that the start wiped: nobody was told that those records exist, and now the log says that they do not.
  if (log.wiped) await records.event('log.wiped', { ...log.wiped });
  witnesses.record((name, members) => void records.event(name, members).catch((error: unknown) => report(name, error)));
  const { url } = config.store;
  const store = await openStore(url ? { url, clock } : { file: join(dataDir, 'state.db'), clock });
  onClose(() => store.close());
  const sweeping = setInterval(() => void store.sweep().catch((error: unknown) => report('sweep', error)), countMillis);
  sweeping.unref();
  onClose(() => clearInterval(sweeping));
  return {
    config,
    dataDir,
    auditDir,
    replica,
    origin,
    clock,
    log,
    index,
    store,
    keys: await openKeys({ dir: keysDir }),
    engine: (await openEngine(say)).engine,
    refusals,
    records,
    monotonicMillis: () => performance.now(),
    newId,
    say,
    report,
    event(name, members) {
      records.event(name, members).catch((error: unknown) => report(name, error));
    },
  };
}

/** Agents of other users have to reach the sockets in it, and nothing else: each room's folder is closed by itself. */
function openDataFolder(dataDir: string): void {
  makeFolders(dataDir, 0o711);
  chmodSync(dataDir, 0o711);
}
