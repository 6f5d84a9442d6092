// What people do in an attack, and what happens at the same time: questions that are looked at and answered, hours that pass, calls
// that race. The person is the plane's own; an agent that tries to answer does so with `request`.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { JsonObject } from '@writ/core';
import type { Step } from './case.ts';
import type { Names, Stage } from './stage.ts';

interface Question {
  readonly id: string;
  readonly hash: string;
  readonly rules: readonly string[];
}

/** The newest question that waits, kept under this name; its digest as `NAME-hash`. `rules`: which of them asked. */
export async function lookAtQuestion({ on, with: { rules } }: Step, { plane }: Stage, names: Names): Promise<void> {
  const { approvals } = (await (await plane.person('/approvals')).json()) as { approvals: readonly Question[] };
  const newest = approvals.at(-1);
  assert.ok(newest, 'nothing waits for a person');
  names.note(String(on), newest.id);
  names.note(`${String(on)}-hash`, newest.hash);
  if (rules !== undefined) assert.deepEqual([...newest.rules].sort(), [...(rules as string[])].sort());
}

/** `hash`: another digest than the one that was shown. `status`: what the person is told instead of 200. */
export async function answerQuestion({ on, with: how }: Step, { plane }: Stage, names: Names): Promise<void> {
  const { verdict = 'approve', hash = `{{${String(on)}-hash}}`, status = 200 } = how;
  const body = JSON.stringify(names.fill({ verdict, hash } as JsonObject));
  const answer = await plane.person(`/approvals/${names.fill(`{{${String(on)}}}`)}`, { method: 'POST', body });
  assert.equal(answer.status, status, await answer.text());
}

/** Every question was asked so many seconds earlier: the store is what keeps their time (rules §6). */
export function passTime(dataDir: string, seconds: number): void {
  const db = new DatabaseSync(join(dataDir, 'data', 'state.db'), { timeout: 5000 });
  try {
    db.prepare('update approvals set created = created - ?, expires = expires - ?').run(seconds, seconds);
  } finally {
    db.close();
  }
}
