// What the tests of this room share: a key, a folder that goes away, logs in it, records, and chance that can be repeated.

import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { formatVkey, type JsonObject, type NoteSigner } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { type AuditLog, type AuditLogOptions, openAuditLog } from './log.ts';

export const origin = 'zylos.local/writ/1';
export const key = newKey(origin);
export const vkey = formatVkey(nodeEngine, origin, key.publicKey);
/** Just above the largest frame, so that a few records already fill several segments. */
export const segmentBytes = 70_000;
const time = '2026-11-24T12:00:00.000Z';

export function newKey(name: string): NoteSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    name,
    publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  };
}

export async function tempFolder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'writ-audit-'));
  t.after(async () => {
    for (const log of opened.get(dir) ?? []) await log.close();
    await rm(dir, { recursive: true, force: true });
  });
  return dir;
}

const opened = new Map<string, AuditLog[]>();

/** A clock of real time; the log only spaces checkpoints with it. */
export const clock = { nowMillis: () => Date.now() };

/** Opens a log that is closed before its folder goes away. */
export async function openLog(dir: string, more: Partial<AuditLogOptions> = {}): Promise<AuditLog> {
  const log = await openAuditLog({ dir, origin, key, clock, segmentBytes, checkpointMillis: 5, ...more });
  opened.set(dir, [...(opened.get(dir) ?? []), log]);
  return log;
}

export function event(n: number, text = ''): JsonObject {
  return { kind: 'event', id: `event-${n}`, time, text };
}

export function decision(id: string, outcome: string, more: JsonObject = {}): JsonObject {
  return { kind: 'decision', id, time, decisionId: id, outcome, ...more };
}

export function outcome(of: string, decisionSequence: number, state = 'complete'): JsonObject {
  return { kind: 'outcome', id: `outcome-${of}`, time, decision: of, decisionSequence, result: { state } };
}

/** Appends events and waits for all of them; answers their sequences. */
export async function appendEvents(log: AuditLog, from: number, count: number, text = ''): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, i) => log.append(event(from + i, text)).durable));
}

/** Numbers in [0, 1) that a seed repeats (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
