// `writ approvals` and `writ agent forget` against a plane that keeps what it was asked.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakePlane, run } from './plane.fixture.ts';

const waiting = {
  id: 'apr_1',
  expires: '2026-11-24T12:00:00Z',
  will: 'If you approve, claude/orchestrator moves money through bank/pay, for howard, once: to "DE75", amount 50.',
  hash: 'sha256:aa',
  values: [{ pointer: '/to', value: 'DE75\u001b[2J', says: 'decides where it goes; content from outside' }],
};

async function against<T>(body: object, work: (env: NodeJS.ProcessEnv, asked: () => unknown[]) => Promise<T>) {
  await using plane = await fakePlane(() => ({ body: body as never }));
  const asked = () =>
    plane.asked.map(({ method, path, body }) => [method, path, body === '' ? null : JSON.parse(body)]);
  return await work({ WRIT_ADMIN: plane.origin, WRIT_SESSION: 's' }, asked);
}

test('what waits is told in words, with the source of each value, and nothing that steers the terminal', async () => {
  await against({ approvals: [waiting] }, async (env) => {
    const { stdout, exitCode } = await run(['approvals'], env);
    assert.equal(exitCode, 0);
    const [head, will, value] = stdout.split('\n');
    assert.deepEqual([head, will], ['apr_1  until 2026-11-24T12:00:00Z', `  ${waiting.will}`]);
    assert.match(value!, /^ {4}\/to = .*: decides where it goes; content from outside$/);
    assert.ok(!stdout.includes('\u001b'));
  });
});

test('a yes may vouch for the values; a no has no such word', async () => {
  await against({ id: 'apr_1' }, async (env, asked) => {
    const words = ['apr_1', '--hash', 'sha256:aa', '--endorse'];
    assert.equal((await run(['approvals', 'approve', ...words], env)).exitCode, 0);
    assert.equal((await run(['approvals', 'deny', ...words], env)).exitCode, 2);
    const body = { verdict: 'approve', hash: 'sha256:aa', endorse: true };
    assert.deepEqual(asked(), [['POST', '/api/v1/approvals/apr_1', body]]);
  });
});

test('an agent is forgotten with a reason and not without', async () => {
  await against({ agent: 'claude/orchestrator' }, async (env, asked) => {
    assert.equal((await run(['agent', 'forget', 'claude/orchestrator'], env)).exitCode, 2);
    const done = await run(['agent', 'forget', 'claude/orchestrator', '--reason', 'new container'], env);
    assert.deepEqual([done.exitCode, done.stdout], [0, 'nothing that claude/orchestrator had read counts any more\n']);
    const body = { agent: 'claude/orchestrator', reason: 'new container' };
    assert.deepEqual(asked(), [['POST', '/api/v1/agents/forget', body]]);
  });
});
