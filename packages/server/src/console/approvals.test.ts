import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, openWorld, type World } from './world.fixture.ts';

const say = (world: World, id: string, bearer: string, hash: string, verdict = 'approve') =>
  api(world, `POST approvals/${id}`, { bearer, body: { verdict, hash } });

const stateOf = async (world: World, id: string) =>
  (await world.people.store.db.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirstOrThrow())
    .state;

test('the person behind a task sees exactly what is asked, and says yes once', async (t) => {
  const world = await openWorld(t);
  const hash = await world.asks('a1');
  const bearer = await world.signIn('howard');
  const { body } = await api(world, 'GET approvals', { bearer });
  assert.equal(body.approvals.length, 1);
  const [one] = body.approvals;
  assert.deepEqual(
    [one.id, one.hash, one.arguments, one.argumentsDigest],
    ['a1', hash, { to: 'ops@example.org' }, 'sha256:aa'],
  );
  assert.equal((await say(world, 'a1', bearer, hash)).status, 200);
  assert.equal(await stateOf(world, 'a1'), 'approved');
  assert.deepEqual((await api(world, 'GET approvals', { bearer })).body.approvals, []);
  const decided = world.events.filter(({ event }) => event === 'approval.decided');
  assert.deepEqual(
    decided.map(({ id: _id, ...event }) => event),
    [{ event: 'approval.decided', by: 'howard', approval: 'a1', verdict: 'approve', digest: hash }],
  );
});

test('a yes to something else than is asked is a conflict, and counts for nothing', async (t) => {
  const world = await openWorld(t);
  await world.asks('a1');
  const refused = await say(world, 'a1', await world.signIn('howard'), 'sha256:other');
  assert.deepEqual([refused.status, refused.body.code], [409, 'action.approval_invalid']);
  assert.equal(await stateOf(world, 'a1'), 'open');
});

test('a second verdict is a conflict, and the first one stands', async (t) => {
  const world = await openWorld(t);
  const hash = await world.asks('a1');
  const bearer = await world.signIn('howard');
  assert.equal((await say(world, 'a1', bearer, hash, 'deny')).status, 200);
  assert.equal((await say(world, 'a1', bearer, hash, 'approve')).status, 409);
  assert.equal(await stateOf(world, 'a1'), 'denied');
});

test('of many verdicts at once, one counts and one is on record', async (t) => {
  const world = await openWorld(t);
  const hash = await world.asks('a1');
  const bearer = await world.signIn('howard');
  const answers = await Promise.all(Array.from({ length: 12 }, () => say(world, 'a1', bearer, hash)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array.from({ length: 11 }, () => 409)]);
  assert.equal(world.events.filter(({ event }) => event === 'approval.decided').length, 1);
});

test('what ran out cannot be approved any more', async (t) => {
  const world = await openWorld(t);
  const hash = await world.asks('a1', {}, 60);
  const bearer = await world.signIn('howard');
  world.clock.seconds += 60;
  assert.deepEqual((await api(world, 'GET approvals', { bearer })).body.approvals, []);
  assert.equal((await say(world, 'a1', bearer, hash)).status, 409);
});

test('others neither see it nor learn that it is there', async (t) => {
  const world = await openWorld(t);
  const hash = await world.asks('a1');
  for (const user of ['eve', 'ada']) {
    const bearer = await world.signIn(user);
    assert.deepEqual((await api(world, 'GET approvals', { bearer })).body.approvals, [], user);
    const [refused, nothing] = [await say(world, 'a1', bearer, hash), await say(world, 'nothing', bearer, hash)];
    assert.equal(refused.status, 404);
    assert.equal(refused.body.error_description, nothing.body.error_description);
  }
  assert.equal(await stateOf(world, 'a1'), 'open');
});

test('risk 5 and mandates are the approver’s, not the root’s', async (t) => {
  const world = await openWorld(t);
  const howard = await world.signIn('howard');
  const carl = await world.signIn('carl');
  for (const [id, some] of [
    ['a5', { risk: 5 }],
    ['am', { mandate: true }],
  ] as const) {
    const hash = await world.asks(id, some);
    assert.equal((await say(world, id, howard, hash)).status, 404, id);
    assert.equal((await say(world, id, carl, hash)).status, 200, id);
  }
  const foreign = await world.asks('af', { root: { iss: 'https://other.example', sub: 'howard' } });
  assert.equal((await say(world, 'af', howard, foreign)).status, 404, 'howard of another issuer is somebody else');
});

test('a verdict takes a sign-in of the last five minutes', async (t) => {
  const world = await openWorld(t);
  const hash = await world.asks('a1');
  const bearer = await world.signIn('howard');
  world.clock.seconds += 301;
  const stale = await say(world, 'a1', bearer, hash);
  assert.deepEqual([stale.status, stale.body.error], [401, 'reauthenticate']);
  assert.equal(await stateOf(world, 'a1'), 'open');
  assert.equal((await say(world, 'a1', await world.signIn('howard'), hash)).status, 200);
});

test('a verdict that cannot be recorded does not count', async (t) => {
  const world = await openWorld(t);
  const hash = await world.asks('a1');
  const bearer = await world.signIn('howard');
  world.people.auditDown = true;
  assert.equal((await say(world, 'a1', bearer, hash)).status, 503);
  assert.equal(await stateOf(world, 'a1'), 'open');
  world.people.auditDown = false;
  assert.equal((await say(world, 'a1', bearer, hash)).status, 200);
});

/** As the room that asks writes it. */
const provenance = {
  '/to': { role: 'target', level: 1, from: [{ decision: 'd1', pointer: '/0/from' }] },
  '/body': { role: 'payload', level: 3, from: [], active: 1 },
  '/when': { role: 'date', level: 4, from: [{ prompt: 3 }] },
  '/note': { role: 'ignored', level: 0, from: [] },
};

test('each argument is shown with its role, its level and its source in words', async (t) => {
  const world = await openWorld(t);
  await world.decided('d1', 'allow', { target: { server: 'mail', name: 'read' } });
  await world.asks('a1', { arguments: { to: 'eve@evil.example', body: 'x', when: '2026-01-01' }, provenance });
  const { body } = await api(world, 'GET approvals', { bearer: await world.signIn('howard') });
  assert.deepEqual(
    body.approvals[0].values.map(({ says }: { says: string }) => says),
    [
      'decides where it goes or what it touches; content from outside: read from mail/read at /0/from',
      'is content; trusted: written by the agent, found as such in nothing it has read; links, addresses or numbers in it: content from outside',
      'decides when; the word of the person: it stands in the prompt of the task',
      'ignored; nobody vouches for it: written by the agent, found as such in nothing it has read',
    ],
  );
});

test('a yes may vouch for values, on record; a no may not, and neither may a message to an agent', async (t) => {
  const world = await openWorld(t);
  const hash = await world.asks('a1', { arguments: { to: 'eve@evil.example' }, provenance });
  const bearer = await world.signIn('howard');
  const post = (id: string, body: object) => api(world, `POST approvals/${id}`, { bearer, body });
  for (const endorse of [['/body'], ['/note'], ['/gone'], [], false, '/to'])
    assert.equal((await post('a1', { verdict: 'approve', hash, endorse })).status, 400, JSON.stringify(endorse));
  assert.equal((await post('a1', { verdict: 'deny', hash, endorse: true })).status, 400);
  assert.equal(await stateOf(world, 'a1'), 'open');
  assert.equal((await post('a1', { verdict: 'approve', hash: 'sha256:other', endorse: true })).status, 409);
  assert.deepEqual(world.endorsed, [], 'nothing that was not approved');
  assert.deepEqual((await post('a1', { verdict: 'approve', hash, endorse: ['/to'] })).body.endorsed, ['/to']);
  assert.deepEqual(
    world.endorsed.map(({ pointers }) => pointers),
    [['/to']],
  );
  const decided = world.events.find(({ event }) => event === 'approval.decided');
  assert.deepEqual(decided && 'endorsed' in decided && decided.endorsed, ['/to']);
  const message = await world.asks('a2', { kind: 'agent', provenance });
  assert.equal((await post('a2', { verdict: 'approve', hash: message, endorse: true })).status, 200);
  assert.equal(world.endorsed.length, 1);
});

test('only an admin who signed in recently says that a memory was wiped, with a reason, on record before it counts', async (t) => {
  const world = await openWorld(t);
  const ask = { agent: 'claude/orchestrator', reason: 'new container' };
  const forget = (bearer: string, body: object = ask) => api(world, 'POST agents/forget', { bearer, body });
  assert.equal((await forget(await world.signIn('howard'))).status, 403);
  assert.equal((await forget(world.viewerToken)).status, 403);
  const ada = await world.signIn('ada');
  for (const reason of ['', '  ', undefined]) assert.equal((await forget(ada, { ...ask, reason })).status, 400);
  assert.equal((await forget(ada, { ...ask, agent: 'claude/nobody' })).status, 404);
  world.people.auditDown = true;
  assert.equal((await forget(ada)).status, 503);
  world.people.auditDown = false;
  assert.deepEqual(world.forgotten, []);
  assert.equal((await forget(ada)).status, 200);
  assert.deepEqual(world.forgotten, ['claude/orchestrator']);
  const { id: _, ...event } = world.events.at(-1)!;
  assert.deepEqual(event, { event: 'agent.forgotten', by: 'ada', ...ask });
  world.clock.seconds += 301;
  assert.equal((await forget(ada)).status, 401);
});
