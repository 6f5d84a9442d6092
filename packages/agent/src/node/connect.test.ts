import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from './connect.ts';
import { fakePlane, spiffe } from './fake-plane.fixture.ts';

async function setting(t: TestContext) {
  const plane = await fakePlane();
  t.after(() => plane.close());
  const svid = await plane.authority.svid(spiffe('claude/orchestrator'));
  let closed = 0;
  const source = { current: () => svid, close: () => void closed++ };
  const ready = { gateway: { mtls: plane.plane.mtls }, issuer: plane.plane.issuer, gatewayId: plane.plane.gatewayId };
  return { plane, source, ready, closed: () => closed };
}

test('the ready line is enough to know the plane', async (t) => {
  const { plane, source, ready, closed } = await setting(t);
  for (const given of [ready, JSON.stringify(ready), plane.plane]) {
    const agent = await connect({ plane: given, source, env: {} });
    assert.deepEqual([agent.id, agent.url('files')], [spiffe('claude/orchestrator'), `${plane.plane.mtls}/mcp/files`]);
    await agent.close();
  }
  assert.equal(closed(), 3);
});

test('the environment names plane and task for an agent that was launched', async (t) => {
  const { plane, source, ready } = await setting(t);
  const dir = await mkdtemp(join(tmpdir(), 'writ-agent-'));
  t.after(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, 'ready.json'), JSON.stringify(ready));
  const task = plane.openTask('claude/orchestrator', ['files:read_file']);
  const variables = {
    WRIT_MTLS: plane.plane.mtls,
    WRIT_ISSUER: plane.plane.issuer,
    WRIT_GATEWAY_ID: plane.plane.gatewayId,
  };
  for (const env of [{ WRIT_READY: join(dir, 'ready.json') }, variables]) {
    const agent = await connect({ source, env: { ...env, WRIT_TASK: task } });
    const { scopes } = await agent.spawn({ tools: ['files/read_file'], audience: 'files', estimatedSeconds: 5 });
    assert.deepEqual(scopes, ['files:read_file']);
    await agent.close();
  }
});

test('without a plane the way out is named', async (t) => {
  const { source } = await setting(t);
  await assert.rejects(connect({ source, env: {} }), /no plane is named: set `WRIT_READY`/);
  await assert.rejects(
    connect({ source, env: {}, plane: 'not JSON' }),
    /is not the JSON line that `writ up --json` prints/,
  );
});

test('when the task cannot be had nothing stays open', async (t) => {
  const { plane, source, ready, closed } = await setting(t);
  const task = plane.openTask('db/agent', ['files:read_file']);
  await assert.rejects(connect({ plane: ready, source, env: {}, task }), { name: 'DeniedError' });
  assert.equal(closed(), 1);
});
