// Kills a whole plane under load, again and again, starts it on the same folder, and compares what callers and the tool server
// know with what the log says. A killed process leaves the page cache alone: this shows that the order of effects is honest about
// a crash, not about a power cut.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalJson, type JsonObject } from '@writ/core';
import { digestOf } from '../../packages/server/src/gateway/http-io.ts';
import { startUpstream, type Upstream } from '../attacks/upstream.ts';
import { type ChildPlane, runProgram, startChildPlane } from './child-plane.ts';
import { callUntilKilled, type Told } from './load.ts';
import { readLog } from './read-log.ts';
import { configuration, firstSession, openCallers } from './world.ts';

export interface KillOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly callers?: number;
  say(line: string): void;
}

export interface KillReport {
  readonly rounds: number;
  /** Calls whose callers had their whole answer before the plane was killed. */
  readonly answered: number;
  /** Calls answered 503: the plane could not judge or record them at the time. */
  readonly turnedAway: number;
  /** Calls that the tool server heard. */
  readonly heard: number;
  /** Answered or heard, and not in the log as it happened. */
  readonly lost: number;
  /** Allowed calls whose end nobody wrote down: the log says so. */
  readonly unknown: number;
  /** What `writ audit verify` found wrong, by round. */
  readonly findings: readonly string[];
}

/** Rounds on one folder before a fresh one, so that reading the log stays short. */
const roundsPerFolder = 10;
const loadMillisMax = 1200;
const startMillisMax = 700;
/** Longer than a revocation lease (rules §2.15). */
const freezeMillis = 600;
const thawMillisMax = 40;

export async function killRounds({ rounds, seed, callers = 16, say }: KillOptions): Promise<KillReport> {
  const random = chance(seed);
  const total = { rounds, answered: 0, turnedAway: 0, heard: 0, lost: 0, unknown: 0, findings: [] as string[] };
  for (let first = 1; first <= rounds; first += roundsPerFolder) {
    const folder = await openFolder(callers);
    try {
      const last = Math.min(rounds, first + roundsPerFolder - 1);
      for (let round = first; round <= last; round++) {
        const { told, turnedAway, when } = await folder.round(round, random);
        const checked = await folder.check(told);
        total.findings.push(...checked.findings.map((code) => `${code} in round ${round}`));
        total.answered += told.length;
        total.turnedAway += turnedAway;
        total.heard += checked.heard;
        total.lost += checked.lost.length;
        total.unknown += checked.unknown;
        const { heard, unknown, lost, findings, records } = checked;
        say(
          `round ${round}: killed ${when}; ${told.length} answered, ${turnedAway} turned away, ${heard} heard, ${unknown} unknown, lost ${lost.length}; ` +
            `${findings.length === 0 ? 'log intact' : findings.join(', ')} (${records} records)`,
        );
        for (const line of lost) say(`  ${line}`);
      }
    } finally {
      await folder.close();
    }
  }
  return total;
}

interface Loaded {
  readonly told: readonly Told[];
  readonly turnedAway: number;
}

interface Life {
  readonly plane: ChildPlane;
  readonly ready: JsonObject;
}

/** One data folder, its tool server and its person, over several lives of the plane. */
async function openFolder(callers: number) {
  const dir = await mkdtemp(join(tmpdir(), 'writ-kill-'));
  const key = `upstream-${crypto.randomUUID()}`;
  const upstream = await startUpstream(key);
  const config = join(dir, 'writ.yaml');
  await writeFile(config, configuration(upstream.port), { mode: 0o600 });
  const auditDir = join(dir, 'data', 'audit');
  const start = () => startChildPlane(config, { UPSTREAM_KEY: key });
  let session: string | null = null;
  let life: Life | null = null;

  async function live(): Promise<Life> {
    if (life) return life;
    const plane = start();
    life = { plane, ready: await plane.ready };
    session ??= await firstSession(life.ready);
    return life;
  }

  async function stop(): Promise<number | null> {
    const { plane } = await live();
    life = null;
    return plane.stop();
  }

  /** Killed while it starts, which for a plane after a crash means: while it recovers. */
  async function killStarting(afterMillis: number): Promise<Loaded> {
    await stop();
    const plane = start();
    await sleep(afterMillis);
    await plane.kill();
    return { told: [], turnedAway: 0 };
  }

  /** `thawMillis`: frozen first, and killed so soon after it goes on, when nothing it knows is fresh. */
  async function killLoaded(round: number, afterMillis: number, thawMillis: number | null): Promise<Loaded> {
    const { plane, ready } = await live();
    const told: Told[] = [];
    let turnedAway = 0;
    const crew = await openCallers({ ready, session: session!, dataDir: join(dir, 'data'), count: callers, round });
    const stopped = new AbortController();
    const first = Promise.withResolvers<void>();
    const working = crew.callers.map((caller) =>
      callUntilKilled(caller, stopped.signal, (one) => {
        if (one === null) turnedAway += 1;
        else told.push(one);
        first.resolve();
      }),
    );
    await Promise.race([first.promise.then(() => sleep(afterMillis)), failed(working)]);
    if (thawMillis !== null) {
      await plane.freeze(freezeMillis);
      await sleep(thawMillis);
    }
    await plane.kill();
    life = null;
    stopped.abort();
    await Promise.allSettled(working);
    await crew.close();
    return { told, turnedAway };
  }

  return {
    async round(round: number, random: () => number) {
      const starting = session !== null && random() < 0.2;
      const afterMillis = Math.round(random() * (starting ? startMillisMax : loadMillisMax));
      const thawMillis = random() < 0.3 ? Math.round(random() * thawMillisMax) : null;
      const loaded = starting ? await killStarting(afterMillis) : await killLoaded(round, afterMillis, thawMillis);
      return { ...loaded, when: whenOf(starting, afterMillis, thawMillis) };
    },

    /** Starts again, and holds what was told and heard against the log. */
    async check(told: readonly Told[]) {
      const { ready } = await live();
      const { vkey } = ready.log as { vkey: string };
      const { exitCode, answer } = await runProgram(['audit', 'verify', auditDir, '--vkey', vkey, '--json']);
      const findings = exitCode === 0 && answer.ok === true ? [] : codesOf(answer);
      const records = await readLog(auditDir);
      const heard = upstream.calls.splice(0);
      const lost = lostIn(records, told, heard);
      return { findings, lost, heard: heard.length, records: records.length, unknown: countUnknown(records, told) };
    },

    async close() {
      await life?.plane.stop();
      await upstream.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function whenOf(starting: boolean, afterMillis: number, thawMillis: number | null): string {
  if (starting) return `${afterMillis} ms into its start`;
  const frozen = thawMillis === null ? '' : `, ${thawMillis} ms after it had been frozen`;
  return `${afterMillis} ms into the load${frozen}`;
}

/** A caller that gives up while the plane still runs has found something that no kill explains. */
function failed(working: readonly Promise<void>[]): Promise<never> {
  return new Promise((_, reject) => {
    for (const one of working) one.catch(reject);
  });
}

/** One line for each promise that the log does not keep. */
function lostIn(records: readonly JsonObject[], told: readonly Told[], heard: Upstream['calls']): readonly string[] {
  const decisions = new Map(records.filter(({ kind }) => kind === 'decision').map((record) => [record.id, record]));
  const digest = (record: JsonObject | undefined) => (record?.arguments as { digest?: string } | undefined)?.digest;
  const endings = new Map(records.filter(({ kind }) => kind === 'outcome').map((record) => [record.decision, record]));
  const untold = told.flatMap(({ decisionId, outcome, code, argumentsDigest }) => {
    const record = decisions.get(decisionId);
    if (record === undefined) return [`${decisionId} was answered ${code ?? outcome} and is not there`];
    if (digest(record) !== argumentsDigest) return [`${decisionId} is another call`];
    // Let through and refused after all, before the callee heard anything: the closing record has the reason.
    const closed = (endings.get(decisionId)?.result as { detail?: string } | undefined)?.detail;
    const agrees = record.outcome === outcome && record.code === code;
    if (agrees || (record.outcome === 'allow' && code !== null && closed === code)) return [];
    return [
      `${decisionId} was answered ${code ?? outcome}, and stands there as ${record.code ?? record.outcome}, ${closed ?? 'open'}`,
    ];
  });
  // Durable before the callee hears anything: what it heard is in the log, whether or not anybody was answered.
  const allowed = new Set([...decisions.values()].filter(({ outcome }) => outcome === 'allow').map(digest));
  const unheard = heard.flatMap(({ body }) => {
    const { params } = JSON.parse(body) as { params: { arguments: JsonObject } };
    const found = allowed.has(digestOf(canonicalJson(params.arguments)));
    return found ? [] : [`${canonicalJson(params.arguments)} was heard by the tool server and is not there`];
  });
  return [...untold, ...unheard];
}

/** Answered calls whose outcome was not yet written; the log shows them as unknown, which is the truth. */
function countUnknown(records: readonly JsonObject[], told: readonly Told[]): number {
  const closed = new Set(records.filter(({ kind }) => kind === 'outcome').map(({ decision }) => decision));
  return told.filter(({ outcome, decisionId }) => outcome === 'allow' && !closed.has(decisionId)).length;
}

function codesOf(answer: JsonObject): string[] {
  const found = Array.isArray(answer.findings) ? (answer.findings as readonly JsonObject[]) : [];
  return found.length === 0 ? ['unreadable'] : found.map(({ code }) => String(code));
}

/** Mulberry32: small, and the same everywhere, so that a seed means the same run. */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
