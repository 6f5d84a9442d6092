import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionSeconds } from './sessions.ts';
import { HOWARD, openPeople } from './testing.ts';

const source = '10.0.0.7';

test('the right password opens a session of its own, each time anew', async (t) => {
  const world = await openPeople(t);
  await world.configure('howard', ['approver'], HOWARD);
  const [one, other] = await Promise.all(
    [1, 2].map(() => world.room.signIn.byPassword({ user: 'howard', password: HOWARD, source })),
  );
  assert.ok(one?.ok && other?.ok);
  assert.notEqual(one.secret, other.secret);
  assert.notEqual(one.person.csrf, other.person.csrf);
  assert.deepEqual(await world.room.personOf(one.secret), one.person);
  assert.deepEqual(one.person.roles, ['viewer', 'approver']);
  assert.equal(one.person.authenticatedAtSeconds, world.clock.seconds);
});

test('a wrong password and a person who does not exist read the same', async (t) => {
  const world = await openPeople(t);
  await world.configure('howard', [], HOWARD);
  await world.configure('ada', []);
  const answers = await Promise.all(
    ['howard', 'nobody', 'ada', '<script>', ''].map((user) =>
      world.room.signIn.byPassword({ user, password: 'something else', source }),
    ),
  );
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  assert.ok(!answers[0]!.ok);
});

test('a name that is nobody’s is not recorded, because it may be a password', async (t) => {
  const world = await openPeople(t);
  await world.configure('howard', [], HOWARD);
  for (const user of ['howard', HOWARD]) await world.room.signIn.byPassword({ user, password: 'x', source });
  const users = world.events.map((event) => (event.event === 'person.sign_in_refused' ? event.user : 'unexpected'));
  assert.deepEqual(users, ['howard', null]);
});

test('after ten wrong tries the right password has to wait, and then works', async (t) => {
  const world = await openPeople(t);
  await world.configure('howard', [], HOWARD);
  for (let i = 0; i < 10; i++) {
    const wrong = await world.room.signIn.byPassword({ user: 'howard', password: `guess ${i}`, source });
    assert.ok(!wrong.ok && wrong.status === 403);
  }
  const limited = await world.room.signIn.byPassword({ user: 'howard', password: HOWARD, source });
  assert.ok(!limited.ok && limited.status === 429);
  assert.equal(limited.retrySeconds, 30);
  const elsewhere = await world.room.signIn.byPassword({ user: 'howard', password: HOWARD, source: '10.0.0.8' });
  assert.ok(elsewhere.ok, 'somebody else is not held up');
  world.clock.seconds += 30;
  assert.ok((await world.room.signIn.byPassword({ user: 'howard', password: HOWARD, source })).ok);
});

test('many tries at once count as many', async (t) => {
  const world = await openPeople(t);
  await world.configure('howard', [], HOWARD);
  const answers = await Promise.all(
    Array.from({ length: 25 }, (_, i) =>
      world.room.signIn.byPassword({ user: 'howard', password: `guess ${i}`, source }),
    ),
  );
  assert.equal(answers.filter((answer) => !answer.ok && answer.status === 403).length, 10);
  assert.equal(answers.filter((answer) => !answer.ok && answer.status === 429).length, 15);
});

test('many sources that try one name are limited together', async (t) => {
  const world = await openPeople(t);
  await world.configure('howard', [], HOWARD);
  const answers = [];
  for (let i = 0; i < 101; i++) {
    answers.push(await world.room.signIn.byPassword({ user: 'howard', password: 'guess', source: `10.1.0.${i}` }));
  }
  assert.equal(answers.filter((answer) => !answer.ok && answer.status === 403).length, 100);
  const last = answers.at(-1)!;
  assert.ok(!last.ok && last.status === 429);
});

test('signing in rightly again and again is never limited', async (t) => {
  const world = await openPeople(t);
  await world.configure('howard', [], HOWARD);
  for (let i = 0; i < 15; i++) {
    assert.ok((await world.room.signIn.byPassword({ user: 'howard', password: HOWARD, source })).ok);
  }
});

test('a session ends after a working day, when it is ended, and when its person is gone', async (t) => {
  const world = await openPeople(t);
  await world.configure('howard', [], HOWARD);
  const open = async () => {
    const signedIn = await world.room.signIn.byPassword({ user: 'howard', password: HOWARD, source });
    assert.ok(signedIn.ok);
    return signedIn;
  };
  const long = await open();
  world.clock.seconds += sessionSeconds - 1;
  assert.notEqual(await world.room.personOf(long.secret), null);
  world.clock.seconds += 1;
  assert.equal(await world.room.personOf(long.secret), null);

  const ended = await open();
  const kept = await open();
  await world.room.sessions.end(ended.person.sessionId);
  assert.equal(await world.room.personOf(ended.secret), null);
  assert.notEqual(await world.room.personOf(kept.secret), null);

  world.users.delete('howard');
  assert.equal(await world.room.personOf(kept.secret), null);
});

test('a role that is taken away is gone in sessions that are open', async (t) => {
  const world = await openPeople(t);
  await world.configure('ada', ['admin'], HOWARD);
  const signedIn = await world.room.signIn.byPassword({ user: 'ada', password: HOWARD, source });
  assert.ok(signedIn.ok);
  world.users.set('ada', { ...world.users.get('ada')!, roles: [] });
  assert.deepEqual((await world.room.personOf(signedIn.secret))?.roles, ['viewer']);
});

test('the hash of a session, as the store has it, opens nothing', async (t) => {
  const world = await openPeople(t);
  await world.configure('howard', [], HOWARD);
  const signedIn = await world.room.signIn.byPassword({ user: 'howard', password: HOWARD, source });
  assert.ok(signedIn.ok);
  assert.equal(await world.room.personOf(signedIn.person.sessionId), null);
  assert.equal(await world.room.personOf(`wrs_${signedIn.person.sessionId}`), null);
});

test('no record, no session', async (t) => {
  const world = await openPeople(t);
  await world.configure('howard', [], HOWARD);
  world.auditDown = true;
  await assert.rejects(world.room.signIn.byPassword({ user: 'howard', password: HOWARD, source }), /the log is gone/);
  assert.deepEqual(await world.store.db.selectFrom('sessions').selectAll().execute(), []);
});

test('a password file that cannot be read is the operator’s to hear of', async (t) => {
  const world = await openPeople(t);
  world.users.set('howard', { passwordFile: `${world.folder}/gone.hash`, roles: [] });
  const refused = await world.room.signIn.byPassword({ user: 'howard', password: HOWARD, source });
  assert.ok(!refused.ok && refused.status === 403);
  assert.match(world.reported.join(), /the password of `howard`.*ENOENT/);
});
