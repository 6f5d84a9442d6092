import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visit } from '../token/people/testing.ts';
import { openWorld, type World } from './world.fixture.ts';

const XSS = `<script>alert("x")</script>'`;

async function see(world: World, user: string) {
  const secret = await world.signIn(user);
  const headers = { cookie: `writ_session=${secret}` };
  return {
    secret,
    look: (path: string) => visit(`${world.origin}${path}`, { headers }),
    send: (path: string, form: { [name: string]: string }, more: { [name: string]: string } = {}) =>
      visit(`${world.origin}${path}`, { form, headers: { ...headers, ...more } }),
  };
}

const field = (text: string, name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(text)?.[1] ?? '';

test('nobody’s browser is sent to sign in, and back to the page it wanted', async (t) => {
  const world = await openWorld(t);
  const { status, headers } = await visit(`${world.origin}/console/approvals`);
  assert.equal(status, 303);
  assert.equal(headers.get('location'), '/login?goTo=%2Fconsole%2Fapprovals');
});

test('the viewer’s text opens no page', async (t) => {
  const world = await openWorld(t);
  const headers = { authorization: `Bearer ${world.viewerToken}` };
  assert.equal((await visit(`${world.origin}/console/`, { headers })).status, 303);
});

test('every page forbids framing and scripts', async (t) => {
  const world = await openWorld(t);
  await world.decided('d1', 'deny');
  await world.asks('a1');
  const { look } = await see(world, 'howard');
  for (const path of [
    '/console/',
    '/console',
    '/console/decisions/d1',
    '/console/approvals',
    '/console/approvals/a1',
    '/console/none',
  ]) {
    const { headers, status } = await look(path);
    assert.equal(status, path.endsWith('none') ? 404 : 200, path);
    assert.match(
      headers.get('content-security-policy')!,
      /default-src 'none'.*form-action 'self'; frame-ancestors 'none'/,
    );
    assert.equal(headers.get('x-frame-options'), 'DENY');
    assert.equal(headers.get('cache-control'), 'no-store');
  }
});

test('what agents wrote is shown as text', async (t) => {
  const world = await openWorld(t);
  await world.decided('d1', 'deny', {
    code: XSS,
    sentence: XSS,
    principal: { id: XSS },
    act: { sub: XSS },
    target: { server: XSS, name: XSS },
    checks: { transport: { verdict: XSS, code: XSS } },
    chain: [{ actor: XSS, scopes: [XSS], removed: [XSS], expires: XSS }],
    policy: { version: XSS, determining: [XSS] },
    task: XSS,
  });
  await world.asks('a1', {
    sentence: XSS,
    server: XSS,
    tool: XSS,
    arguments: { [XSS]: XSS },
    actors: [XSS],
    rules: [XSS],
    task: XSS,
  });
  const { look } = await see(world, 'howard');
  for (const path of ['/console/', '/console/decisions/d1', '/console/approvals']) {
    const { text, status } = await look(path);
    assert.equal(status, 200);
    assert.doesNotMatch(text, /<script/i, path);
    assert.ok(text.includes('&#60;script&#62;alert(&#34;x&#34;)'), path);
  }
});

test('a decision’s page tells the sentence, the three checks, and what each hop took away', async (t) => {
  const world = await openWorld(t);
  await world.decided('d1', 'deny', {
    sentence: 'howard, through db/agent, asked files/write_file: refused at the token.',
    checks: {
      transport: { verdict: 'pass' },
      token: { verdict: 'deny', code: 'token.scope_insufficient' },
      action: { verdict: 'not_reached' },
    },
    chain: [
      { actor: 'howard', scopes: ['files:read_file', 'files:write_file'], removed: [] },
      { actor: 'spiffe://zylos.local/db/agent', scopes: ['files:read_file'], removed: ['files:write_file'] },
    ],
  });
  const { text } = await (await see(world, 'howard')).look('/console/decisions/d1');
  for (const said of [
    'refused at the token.',
    '<th scope="row">transport</th><td>passed</td>',
    '<td>refused</td><td>token.scope_insufficient</td>',
    '<th scope="row">action</th><td>not reached</td>',
    '<td>spiffe://zylos.local/db/agent</td>\n<td>files:read_file</td>\n<td>files:write_file</td>',
    'proven among',
  ]) {
    assert.ok(text.includes(said), said);
  }
});

test('an approval is answered on the page, with the digest that was shown', async (t) => {
  const world = await openWorld(t);
  const hash = await world.asks('a1');
  const { look, send } = await see(world, 'howard');
  const { text } = await look('/console/approvals');
  assert.equal(field(text, 'hash'), hash);
  assert.ok(text.includes('sha256:aa') && text.includes('ops@example.org'));
  const form = { csrf: field(text, 'csrf'), hash, verdict: 'approve' };
  assert.equal((await send('/console/approvals/a1', { ...form, hash: 'sha256:other' })).status, 409);
  assert.equal((await send('/console/approvals/a1', form)).status, 303);
  const again = await send('/console/approvals/a1', form);
  assert.equal(again.status, 409);
  assert.match(again.text, /answered before/);
});

test('a form without its proof, with another’s, or from elsewhere changes nothing', async (t) => {
  const world = await openWorld(t);
  const hash = await world.asks('a1');
  const { send, look } = await see(world, 'howard');
  const csrf = field((await look('/console/approvals')).text, 'csrf');
  const other = field((await (await see(world, 'carl')).look('/console/approvals')).text, 'csrf');
  const form = { hash, verdict: 'approve' };
  assert.equal((await send('/console/approvals/a1', form)).status, 403);
  assert.equal((await send('/console/approvals/a1', { ...form, csrf: other })).status, 403);
  const foreign = { 'sec-fetch-site': 'cross-site' };
  assert.equal((await send('/console/approvals/a1', { ...form, csrf }, foreign)).status, 403);
  const row = await world.people.store.db.selectFrom('approvals').select('state').executeTakeFirstOrThrow();
  assert.equal(row.state, 'open');
});

test('after five minutes the page says to sign in again, and takes no answer', async (t) => {
  const world = await openWorld(t);
  const hash = await world.asks('a1');
  const { send, look } = await see(world, 'howard');
  world.clock.seconds += 301;
  const { text } = await look('/console/approvals');
  assert.match(text, /href="\/login\?goTo=\/console\/approvals"/);
  const refused = await send('/console/approvals/a1', { csrf: field(text, 'csrf'), hash, verdict: 'approve' });
  assert.equal(refused.status, 401);
});
