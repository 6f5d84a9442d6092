import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Review } from './ports.ts';
import { api, openWorld } from './world.fixture.ts';

const task = { agent: 'claude/orchestrator', prompt: 'read my files' };

test('a person opens a task of their own, in their own words', async (t) => {
  const world = await openWorld(t);
  const bearer = await world.signIn('howard');
  const { status, body } = await api(world, 'POST tasks', {
    bearer,
    body: { ...task, scope: ['files:read_file'], ttlSeconds: 60 },
  });
  assert.equal(status, 201);
  assert.match(body.task, /^tsk_/);
  assert.equal(Date.parse(body.expires), (world.clock.seconds + 60) * 1000);
  const row = await world.people.store.db.selectFrom('tasks').selectAll().executeTakeFirstOrThrow();
  assert.deepEqual([row.root_sub, row.origin, row.opened_by, row.prompt], ['howard', 'direct', 'howard', task.prompt]);
});

test('for somebody else, an admin relays, and nobody else does', async (t) => {
  const world = await openWorld(t);
  const body = { ...task, user: 'howard' };
  const refused = await api(world, 'POST tasks', { bearer: await world.signIn('eve'), body });
  assert.deepEqual([refused.status, refused.body.code], [403, 'action.prompt_not_from_principal']);
  const opened = await api(world, 'POST tasks', { bearer: await world.signIn('ada'), body });
  assert.equal(opened.status, 201);
  const row = await world.people.store.db.selectFrom('tasks').selectAll().executeTakeFirstOrThrow();
  assert.deepEqual([row.root_sub, row.origin, row.opened_by], ['howard', 'relayed', 'ada']);
  const nobody = await api(world, 'POST tasks', {
    bearer: await world.signIn('ada'),
    body: { ...task, user: 'nobody' },
  });
  assert.equal(nobody.status, 404);
});

test('what a task may not have is refused in the words of the rule', async (t) => {
  const world = await openWorld(t);
  const bearer = await world.signIn('howard');
  const cases: [object | string, number, string | null][] = [
    [{ ...task, scope: ['mail:delete_all'] }, 403, 'token.scope_widened'],
    [{ ...task, agent: 'no/body' }, 404, 'action.unknown'],
    [{ ...task, surprise: true }, 400, 'gateway.malformed'],
    [{ prompt: 'x' }, 400, 'gateway.malformed'],
    ['{"agent":"a/b","agent":"c/d"}', 400, 'gateway.malformed'],
    [`{"agent":"${'x'.repeat(300_000)}"}`, 413, 'gateway.too_large'],
  ];
  for (const [body, status, code] of cases) {
    const answer = await api(world, 'POST tasks', { bearer, body });
    assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(body).slice(0, 80));
  }
  const form = await api(world, 'POST tasks', { bearer, body: '{}', headers: { 'content-type': 'text/plain' } });
  assert.equal(form.status, 415);
});

test('a task is ended by the person behind it or by an admin', async (t) => {
  const world = await openWorld(t);
  const howard = await world.signIn('howard');
  const open = async () => (await api(world, 'POST tasks', { bearer: howard, body: task })).body.task as string;
  const [one, other] = [await open(), await open()];
  assert.equal((await api(world, `DELETE tasks/${one}`, { bearer: await world.signIn('eve') })).status, 404);
  assert.equal((await api(world, `DELETE tasks/${one}`, { bearer: howard })).status, 200);
  assert.equal((await api(world, `DELETE tasks/${one}`, { bearer: howard })).status, 404);
  assert.equal((await api(world, `DELETE tasks/${other}`, { bearer: await world.signIn('ada') })).status, 200);
});

test('admin acts take a sign-in of the last five minutes', async (t) => {
  const world = await openWorld(t);
  const howard = await world.signIn('howard');
  const bearer = await world.signIn('ada');
  const mine = (await api(world, 'POST tasks', { bearer: howard, body: task })).body.task;
  world.clock.seconds += 300;
  assert.equal((await api(world, 'POST revocations', { bearer, body: { task: mine } })).status, 200);
  world.clock.seconds += 1;
  const acts: [string, object | undefined][] = [
    ['POST revocations', { user: 'howard' }],
    ['POST policy/review/files', { digest: 'sha256:00' }],
    ['POST tasks', { ...task, user: 'howard' }],
  ];
  for (const [what, body] of acts) {
    const stale = await api(world, what, { bearer, body });
    assert.deepEqual([stale.status, stale.body.error], [401, 'reauthenticate'], what);
    assert.match(stale.body.error_description, /writ login/);
    assert.match(stale.headers.get('www-authenticate')!, /insufficient_user_authentication.*max_age="300"/);
  }
  assert.equal((await api(world, 'POST tasks', { bearer, body: task })).status, 201, 'an own task is no admin act');
  const again = await world.signIn('ada');
  assert.equal((await api(world, 'POST revocations', { bearer: again, body: { user: 'howard' } })).status, 200);
  assert.equal(world.events.filter(({ event }) => event === 'api.refused').length, 3);
});

test('an admin withdraws, and nobody else', async (t) => {
  const world = await openWorld(t);
  const howard = await world.signIn('howard');
  for (const user of ['howard', 'carl']) {
    const refused = await api(world, 'POST revocations', { bearer: await world.signIn(user), body: { user: 'eve' } });
    assert.deepEqual([refused.status, refused.body.error], [403, 'role_required'], user);
  }
  const bearer = await world.signIn('ada');
  assert.equal((await api(world, 'POST revocations', { bearer, body: { agent: 'db/agent' } })).status, 200);
  assert.ok(world.plane.server.revocations.view().agents.has('spiffe://zylos.local/db/agent'));
  for (const body of [{}, { agent: 'a/b', user: 'c' }, { agent: 'not a path' }]) {
    assert.equal((await api(world, 'POST revocations', { bearer, body })).status, 400, JSON.stringify(body));
  }
  assert.equal((await api(world, 'GET whoami', { bearer: howard })).status, 200);
  await api(world, 'POST revocations', { bearer, body: { user: 'howard' } });
  assert.equal((await api(world, 'GET whoami', { bearer: howard })).status, 401, 'their sessions end with them');
});

const REVIEW: Review = {
  server: 'files',
  digest: 'sha256:whole',
  entries: [
    ...(['read_file', 'write_file'] as const).map((name) => ({
      name,
      state: name === 'read_file' ? ('reviewed' as const) : ('new' as const),
      digest: `sha256:${name}`,
      document: { definition: { name, description: 'does it' }, instructions: null },
      changes: [],
    })),
  ],
  refused: [],
};

test('a review pins what was seen, all of it, and is on record first', async (t) => {
  const world = await openWorld(t);
  world.review = REVIEW;
  const bearer = await world.signIn('ada');
  const { body } = await api(world, 'GET policy/review/files', { bearer });
  assert.deepEqual(
    body.tools.map((tool: { name: string; state: string }) => [tool.name, tool.state]),
    [
      ['read_file', 'reviewed'],
      ['write_file', 'new'],
    ],
  );
  const say = (yes: object) => api(world, 'POST policy/review/files', { bearer, body: yes });
  for (const other of [{ digest: 'sha256:other' }, { digests: {} }, { digests: { write_file: 'sha256:other' } }]) {
    assert.equal((await say(other)).status, 409, JSON.stringify(other));
  }
  assert.deepEqual(world.pinned, []);
  world.people.auditDown = true;
  assert.equal((await say({ digest: REVIEW.digest })).status, 503);
  assert.deepEqual(world.pinned, []);
  world.people.auditDown = false;
  // Pinned in the name of somebody who did not look: refused, whoever is signed in.
  assert.equal((await say({ digest: REVIEW.digest, by: 'howard' })).status, 403);
  assert.deepEqual(world.pinned, []);
  assert.equal((await say({ digests: { write_file: 'sha256:write_file' }, by: 'ada' })).status, 200);
  assert.deepEqual(world.pinned, [{ server: 'files', digest: 'sha256:whole', by: 'ada' }]);
  const recorded = world.events.filter((event) => event.event === 'policy.reviewed');
  assert.deepEqual(
    recorded.map(({ by, changed }) => ({ by, changed })),
    [{ by: 'ada', changed: [{ name: 'write_file', state: 'new', digest: 'sha256:write_file' }] }],
  );
  assert.equal((await api(world, 'GET policy/review/nobody', { bearer })).status, 404);
});

test('one-time link and password open sessions through the API', async (t) => {
  const world = await openWorld(t);
  world.people.users.delete('ada');
  const link = await world.people.room.firstAdminLink();
  const first = await api(world, 'POST login', { body: { link } });
  assert.equal(first.status, 200);
  assert.deepEqual(first.body.roles, ['viewer', 'approver', 'admin']);
  assert.equal(Date.parse(first.body.expires), (world.clock.seconds + 8 * 3600) * 1000);
  assert.equal((await api(world, 'POST login', { body: { link } })).status, 403);
  const password = await api(world, 'POST login', {
    body: { user: 'howard', password: 'correct horse battery staple' },
  });
  assert.equal(password.status, 200);
  assert.equal((await api(world, 'GET whoami', { bearer: password.body.session })).body.user, 'howard');
  const wrong = await api(world, 'POST login', { body: { user: 'howard', password: 'wrong' } });
  assert.equal(wrong.status, 403);
});

test('keys are rotated by an admin who signed in lately, and recorded before', async (t) => {
  const world = await openWorld(t);
  const ask = { kind: 'root', revoke: true };
  const refused = await api(world, 'POST keys', { bearer: await world.signIn('howard'), body: ask });
  assert.equal(refused.status, 403);
  const bearer = await world.signIn('ada');
  for (const body of [{ kind: 'all' }, { kind: 'root', revoke: 1 }, { ...ask, surprise: true }])
    assert.equal((await api(world, 'POST keys', { bearer, body })).status, 400);
  const { status, body } = await api(world, 'POST keys', { bearer, body: ask });
  assert.deepEqual([status, body.rotations], [200, [{ kind: 'root', atOnce: false, revoke: true }]]);
  const [event] = world.events.filter(({ event }) => event === 'keys.rotated');
  assert.deepEqual({ ...event, id: null }, { event: 'keys.rotated', id: null, by: 'ada', ...ask, atOnce: false });
  world.clock.seconds += 301;
  const late = await api(world, 'POST keys', { bearer, body: ask });
  assert.equal(late.status, 401, 'signed in too long ago');
  assert.deepEqual((await api(world, 'GET keys', { bearer })).body, body);
});
