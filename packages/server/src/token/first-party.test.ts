// The plane's own clients: a person through the command line or the console, without an actor (rules §1.2).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimsOf, post } from './testing.ts';
import { agreedCode, agreeToDevice } from './testing-browser.ts';
import { filesToken, openWithClients } from './testing-clients.ts';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

test('the command line signs in by device flow and gets the first-party API: no actor, and when the person signed in', async (t) => {
  const plane = await openWithClients(t);
  const asked = await post(plane, '/oauth/device/authorize', { client_id: 'writ-cli', scope: 'api' });
  assert.equal(asked.status, 200, JSON.stringify(asked.body));
  assert.equal(asked.body.verification_uri, `${plane.issuer}/oauth/device`);
  const form = { grant_type: DEVICE, client_id: 'writ-cli', device_code: String(asked.body.device_code) };
  assert.equal((await post(plane, '/oauth/token', form)).body.error, 'authorization_pending');
  await agreeToDevice(plane, String(asked.body.user_code));
  const { body, status } = await post(plane, '/oauth/token', form);
  assert.equal(status, 200, JSON.stringify(body));
  const claims = claimsOf(body.access_token);
  assert.deepEqual(
    [claims.aud, claims.act, claims.wc, claims.task],
    [`${plane.issuer}/api/v1`, undefined, undefined, undefined],
  );
  const caller = await plane.server.readApiToken(String(body.access_token));
  assert.ok(caller.outcome === 'pass');
  assert.deepEqual([caller.facts.user.sub, caller.facts.clientId], ['howard', 'writ-cli']);
  assert.ok(plane.deps.clock.nowSeconds() - caller.facts.authenticatedAtSeconds! < 5);
  assert.ok(
    plane.events.every((event) => event.event !== 'token.refused'),
    'waiting is no refusal',
  );
});

test('the first-party API takes no token with an actor, of a client, or withdrawn', async (t) => {
  const plane = await openWithClients(t);
  const { body } = await filesToken(plane);
  const refused = async (token: unknown) => {
    const verdict = await plane.server.readApiToken(String(token));
    return verdict.outcome === 'deny' ? verdict.denial.code : 'pass';
  };
  assert.equal(await refused(body.access_token), 'token.wrong_audience');
  assert.equal(await refused('abc'), 'token.signature_invalid');
  const { form } = await agreedCode(plane, {
    clientId: 'writ-cli',
    redirectUri: 'http://127.0.0.1:9/callback',
    scope: 'api',
  });
  const own = await post(plane, '/oauth/token', form);
  assert.equal(await refused(own.body.access_token), 'pass');
  await plane.server.revoke({ token: String(claimsOf(own.body.access_token).jti) }, 'howard');
  assert.equal(await refused(own.body.access_token), 'token.revoked');
});
