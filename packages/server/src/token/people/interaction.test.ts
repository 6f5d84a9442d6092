import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openSqliteForTest } from '../../store/testing.ts';
import { claimsOf, openPlane, type Plane, post } from '../testing.ts';
import { codeRequest, openBrowser, type Visit } from '../testing-browser.ts';
import { HOWARD, openPeople, type PeopleWorldOptions, visit } from './testing.ts';

const REDIRECT = 'http://127.0.0.1/cb';
const XSS = '<img src=x onerror=alert(1)>';

async function openWorld(t: TestContext, options: PeopleWorldOptions = {}) {
  const world = await openPeople(t, options);
  world.clock.seconds = Math.floor(Date.now() / 1000);
  await world.configure('howard', [], HOWARD);
  const clients = { desktop: { redirectUris: [REDIRECT], bearer: true, jwks: [] } };
  const people = world.room.people;
  const plane = await openPlane(t, await openSqliteForTest(t), { people, clients, wallClock: true });
  world.origins.push(plane.issuer);
  return { world, plane };
}

function request(plane: Plane, more: { readonly [name: string]: string } = {}) {
  return codeRequest(plane, {
    clientId: 'desktop',
    redirectUri: REDIRECT,
    resource: plane.aud('mcp', 'files'),
    scope: 'files:read_file',
    extra: more,
  });
}

const askedIn = (page: Visit) => /name="asked" value="([^"]+)"/.exec(page.text)?.[1] ?? '';

test('a person signs in, sees who asks for what, agrees, and the program gets its token', async (t) => {
  const { world, plane } = await openWorld(t);
  const browser = openBrowser(plane);
  const { url, verifier } = request(plane);
  const login = await browser(url);
  assert.match(login.url.pathname, /^\/interaction\//);
  assert.match(login.text, /<strong>desktop<\/strong> asks you to sign in/);
  const consent = await browser(login.url.href, { user: 'howard', password: HOWARD });
  for (const said of [
    'howard',
    'desktop',
    'server <strong>files',
    'use read_file of files',
    'files:read_file',
    '14 days',
  ]) {
    assert.ok(consent.text.includes(said), said);
  }
  const back = await browser(consent.url.href, { answer: 'yes', asked: askedIn(consent) });
  assert.equal(back.url.origin + back.url.pathname, REDIRECT);
  const token = await post(plane, '/oauth/token', {
    grant_type: 'authorization_code',
    client_id: 'desktop',
    redirect_uri: REDIRECT,
    code: back.url.searchParams.get('code')!,
    code_verifier: verifier,
    resource: plane.aud('mcp', 'files'),
  });
  assert.equal(token.status, 200);
  assert.equal(claimsOf(token.body.access_token).sub, 'howard');
  assert.deepEqual(
    world.events.map(({ event }) => event),
    ['person.signed_in'],
  );
});

test('a wrong password stays on the page, and the program gets nothing', async (t) => {
  const { plane } = await openWorld(t);
  const browser = openBrowser(plane);
  const login = await browser(request(plane).url);
  const again = await browser(login.url.href, { user: 'howard', password: 'wrong' });
  assert.equal(again.status, 403);
  assert.equal(again.url.href, login.url.href);
  assert.match(again.text, /name or the password is not right/);
});

test('no is an answer, on either page', async (t) => {
  const { plane } = await openWorld(t);
  const browser = openBrowser(plane);
  const login = await browser(request(plane).url);
  const atLogin = await browser(login.url.href, { answer: 'no' });
  assert.equal(atLogin.url.searchParams.get('error'), 'access_denied');
  const again = await browser(request(plane).url);
  const consent = await browser(again.url.href, { user: 'howard', password: HOWARD });
  const atConsent = await browser(consent.url.href, { answer: 'no' });
  assert.equal(atConsent.url.searchParams.get('error'), 'access_denied');
  assert.equal(atConsent.url.searchParams.get('code'), null);
});

test('a yes to anything but what was shown shows it again', async (t) => {
  const { plane } = await openWorld(t);
  const browser = openBrowser(plane);
  const login = await browser(request(plane).url);
  const consent = await browser(login.url.href, { user: 'howard', password: HOWARD });
  for (const form of [{ answer: 'yes' }, { answer: 'yes', asked: 'x'.repeat(43) }, { asked: askedIn(consent) }]) {
    const shown = await browser(consent.url.href, form as { [name: string]: string });
    assert.match(shown.text, /May it act for you/);
  }
});

test('its pages cannot be framed, and a form of another site is not believed', async (t) => {
  const { world, plane } = await openWorld(t);
  const first = await visit(request(plane).url);
  const page = new URL(first.headers.get('location')!, plane.issuer).href;
  const cookie = first.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ');
  const shown = await visit(page, { headers: { cookie } });
  assert.equal(shown.status, 200);
  assert.match(shown.headers.get('content-security-policy')!, /default-src 'none'.*frame-ancestors 'none'/);
  assert.equal(shown.headers.get('x-frame-options'), 'DENY');
  const headers = { cookie, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
  const foreign = await visit(page, { form: { user: 'howard', password: HOWARD }, headers });
  assert.equal(foreign.status, 403);
  assert.deepEqual(world.events, []);
});

test('without the browser that began it, an interaction is over', async (t) => {
  const { plane } = await openWorld(t);
  const first = await visit(request(plane).url);
  const page = new URL(first.headers.get('location')!, plane.issuer).href;
  const stranger = await visit(page, { form: { user: 'howard', password: HOWARD } });
  assert.equal(stranger.status, 404);
  assert.match(stranger.text, /Start again from the program/);
});

test('what was typed as a name comes back as text', async (t) => {
  const { plane } = await openWorld(t);
  const browser = openBrowser(plane);
  const login = await browser(request(plane).url);
  const again = await browser(login.url.href, { user: XSS, password: 'wrong' });
  assert.ok(!again.text.includes('<img'));
  assert.ok(again.text.includes('&#60;img'));
});

test('a configured demo person goes through with a button, and only then', async (t) => {
  const { plane } = await openWorld(t, { demoUser: 'howard' });
  const browser = openBrowser(plane);
  const login = await browser(request(plane).url);
  assert.match((await browser(login.url.href, { demo: 'yes' })).text, /May it act for you/);
  const { plane: usual } = await openWorld(t);
  const other = openBrowser(usual);
  const refused = await other((await other(request(usual).url)).url.href, { demo: 'yes' });
  assert.equal(refused.status, 403);
});

test('the device page, in our dress: type the code, see who asks, agree', async (t) => {
  const { plane } = await openWorld(t);
  const begun = await post(plane, '/oauth/device/authorize', {
    client_id: 'writ-cli',
    resource: `${plane.issuer}/api/v1`,
    scope: 'api',
  });
  assert.equal(begun.status, 200);
  const browser = openBrowser(plane);
  const page = `${plane.issuer}/oauth/device`;
  const xsrf = (text: string) => /name="xsrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
  const typed = await browser(page);
  assert.match(typed.text, /Enter the code/);
  const confirm = await browser(page, { xsrf: xsrf(typed.text), user_code: String(begun.body.user_code) });
  assert.match(confirm.text, /Is this you\?/);
  assert.ok(confirm.text.includes(String(begun.body.user_code)));
  const login = await browser(page, {
    xsrf: xsrf(confirm.text),
    user_code: String(begun.body.user_code),
    confirm: 'yes',
  });
  assert.match(login.url.pathname, /^\/interaction\//);
  let next = await browser(login.url.href, { user: 'howard', password: HOWARD });
  if (askedIn(next) !== '') next = await browser(next.url.href, { answer: 'yes', asked: askedIn(next) });
  assert.match(next.text, /You can go back to/);
  const token = await post(plane, '/oauth/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    client_id: 'writ-cli',
    device_code: String(begun.body.device_code),
  });
  assert.equal(token.status, 200);
});
