// Test support for the exchange: howard's authority at db/agent, and what a refusal looks like.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { openSqliteForTest } from '../../store/testing.ts';
import {
  type Answer,
  continueFor,
  DB_AGENT,
  exchange,
  ORCHESTRATOR,
  openHowardsTask,
  openPlane,
  type Plane,
} from '../testing.ts';

export const open = async (t: TestContext) => openPlane(t, await openSqliteForTest(t));

/** The orchestrator's token for db/agent, and the continuation that db/agent gets with the call. */
export async function atDbAgent(plane: Plane, scope = 'db/agent:send files:read_file db/reader:send', ask = {}) {
  const task = await openHowardsTask(plane, ask);
  const taken = await exchange(plane, ORCHESTRATOR, task.subjectToken, {
    audience: plane.aud('a2a', 'db/agent'),
    scope,
  });
  assert.equal(taken.status, 200, JSON.stringify(taken.body));
  const token = String(taken.body.access_token);
  return { task, token, continuation: await continueFor(plane, token, DB_AGENT) };
}

export function refusedWith(answer: Answer, error: string, code: string): void {
  assert.deepEqual(
    { status: answer.status, error: answer.body.error, code: answer.body.code },
    { status: 400, error, code },
    JSON.stringify(answer.body),
  );
  assert.equal(answer.body.decisionId, answer.headers.get('writ-decision'));
  assert.equal(answer.body.access_token, undefined);
}
