import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { toBase64Url } from '@writ/core';
import { codeOf, signInByBrowser } from './login-browser.ts';
import { signInByDevice } from './login-device.ts';
import { type FakeAnswer, fakePlane, run } from './plane.fixture.ts';
import { readSession, sessionsFile } from './sessions.ts';

describe('signing in', () => {
  let env: NodeJS.ProcessEnv;
  before(async () => {
    env = { XDG_CONFIG_HOME: await mkdtemp(join(tmpdir(), 'writ-login-')) };
  });
  after(() => rm(env.XDG_CONFIG_HOME!, { recursive: true }));

  test('by a one-time link keeps the session and prints none of it', async () => {
    await using plane = await fakePlane(() => ({
      body: { session: 's3cret', roles: ['admin'], expires: '2999-01-01T00:00:00Z' },
    }));
    const link = `${plane.origin}/login?once=abc`;
    const ran = await run(['login', '--link', link, '--json'], env);
    assert.deepEqual(plane.asked, [
      { method: 'POST', path: '/api/v1/login', authorization: null, body: JSON.stringify({ link }) },
    ]);
    assert.equal(ran.exitCode, 0);
    assert.deepEqual(JSON.parse(ran.stdout), {
      admin: plane.origin,
      roles: ['admin'],
      expires: '2999-01-01T00:00:00Z',
    });
    assert.doesNotMatch(ran.stdout + ran.stderr, /s3cret/);
    assert.equal(readSession(env, plane.origin, Date.now())?.session, 's3cret');
  });

  test('by a link that was used before is refused', async () => {
    await using plane = await fakePlane(() => ({
      status: 401,
      body: { error: 'invalid_grant', error_description: 'Used.' },
    }));
    const ran = await run(['login', '--link', `${plane.origin}/login?once=abc`], env);
    assert.equal(ran.exitCode, 1);
    assert.match(ran.stderr, /^writ: Used\./);
    assert.match(sessionsFile(env), /sessions\.json$/);
  });

  test('by a device code waits, slows down when told to, and goes on', async () => {
    const answers: FakeAnswer[] = [
      {
        body: {
          device_code: 'dc',
          user_code: 'ABCD-EFGH',
          verification_uri: 'http://127.0.0.1/device',
          interval: 5,
          expires_in: 600,
        },
      },
      { status: 400, body: { error: 'authorization_pending' } },
      { status: 400, body: { error: 'slow_down' } },
      { body: { access_token: 't', token_type: 'Bearer', expires_in: 600 } },
    ];
    await using plane = await fakePlane(() => answers.shift()!);
    const issuer = {
      issuer: plane.origin,
      metadata: { device_authorization_endpoint: `${plane.origin}/device`, token_endpoint: `${plane.origin}/token` },
    };
    const notes: string[] = [];
    const waited: number[] = [];
    const token = await signInByDevice(
      issuer,
      (text) => notes.push(text),
      async (millis) => waited.push(millis),
    );
    assert.equal(token.access_token, 't');
    assert.deepEqual(waited, [5000, 5000, 10_000]);
    assert.match(notes[0]!, /ABCD-EFGH/);
    const form = new URLSearchParams(plane.asked[1]!.body);
    assert.deepEqual(
      [form.get('client_id'), form.get('device_code'), form.get('resource')],
      ['writ-cli', 'dc', `${plane.origin}/api/v1`],
    );
  });

  test('by a device code that nobody types ends', async () => {
    const begun = {
      body: { device_code: 'dc', user_code: 'A', verification_uri: 'http://127.0.0.1/d', interval: 5, expires_in: 10 },
    };
    await using plane = await fakePlane(({ path }) =>
      path === '/device' ? begun : { status: 400, body: { error: 'authorization_pending' } },
    );
    const issuer = {
      issuer: plane.origin,
      metadata: { device_authorization_endpoint: `${plane.origin}/device`, token_endpoint: `${plane.origin}/token` },
    };
    await assert.rejects(
      signInByDevice(
        issuer,
        () => {},
        async () => {},
      ),
      /nobody typed the code in time/,
    );
    assert.equal(plane.asked.length, 3);
  });

  test('by a browser proves with PKCE that the code comes back to who asked', async () => {
    await using plane = await fakePlane(() => ({ body: { access_token: 't', token_type: 'Bearer', expires_in: 600 } }));
    const issuer = {
      issuer: plane.origin,
      metadata: { authorization_endpoint: `${plane.origin}/authorize`, token_endpoint: `${plane.origin}/token` },
    };
    let asked: URL | undefined;
    // Stands in for the browser: follows the address it is shown and answers at its redirect URI.
    const browse = (text: string) => {
      asked = new URL(text.slice(text.indexOf('http')));
      const back = new URL(asked.searchParams.get('redirect_uri')!);
      back.search = new URLSearchParams({
        code: 'c',
        state: asked.searchParams.get('state')!,
        iss: plane.origin,
      }).toString();
      void fetch(back);
    };
    assert.equal((await signInByBrowser(issuer, browse)).access_token, 't');
    const form = new URLSearchParams(plane.asked[0]!.body);
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(form.get('code_verifier')!));
    assert.equal(asked?.searchParams.get('code_challenge'), toBase64Url(new Uint8Array(digest)));
    assert.equal(asked?.searchParams.get('code_challenge_method'), 'S256');
    assert.equal(form.get('redirect_uri'), asked?.searchParams.get('redirect_uri'));
    assert.match(form.get('redirect_uri')!, /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
  });

  const bad: [title: string, answer: Record<string, string>, says: RegExp][] = [
    ['another state', { state: 'y', iss: 'i', code: 'c' }, /another sign-in/],
    ['another issuer', { state: 's', iss: 'evil', code: 'c' }, /another issuer/],
    ['no issuer at all', { state: 's', code: 'c' }, /another issuer/],
    ['a refusal', { state: 's', iss: 'i', error: 'access_denied', error_description: 'Not you.' }, /Not you\./],
  ];
  for (const [title, answer, says] of bad) {
    test(`an answer with ${title} is not used`, () => {
      assert.throws(() => codeOf(new URLSearchParams(answer), 's', 'i'), says);
    });
  }
});
