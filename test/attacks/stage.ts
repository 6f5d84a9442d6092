// The world of one attack file: a whole plane, a tool server and an agent that keep what reaches them, and the names that a case
// gives to tasks, tokens and connections.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { DialSvid } from '@writ/agent/node';
import { type DenialCode, isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { type Keys, openKeys } from '../../packages/server/src/token/keys.ts';
import { freePort } from '../free-port.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { type Callee, startCallee } from './callee.ts';
import type { AttackFile } from './case.ts';
import { decode } from './forge.ts';
import { HOUSE, HOUSE_TOOLS } from './house.ts';
import { startUpstream, type Upstream } from './upstream.ts';
import type { Sender } from './wire.ts';

/** A token or continuation that a case has a name for. */
export interface Kept {
  readonly token: string;
  readonly isContinuation: boolean;
  readonly task: string | null;
}

export interface Stage {
  readonly plane: TestPlane;
  readonly upstream: Upstream;
  readonly callee: Callee;
  /** The plane's own keys, read from its folder. */
  readonly keys: Keys;
  /** The credential that the plane holds for the tool server. */
  readonly upstreamKey: string;
  /** Every refusal so far, by the id its caller was told. */
  readonly refused: {
    readonly decisionId: string;
    readonly code: string;
    readonly reaches: boolean;
    /** A person was asked instead. */
    readonly asks: boolean;
  }[];
  readonly isHouse: boolean;
  /** Refusals at the door so far: reason → how many. */
  readonly provoked: Map<DenialCode, number>;
  sender(as: string): Promise<Sender>;
  close(): Promise<void>;
}

/** What a file's plane knows unless the file says otherwise. `board` is a second server at the same address. */
const WORLD: JsonObject = {
  agents: {
    'claude/orchestrator': {
      attest: { launched: true },
      inputs: 'gated',
      memory: 'task',
      calls: ['db/agent', 'notes', 'board'],
      scopes: ['notes:*', 'board:read', 'db/reader:send', 'claude/orchestrator:send'],
    },
    'db/agent': {
      attest: { launched: true },
      inputs: 'gated',
      memory: 'task',
      calls: ['db/reader', 'claude/orchestrator', 'notes'],
      scopes: ['notes:read', 'notes:send'],
      a2a: '$CALLEE',
    },
    'db/reader': {
      attest: { launched: true },
      inputs: 'gated',
      memory: 'task',
      calls: ['notes'],
      scopes: ['notes:read'],
    },
    'scheduler/c5': {
      attest: { launched: true },
      inputs: 'gated',
      memory: 'task',
      calls: ['notes'],
      scopes: ['notes:read'],
    },
    'idle/agent': { attest: { launched: true } },
  },
  servers: {
    notes: { mcp: { url: '$UPSTREAM/notes' }, credential: { env: 'UPSTREAM_KEY' } },
    board: { mcp: { url: '$UPSTREAM/board' }, credential: { env: 'UPSTREAM_KEY' } },
  },
  users: { howard: { roles: ['admin', 'approver'] }, mallory: {} },
  allow: [
    { agent: 'claude/orchestrator', tool: 'notes/read', risk: 1 },
    { agent: 'claude/orchestrator', tool: 'board/read', risk: 1 },
    { agent: 'db/agent', tool: 'notes/read', risk: 1 },
    { agent: 'scheduler/c5', tool: 'notes/read', risk: 1 },
  ],
};

/** Rejects with nothing left open. */
export async function openStage({ config, world }: Pick<AttackFile, 'config' | 'world'>): Promise<Stage> {
  const closing: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const one of closing.splice(0).reverse()) await one();
  };
  try {
    return { ...(await openParts(config, world === 'house', (one) => closing.push(one))), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openParts(
  config: JsonObject,
  isHouse: boolean,
  onClose: (close: () => Promise<void>) => void,
): Promise<Omit<Stage, 'close'>> {
  const upstreamKey = `upstream-${crypto.randomUUID()}`;
  const upstream = await startUpstream(upstreamKey, isHouse ? HOUSE_TOOLS : {});
  onClose(upstream.close);
  const calleePort = await freePort();
  const json = JSON.stringify({ ...(isHouse ? HOUSE : WORLD), ...config })
    .replaceAll('$HERE', import.meta.dirname)
    .replaceAll('$UPSTREAM', `http://127.0.0.1:${upstream.port}/mcp`)
    .replaceAll('$CALLEE', `https://127.0.0.1:${calleePort}/`);
  const plane = await startTestPlane({ yaml: flowMembers(json), environment: { UPSTREAM_KEY: upstreamKey } });
  onClose(plane.close);
  const callee = await startCallee(await plane.svid('db/agent'), calleePort);
  onClose(callee.close);
  const held = new Map<string, Promise<DialSvid>>();
  return {
    plane,
    upstream,
    callee,
    keys: await openKeys({ dir: join(plane.dataDir, 'data', 'keys') }),
    upstreamKey,
    refused: [],
    isHouse,
    provoked: new Map(),
    async sender(as) {
      if (as === 'nobody') return null;
      if (!held.has(as)) held.set(as, plane.svid(as));
      return held.get(as)!;
    },
  };
}

/** JSON is YAML; one line for each member, so that they can follow the head of the fixture. */
function flowMembers(json: string): string {
  return Object.entries(JSON.parse(json) as JsonObject)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
    .join('');
}

/** Names of one case; `{{token}}`, `{{token.task}}`, `{{now+60}}` and the addresses of the plane stand for their values. */
export function openNames(stage: Stage) {
  const kept = new Map<string, Kept>();
  const notes = new Map<string, string>();
  const { plane } = stage;
  const fixed: { readonly [name: string]: string } = {
    mtls: plane.mtls,
    host: new URL(plane.mtls).host,
    oauth: plane.oauth,
    issuer: plane.issuer,
    key: stage.upstreamKey,
    flood: 'x'.repeat(900_000),
    keyInBase64: Buffer.from(stage.upstreamKey).toString('base64'),
  };

  const find = (name: string): Kept => {
    const found = kept.get(name);
    assert.ok(found, `no step kept anything under \`${name}\``);
    return found;
  };

  function lookUp(name: string): string | number {
    const time = /^now([+-]\d+)?$/.exec(name);
    if (time) return Math.floor(Date.now() / 1000) + Number(time[1] ?? 0);
    const noted = notes.get(name) ?? fixed[name];
    if (noted !== undefined) return noted;
    const [of, part] = name.split('.') as [string, string?];
    const { token, task } = find(of);
    if (part === undefined) return token;
    if (part === 'task') return task!;
    const claim = decode(token.split('.')[1]!)[part];
    assert.ok(typeof claim === 'string' || typeof claim === 'number', `\`${of}\` has no \`${part}\``);
    return claim;
  }

  function fill<T extends JsonValue>(value: T): T;
  function fill(value: JsonValue): JsonValue {
    if (typeof value === 'string') {
      const whole = /^\{\{([\w.+-]+)\}\}$/.exec(value)?.[1];
      if (whole !== undefined) return lookUp(whole);
      return value.replaceAll(/\{\{([\w.+-]+)\}\}/g, (_, name: string) => String(lookUp(name)));
    }
    if (Array.isArray(value)) return value.map((item: JsonValue) => fill(item));
    if (isJsonObject(value)) {
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fill(member)]));
    }
    return value;
  }

  return {
    fill,
    find,
    has: (name: string) => kept.has(name),
    keep: (name: string, one: Kept) => void kept.set(name, one),
    note: (name: string, text: string) => void notes.set(name, text),
  };
}

export type Names = ReturnType<typeof openNames>;
