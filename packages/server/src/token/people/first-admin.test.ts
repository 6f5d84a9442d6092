import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testOnEachStore } from '../../store/testing.ts';
import { HOWARD, openPeople, type PeopleWorld } from './testing.ts';

const source = '127.0.0.1';

async function linkOf(world: PeopleWorld): Promise<string> {
  world.origins.push('http://127.0.0.1:8420');
  const link = await world.room.firstAdminLink();
  assert.match(link!, /^http:\/\/127\.0\.0\.1:8420\/login\?once=[A-Za-z0-9_-]{43}$/);
  return link!;
}

test('the link makes one admin session, and is good once', async (t) => {
  const world = await openPeople(t);
  const link = await linkOf(world);
  const first = await world.room.signIn.byLink({ link, source });
  assert.ok(first.ok);
  assert.equal(first.person.user, 'admin');
  assert.deepEqual(first.person.roles, ['viewer', 'approver', 'admin']);
  const second = await world.room.signIn.byLink({ link, source });
  assert.ok(!second.ok);
  assert.equal(second.status, 403);
  assert.deepEqual(
    world.events.map(({ event }) => event),
    ['person.first_admin'],
  );
});

test('the link is good for fifteen minutes', async (t) => {
  const world = await openPeople(t);
  const link = await linkOf(world);
  world.clock.seconds += 15 * 60;
  const late = await world.room.signIn.byLink({ link, source });
  assert.ok(!late.ok);
  assert.match(late.says, /15 minutes/);
});

test('a second before, it is still good', async (t) => {
  const world = await openPeople(t);
  const link = await linkOf(world);
  world.clock.seconds += 15 * 60 - 1;
  assert.ok((await world.room.signIn.byLink({ link, source })).ok);
});

testOnEachStore('of twenty that race for the link, one wins', async (store, t) => {
  const world = await openPeople(t, { store });
  const link = await linkOf(world);
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, i) => world.room.signIn.byLink({ link, source: `127.0.0.${i + 1}` })),
  );
  assert.equal(results.filter(({ ok }) => ok).length, 1);
  assert.equal(world.events.filter(({ event }) => event === 'person.first_admin').length, 1);
});

test('links of other starts end with the one that was used', async (t) => {
  const world = await openPeople(t);
  const one = await linkOf(world);
  const other = (await world.room.firstAdminLink())!;
  assert.notEqual(one, other);
  assert.ok((await world.room.signIn.byLink({ link: other, source })).ok);
  assert.ok(!(await world.room.signIn.byLink({ link: one, source })).ok);
});

test('what cannot be recorded does not happen, and leaves the link as it was', async (t) => {
  const world = await openPeople(t);
  const link = await linkOf(world);
  world.auditDown = true;
  await assert.rejects(world.room.signIn.byLink({ link, source }), /the log is gone/);
  assert.equal(await world.room.find('admin'), null);
  world.auditDown = false;
  assert.ok((await world.room.signIn.byLink({ link, source })).ok);
});

test('with a chosen name and password, the next start prints no link and the password signs in', async (t) => {
  const world = await openPeople(t);
  const link = await linkOf(world);
  const chosen = { user: 'ada', password: 'an analytical engine' };
  assert.ok((await world.room.signIn.byLink({ link, source, chosen })).ok);
  assert.equal(await world.room.firstAdminLink(), null);
  const again = await world.room.signIn.byPassword({ ...chosen, source });
  assert.ok(again.ok && again.person.roles.includes('admin'));
});

test('without a password, the next start prints another link', async (t) => {
  const world = await openPeople(t);
  assert.ok((await world.room.signIn.byLink({ link: await linkOf(world), source })).ok);
  assert.notEqual(await world.room.firstAdminLink(), null);
});

test('a weak choice, or the name of somebody with a password, leaves the link as it was', async (t) => {
  const world = await openPeople(t);
  await world.configure('howard', [], HOWARD);
  const link = await linkOf(world);
  for (const chosen of [
    { user: 'ada', password: 'short' },
    { user: 'howard', password: 'an analytical engine' },
    { user: '<ada>', password: 'an analytical engine' },
  ]) {
    const refused = await world.room.signIn.byLink({ link, source, chosen });
    assert.ok(!refused.ok && refused.status === 400, chosen.user);
  }
  assert.ok((await world.room.signIn.byLink({ link, source })).ok);
});

test('there is no link while the configuration has an admin who can sign in', async (t) => {
  const world = await openPeople(t);
  world.origins.push('http://127.0.0.1:8420');
  await world.configure('howard', [], HOWARD);
  await world.configure('ada', ['admin']);
  assert.notEqual(await world.room.firstAdminLink(), null, 'ada has no password');
  await world.configure('ada', ['admin'], HOWARD);
  assert.equal(await world.room.firstAdminLink(), null);
});

test('the store never holds what would open the door', async (t) => {
  const world = await openPeople(t);
  const link = await linkOf(world);
  const once = new URL(link).searchParams.get('once')!;
  const signedIn = await world.room.signIn.byLink({ link, source });
  assert.ok(signedIn.ok);
  const rows = [
    await world.store.db.selectFrom('one_time_links').selectAll().execute(),
    await world.store.db.selectFrom('sessions').selectAll().execute(),
  ];
  const text = JSON.stringify(rows);
  assert.ok(text.length > 100);
  assert.ok(!text.includes(once) && !text.includes(signedIn.secret));
});
