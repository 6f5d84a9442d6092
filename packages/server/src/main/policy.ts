// The policy in force: reviewed definitions, manifests, allow lines and Cedar files, loaded as one set or refused as one.
// Reloads when a server lists something else or a person accepts a review; the old set stays until the new one validates.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { JsonObject, Policy, ScopedServers } from '@writ/core';
import { riskReviewedIn } from '../action/allow.ts';
import type { CedarFile } from '../action/cedar/files.ts';
import type { ShadowCounts } from '../action/cedar/shadow.ts';
import { type LoadedPolicy, loadPolicy } from '../action/cedar.ts';
import { builtinManifest, builtinNames, readManifest, type ServerManifest } from '../action/manifest.ts';
import { scopedServersOf } from '../action/manifest-scope.ts';
import { createPins, type Pin, type PinnedDocument, type PinStore, type Pins } from '../action/pins.ts';
import type { Problem } from '../action/problem.ts';
import type { Config } from '../config/config.ts';
import type { Store } from '../store/store.ts';
import { openShadow } from './shadow.ts';
import { serverKind } from './standing.ts';

export interface PolicyDeps {
  readonly config: Config;
  readonly issuer: string;
  readonly store: Store;
  readonly clock: { nowSeconds(): number };
  /** The set that is in force from now on. */
  onLoaded(policy: Policy): void;
  say(sentence: string): void;
  /** For the log; absent where no plane runs, and then no answer is asked again. */
  event?(name: string, members: JsonObject): void;
  report(what: string, error: unknown): void;
}

export interface PolicyHolder {
  readonly pins: Pins;
  loaded(): LoadedPolicy;
  /** Are these the instructions that a person reviewed with the server's definitions? Rules §3.7. */
  reviewedInstructions(server: string, instructions: string): boolean;
  /** What a task's scopes are told from, besides its prompt. */
  scopedServers(): ScopedServers;
  /** Loads anew; rejects with PolicyFault when the set does not validate, and the old one stays. */
  reload(): Promise<void>;
  /** The set that another configuration would give, without taking it on. Rejects with PolicyFault. */
  plan(next: Config): Promise<PolicyPlan>;
  /** From now on everything is loaded as this plan read it; one that does not validate leaves the old one. */
  adopt(plan: PolicyPlan): Promise<void>;
  /** Null where nothing is asked again. */
  shadow(): ShadowCounts | null;
}

/**
 * A configuration and the files it names, as they were read once. Whatever loads later loads this: what somebody writes into a file
 * meanwhile comes into force by a reload and in no other way (rules §7.2).
 */
interface Written {
  readonly config: Config;
  readonly cedarFiles: readonly CedarFile[];
  readonly manifests: ReadonlyMap<string, ServerManifest>;
}

export interface PolicyPlan {
  readonly written: Written;
  readonly loaded: LoadedPolicy;
}

/** A set that does not validate, with the places to mend. */
export class PolicyFault extends Error {
  override readonly name = 'PolicyFault';
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(problems.map(({ file, line, column, says }) => `${file}:${line}:${column} ${says}`).join('\n'));
    this.problems = problems;
  }
}

export async function openPolicy(deps: PolicyDeps): Promise<PolicyHolder> {
  const { store, clock } = deps;
  let written = readWritten(deps.config);
  const shadow = deps.event ? openShadow({ say: deps.say, event: deps.event }) : null;
  let current: LoadedPolicy | null = null;
  let scoped: ScopedServers = new Map();
  const reviewed = new Map<string, ReadonlySet<string | null>>();
  let running: Promise<void> = Promise.resolve();

  async function serversOf({ config, manifests }: Written) {
    return Promise.all(
      [...config.servers].map(async ([key, { trustAnnotations }]) => ({
        key,
        kind: serverKind(config, key),
        pins: await pins.pins(key),
        listing: pins.listing(key),
        manifest: manifests.get(key) ?? null,
        trustAnnotations,
      })),
    );
  }

  function loaded(
    { config, cedarFiles }: Written,
    servers: Awaited<ReturnType<typeof serversOf>>,
    watched: boolean,
  ): LoadedPolicy {
    const input = {
      cedarFiles,
      allow: config.allow,
      directory: directoryOf(config, deps.issuer),
      servers,
      locate: () => ({ file: relative(process.cwd(), config.file) || config.file, line: 1, column: 1 }),
      trustRules: [],
    };
    const result = loadPolicy(input, (watched && shadow) || {});
    if ('problems' in result) throw new PolicyFault(result.problems);
    return result;
  }

  /** What does not validate leaves everything as it was. */
  async function load(from: Written): Promise<void> {
    const servers = await serversOf(from);
    const result = loaded(from, servers, true);
    for (const { key, pins: kept } of servers) {
      reviewed.set(key, new Set(kept.map(({ document }) => document.instructions)));
    }
    written = from;
    current = result;
    scoped = scopedServersOf(servers, (server, tool) => riskReviewedIn(from.config.allow, server, tool));
    deps.onLoaded(result.policy);
  }

  /** One load at a time; what changes meanwhile is in the next. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const next = running.then(work);
    running = next.then(
      () => {},
      () => {},
    );
    return next;
  }
  const reload = () => inTurn(() => load(written));

  const pins = createPins({
    store: pinStore(store),
    clock,
    onChange: (server) => {
      if (current) reload().catch((error: unknown) => deps.report(`policy after a change of \`${server}\``, error));
    },
  });
  await reload();
  return {
    pins,
    loaded: () => current!,
    scopedServers: () => scoped,
    reviewedInstructions: (server, instructions) => reviewed.get(server)?.has(instructions) ?? false,
    reload,
    plan: (next) =>
      inTurn(async () => {
        const planned = readWritten(next);
        return { written: planned, loaded: loaded(planned, await serversOf(planned), false) };
      }),
    adopt: (plan) => inTurn(() => load(plan.written)),
    shadow: () => shadow?.counts() ?? null,
  };
}

function readWritten(config: Config): Written {
  return { config, cedarFiles: cedarFilesOf(config), manifests: manifestsOf(config) };
}

function directoryOf(config: Config, issuer: string) {
  return {
    trustDomain: config.trustDomain,
    issuer,
    agents: new Map([...config.agents].map(([path, { calls }]) => [path, calls])),
    clients: new Map([...config.clients].map(([id, { calls }]) => [id, calls])),
    users: new Set(config.users.keys()),
  };
}

function cedarFilesOf(config: Config): CedarFile[] {
  const dir = config.policyDir;
  if (dir === null) return [];
  return readdirSync(dir)
    .filter((name) => name.endsWith('.cedar'))
    .sort()
    .map((name) => ({ path: join(dir, name), text: readFileSync(join(dir, name), 'utf8') }));
}

function manifestsOf(config: Config): ReadonlyMap<string, ServerManifest> {
  const manifests = new Map<string, ServerManifest>();
  for (const [key, { manifest }] of config.servers) {
    if (manifest === null) continue;
    if (manifest.kind === 'builtin') {
      const builtin = builtinManifest(manifest.name);
      if (!builtin) {
        throw new Error(
          `servers.${key}.manifest: there is no \`builtin:${manifest.name}\`; there are ${builtinNames().join(', ')}`,
        );
      }
      manifests.set(key, builtin);
      continue;
    }
    const read = readManifest({ path: manifest.path, text: readFileSync(manifest.path, 'utf8') }, key);
    if ('problems' in read) throw new PolicyFault(read.problems);
    manifests.set(key, read.manifest);
  }
  return manifests;
}

export function pinStore({ db }: Pick<Store, 'db'>): PinStore {
  return {
    async get(server) {
      const rows = await db.selectFrom('pins').selectAll().where('server', '=', server).orderBy('tool').execute();
      return rows.map(
        (row): Pin => ({
          name: row.tool,
          digest: row.digest,
          document: JSON.parse(row.definition) as JsonObject as PinnedDocument,
          by: row.reviewed_by ?? '',
          atSeconds: row.reviewed_at ?? 0,
        }),
      );
    },
    async put(server, pins) {
      await db.transaction().execute(async (transaction) => {
        await transaction.deleteFrom('pins').where('server', '=', server).execute();
        if (pins.length === 0) return;
        await transaction
          .insertInto('pins')
          .values(
            pins.map(({ name, digest, document, by, atSeconds }) => ({
              server,
              tool: name,
              digest,
              reviewed_by: by,
              reviewed_at: atSeconds,
              definition: JSON.stringify(document),
            })),
          )
          .execute();
      });
    },
  };
}
