import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { HOWARD, openPeople, type PeopleWorldOptions, serve, visit } from './testing.ts';

async function openDoor(t: TestContext, options: PeopleWorldOptions = {}) {
  const world = await openPeople(t, options);
  await world.configure('howard', [], HOWARD);
  const origin = await serve(t, world.room.handle);
  world.origins.push(origin);
  return { world, origin, login: `${origin}/login` };
}

const right = { user: 'howard', password: HOWARD };

test('every page forbids framing, scripts and foreign forms, and is kept nowhere', async (t) => {
  const { origin, login } = await openDoor(t);
  const link = `${origin}/login?once=${'x'.repeat(43)}`;
  const wrong = visit(login, { form: { user: 'howard', password: 'no' } });
  for (const { headers } of await Promise.all([visit(login), visit(link), wrong, visit(login, { form: right })])) {
    const policy = headers.get('content-security-policy')!;
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.match(policy, /base-uri 'none'/);
    assert.match(policy, /form-action 'self'/);
    assert.doesNotMatch(policy, /unsafe|script-src/);
    assert.equal(headers.get('x-frame-options'), 'DENY');
    assert.equal(headers.get('referrer-policy'), 'no-referrer');
    assert.equal(headers.get('cache-control'), 'no-store');
  }
});

test('the style that the policy allows is the one in the page', async (t) => {
  const { login } = await openDoor(t);
  const { headers, text } = await visit(login);
  const style = /<style>([\s\S]*)<\/style>/.exec(text)![1]!;
  const hash = createHash('sha256').update(style).digest('base64');
  assert.ok(headers.get('content-security-policy')!.includes(`style-src 'sha256-${hash}'`));
});

test('signing in sets a cookie that scripts and other sites do not get', async (t) => {
  const { world, login } = await openDoor(t);
  const { status, headers, setCookie, cookie } = await visit(login, { form: right });
  assert.equal(status, 303);
  assert.equal(headers.get('location'), '/console/');
  assert.match(setCookie!, /^writ_session=wrs_[\w-]{43}; Max-Age=28800; Path=\/; HttpOnly; SameSite=Strict$/);
  assert.equal((await world.room.personOf(cookie.split('=')[1]!))?.user, 'howard');
});

test('behind https the cookie is bound to this host', async (t) => {
  const { world, login } = await openDoor(t);
  world.origins.unshift('https://writ.example');
  assert.match((await visit(login, { form: right })).setCookie!, /^__Host-writ_session=.*; Secure$/);
});

test('a session that was planted before does not become a signed-in one', async (t) => {
  const { world, login } = await openDoor(t);
  const planted = `wrs_${'A'.repeat(43)}`;
  const signedIn = await visit(login, { form: right, headers: { cookie: `writ_session=${planted}` } });
  assert.notEqual(signedIn.cookie, `writ_session=${planted}`);
  assert.equal(await world.room.personOf(planted), null);
});

test('signing in again ends the session that this browser had', async (t) => {
  const { world, login } = await openDoor(t);
  const first = await visit(login, { form: right });
  const second = await visit(login, { form: right, headers: { cookie: first.cookie } });
  assert.equal(await world.room.personOf(first.cookie.split('=')[1]!), null);
  assert.notEqual(await world.room.personOf(second.cookie.split('=')[1]!), null);
});

test('a form from another site, another port or a sandboxed frame is not believed', async (t) => {
  const { world, login } = await openDoor(t);
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'http://127.0.0.1:1' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', origin: 'null' },
    { 'sec-fetch-site': 'none' },
  ]) {
    const { status, setCookie } = await visit(login, { form: right, headers: headers as Record<string, string> });
    assert.equal(status, 403, JSON.stringify(headers));
    assert.equal(setCookie, null);
  }
  assert.deepEqual(world.events, []);
});

test('a form of our own page is believed, though its origin is hidden', async (t) => {
  const { login } = await openDoor(t);
  const headers = { origin: 'null', 'sec-fetch-site': 'same-origin' };
  assert.equal((await visit(login, { form: right, headers })).status, 303);
});

test('on loopback the three names are one', async (t) => {
  const { login } = await openDoor(t);
  const headers = { origin: new URL(login).origin.replace('127.0.0.1', 'localhost') };
  assert.equal((await visit(login, { form: right, headers })).status, 303);
  assert.equal((await visit(login.replace('127.0.0.1', 'localhost'))).status, 200);
});

test('a name that only points here is not ours', async (t) => {
  const { world, login } = await openDoor(t);
  world.origins.length = 0;
  world.origins.push('http://127.0.0.1:1');
  assert.equal((await visit(login)).status, 421);
  assert.equal((await visit(login, { form: right })).status, 421);
});

test('what was typed comes back as text, never as markup', async (t) => {
  const { login } = await openDoor(t);
  const { status, text } = await visit(login, { form: { user: `"><script>alert('x')</script>`, password: 'no' } });
  assert.equal(status, 403);
  assert.doesNotMatch(text, /<script/);
  assert.match(text, /value="&#34;&#62;&#60;script&#62;alert\(&#39;x&#39;\)/);
});

test('after signing in, people go to pages of the console and nowhere else', async (t) => {
  const { login } = await openDoor(t);
  const to = async (goTo: string) => (await visit(login, { form: { ...right, goTo } })).headers.get('location');
  assert.equal(await to('/console/approvals'), '/console/approvals');
  for (const elsewhere of [
    '//evil.example',
    'https://evil.example/',
    '/console//evil',
    '/console/../x',
    '/logout',
    '/console/\\evil',
  ]) {
    assert.equal(await to(elsewhere), '/console/', elsewhere);
  }
});

test('the first admin chooses name and password on the page; looking at it leaves the link as it was', async (t) => {
  const { world, origin } = await openDoor(t);
  const link = (await world.room.firstAdminLink())!;
  const once = new URL(link).searchParams.get('once')!;
  for (let i = 0; i < 3; i++) assert.match((await visit(link)).text, /Become admin/);
  const chosen = { once, user: 'ada', password: 'an analytical engine', again: 'an analytical engine' };
  const differs = await visit(`${origin}/login`, { form: { ...chosen, again: 'another' } });
  assert.equal(differs.status, 400);
  assert.match(differs.text, /two passwords differ/);
  const made = await visit(`${origin}/login`, { form: chosen });
  assert.equal(made.status, 303);
  assert.ok((await world.room.personOf(made.cookie.split('=')[1]!))?.roles.includes('admin'));
  assert.equal((await visit(`${origin}/login`, { form: chosen })).status, 403);
});

test('too many tries are told when to come back', async (t) => {
  const { login } = await openDoor(t);
  let last = await visit(login);
  for (let i = 0; i < 11; i++) last = await visit(login, { form: { user: 'howard', password: `guess ${i}` } });
  assert.equal(last.status, 429);
  assert.equal(last.headers.get('retry-after'), '30');
});

test('signing out takes the form’s own proof, and ends the session', async (t) => {
  const { world, origin, login } = await openDoor(t);
  const { cookie } = await visit(login, { form: right });
  const headers = { cookie };
  const secret = cookie.split('=')[1]!;
  assert.equal((await visit(`${origin}/logout`, { form: {}, headers })).status, 403);
  assert.equal((await visit(`${origin}/logout`, { form: { csrf: 'x'.repeat(43) }, headers })).status, 403);
  assert.notEqual(await world.room.personOf(secret), null);
  const { csrf } = (await world.room.personOf(secret))!;
  assert.ok((await visit(`${origin}/logout`, { headers })).text.includes(csrf));
  assert.match((await visit(`${origin}/logout`, { form: { csrf }, headers })).setCookie!, /Max-Age=0/);
  assert.equal(await world.room.personOf(secret), null);
});

test('the demo’s button is there where the demo runs, and nowhere else', async (t) => {
  const demo = await openDoor(t, { demoUser: 'howard' });
  assert.match((await visit(demo.login)).text, /Sign in as howard \(demo\)/);
  assert.equal((await visit(demo.login, { form: { demo: 'yes' } })).status, 303);
  const usual = await openDoor(t);
  assert.doesNotMatch((await visit(usual.login)).text, /demo/);
  const refused = await visit(usual.login, { form: { demo: 'yes' } });
  assert.equal(refused.status, 403);
  assert.equal(refused.setCookie, null);
});
