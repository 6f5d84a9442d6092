// Taking on what the files say now (rules §7.2): policies, allow lines, manifests and limits, as one set or not at all. What widens
// nobody's reach applies by itself; what widens it, or might, waits for an admin and is on record before it acts.

import { type BlastRadius, blastRadius } from '../action/analysis/blast-radius.ts';
import { planeView } from '../action/analysis/plane-view.ts';
import { type ReachChange, radiusDiff } from '../action/analysis/radius-diff.ts';
import type { LoadedPolicy } from '../action/cedar.ts';
import { digestOf } from '../action/digest.ts';
import type { Config, ServerConfig } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import type { Ground } from './ground.ts';
import type { Modes } from './modes.ts';
import type { PolicyHolder, PolicyPlan } from './policy.ts';
import type { Standing } from './standing.ts';
import type { WorldHolder } from './world.ts';

export interface PolicyDraft {
  /** Names exactly what would be in force. */
  readonly digest: string;
  readonly was: string;
  readonly is: string;
  readonly widens: boolean;
  readonly changes: readonly (Pick<ReachChange, 'action' | 'actor' | 'wider'> & { readonly holder: string })[];
  /** Changed parts whose effect on anybody's reach cannot be told; they count as wider. */
  readonly untold: readonly string[];
  /** Keys that changed too and are read at the next start. */
  readonly restart: readonly string[];
}

export interface Reload {
  /** What taking on the files would change. Rejects with a sentence for the operator. */
  look(): Promise<PolicyDraft>;
  /** Takes on exactly this draft. `stale`: the files say something else by now, and nothing was changed. */
  apply(digest: string, by: string): Promise<'applied' | 'stale'>;
  /** Takes on what widens nothing; says what was done, or what waits. */
  applyIfNarrower(): Promise<string>;
}

/** What the files said when they were read, which is what is taken on. */
interface Drafted {
  readonly next: Config;
  readonly planned: PolicyPlan;
  readonly draft: PolicyDraft;
}

export interface ReloadDeps {
  readonly ground: Pick<Ground, 'config' | 'records'>;
  readonly issuer: string;
  readonly standing: Standing;
  readonly policy: PolicyHolder;
  readonly modes: Modes;
  readonly world: WorldHolder;
}

export function createReload({ ground, issuer, standing, policy, modes, world }: ReloadDeps): Reload {
  let running = ground.config;
  const holders = [...running.agents.keys(), ...[...running.clients.keys()].map((id) => `client:${id}`)];

  async function radiiOf(loaded: LoadedPolicy): Promise<ReadonlyMap<string, BlastRadius | null>> {
    const names = async (server: string) => (await policy.pins.pins(server)).map(({ name }) => name);
    const offered = await Promise.all([...running.servers.keys()].map(async (key) => [key, await names(key)] as const));
    const view = planeView({
      trustDomain: running.trustDomain,
      issuer,
      users: running.users.keys(),
      agents: [...running.agents].map(([path, { memory }]) => [path, memory] as const),
      clients: [...running.clients].map(([id, { bearer }]) => [id, bearer] as const),
      ...standing,
      offered,
      policy: loaded.policy,
      policyText: loaded.text(),
    });
    return new Map(holders.map((holder) => [holder, blastRadius(view, holder)]));
  }

  async function drafted(): Promise<Drafted> {
    const read = loadConfig(ground.config.file);
    if ('problems' in read) {
      throw new Error(
        read.problems.map(({ file, line, column, says }) => `${file}:${line}:${column} ${says}`).join('\n'),
      );
    }
    const next = takenOver(running, read.config);
    const planned = await policy.plan(next);
    const [before, after] = await Promise.all([radiiOf(policy.loaded()), radiiOf(planned.loaded)]);
    const diffs = holders.map((holder) => ({ holder, ...radiusDiff(before.get(holder)!, after.get(holder)!) }));
    const changes = diffs.flatMap(({ holder, changes: some }) =>
      some.map(({ action, actor, wider }) => ({ holder, action, actor, wider })),
    );
    const untold = untoldParts(running, next, policy.loaded(), planned.loaded);
    const is = planned.loaded.policy.version;
    const draft = {
      digest: digestOf({ policy: is, limits: digestable(next.limits), modes: digestable(linesModes(next)) }),
      was: policy.loaded().policy.version,
      is,
      widens: untold.length > 0 || diffs.some(({ widens }) => widens),
      changes,
      untold,
      restart: restartKeys(running, read.config),
    };
    return { next, planned, draft };
  }

  async function take({ next, planned, draft }: Drafted, by: string | null): Promise<void> {
    const { digest, was, is, widens, untold } = draft;
    const changed = { digest, was, is, widens, untold, changes: draft.changes.length };
    await ground.records.event('policy.changed', { by, ...changed });
    await policy.adopt(planned);
    await modes.adopt(next);
    world.change({ limits: next.limits });
    running = next;
  }

  return {
    look: async () => (await drafted()).draft,
    async apply(digest, by) {
      const found = await drafted();
      if (found.draft.digest !== digest) return 'stale';
      await take(found, by);
      return 'applied';
    },
    async applyIfNarrower() {
      const found = await drafted();
      const { widens, was, is, changes, restart, untold } = found.draft;
      const later = restart.length > 0 ? ` \`${restart.join('`, `')}\` changed too and is read at the next start.` : '';
      if (widens) {
        const why = [...changes.filter(({ wider }) => wider.length > 0).map(({ action }) => action), ...untold];
        return `the policy would widen (${[...new Set(why)].join(', ')}) and waits for an admin: \`writ policy reload\`.${later}`;
      }
      if (was === is && untold.length === 0) return `the policy is as it was.${later}`;
      await take(found, null);
      return `the policy was reloaded and widens nothing.${later}`;
    },
  };
}

/** Of the new file only what a running plane can take on. */
function takenOver(running: Config, { allow, policyDir, limits, servers }: Config): Config {
  const manifestOf = (key: string, server: ServerConfig) => servers.get(key)?.manifest ?? server.manifest;
  return {
    ...running,
    allow,
    policyDir,
    limits,
    servers: new Map([...running.servers].map(([key, one]) => [key, { ...one, manifest: manifestOf(key, one) }])),
  };
}

/** A limit that is gone, a role that is weaker, a line that is only watched: nothing of it stands in a blast radius. */
function untoldParts(running: Config, next: Config, was: LoadedPolicy, is: LoadedPolicy): readonly string[] {
  return [
    ...(isSame(running.limits, next.limits) ? [] : ['limits']),
    ...(isSame(linesModes(running), linesModes(next)) ? [] : ['modes']),
    ...(isSame(was.trustOf(), is.trustOf()) ? [] : ['manifests']),
  ];
}

function linesModes({ allow }: Config) {
  return allow.flatMap(({ agent, server, tool, mode }) => (mode === null ? [] : [[agent, server, tool, mode]]));
}

const LIVE: ReadonlySet<string> = new Set(['file', 'allow', 'policyDir', 'limits', 'servers', 'dataDir']);

function restartKeys(running: Config, file: Config): readonly string[] {
  const bare = ({ servers }: Config) => [...servers].map(([key, { manifest: _, ...rest }]) => [key, rest]);
  const keys = Object.keys(running) as (keyof Config)[];
  const changed = keys.filter((key) => !LIVE.has(key) && !isSame(running[key], file[key]));
  return isSame(bare(running), bare(file)) ? changed : [...changed, 'servers'];
}

function isSame(a: unknown, b: unknown): boolean {
  return digestable(a) === digestable(b);
}

/** Text that is equal exactly when two parts of a configuration are. */
function digestable(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => {
    if (one instanceof Map) return [...one];
    return one instanceof Set ? [...one] : one;
  });
}
