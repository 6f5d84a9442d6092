// Scopes that a task gets from its prompt (rules §3.12, §3.16), at the authorization server: what is on record, and who can widen it.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Link, ScopedServers } from '@writ/core';
import { openSqliteForTest } from '../store/testing.ts';
import { claimsOf, exchange, ORCHESTRATOR, openHowardsTask, openPlane } from './testing.ts';

const servers: ScopedServers = new Map([
  [
    'mail',
    [
      {
        name: 'send',
        risk: 4,
        intent: ['mail'],
        args: { '/to': { role: 'target' as const, type: 'email' as const } },
        takes: [
          { name: 'to', required: true },
          { name: 'body', required: true },
        ],
      },
    ],
  ],
  ['files', [{ name: 'write_file', risk: 2, intent: ['write'], takes: null }]],
]);

async function open(t: TestContext, scopeFromPrompt = true) {
  const plane = await openPlane(t, await openSqliteForTest(t));
  plane.authority = {
    ...plane.authority,
    tasks: { ...plane.authority.tasks, scopeFromPrompt },
    addresses: new Map([['howard', ['howard@corp.example']]]),
  };
  plane.scoped = servers;
  return plane;
}

const rootOf = (token: string) => (claimsOf(token).wc as unknown as readonly (Link & { scope: string[] })[])[0]!;

test('tools that the prompt does not ask for are in neither the token nor the record', async (t) => {
  const plane = await open(t);
  const { subjectToken, scopes } = await openHowardsTask(plane, { prompt: 'mail ann@corp.example the report' });
  assert.deepEqual(rootOf(subjectToken).scope, scopes);
  assert.deepEqual(
    ['files:read_file', 'files:write_file', 'mail:send', 'db/agent:send'].map((scope) => scopes.includes(scope)),
    [true, false, true, true],
  );
  const opened = plane.events.find((event) => event.event === 'task.opened');
  assert.deepEqual(opened?.scopes, scopes);
  const bound = { '': { any: true }, '/to': { oneOf: ['ann@corp.example', 'howard@corp.example'] } };
  assert.deepEqual(
    opened?.details?.map((entry) => entry.arguments),
    [undefined, bound],
  );
  const asks = { audience: plane.aud('mcp', 'files'), scope: 'files:write_file' };
  const answer = await exchange(plane, ORCHESTRATOR, subjectToken, asks);
  assert.deepEqual([answer.status, answer.body.code], [400, 'token.scope_widened']);
});

test('off, a task has what its agent has', async (t) => {
  const plane = await open(t, false);
  const { scopes, details } = await openHowardsTask(plane, { prompt: 'mail ann@corp.example the report' });
  assert.deepEqual([scopes, details], [plane.authority.entitlements.get('claude/orchestrator'), undefined]);
});

test('words that an admin relays for somebody else narrow as the person’s own would', async (t) => {
  const plane = await open(t);
  const relayed = { openedBy: { kind: 'person', user: 'ada' }, prompt: 'read the report' };
  assert.equal((await openHowardsTask(plane, relayed)).scopes.includes('mail:send'), false);
});

test('a planner narrows with and without the key, and is refused by name where it does not', async (t) => {
  for (const on of [true, false]) {
    const plane = await open(t, on);
    const ask = { prompt: 'read the report', scopes: ['files:read_file', 'mail:send'] };
    const narrow = await openHowardsTask(plane, { ...ask, planned: { scopes: ['files:read_file'] } });
    assert.deepEqual(narrow.scopes, ['files:read_file']);
    await assert.rejects(
      openHowardsTask(plane, { ...ask, planned: { scopes: ['files:write_file'] } }),
      /scope_widened/,
    );
    const tasks = await plane.store.db.selectFrom('tasks').select('id').execute();
    assert.equal(tasks.length, 1, 'a refused plan opens nothing');
  }
});
