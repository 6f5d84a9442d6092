// A plane with two clients that have no SVID, and a person who agrees to what they ask.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { openSqliteForTest } from '../store/testing.ts';
import { claimsOf, openPlane, type Plane, post } from './testing.ts';
import { agreedCode, agreeing } from './testing-browser.ts';

export const DESKTOP = { redirectUris: ['http://127.0.0.1/cb'], bearer: true, jwks: [] };
export const BOUND = { redirectUris: ['http://127.0.0.1/cb'], bearer: false, jwks: [] };
export const REDIRECT = 'http://127.0.0.1:4711/cb';

export async function openWithClients(t: TestContext): Promise<Plane> {
  const clients = { desktop: DESKTOP, bound: BOUND };
  return openPlane(t, await openSqliteForTest(t), { people: agreeing(), clients, wallClock: true });
}

export function filesCode(plane: Plane, over = {}) {
  const ask = {
    clientId: 'desktop',
    redirectUri: REDIRECT,
    resource: plane.aud('mcp', 'files'),
    scope: 'files:read_file',
  };
  return agreedCode(plane, { ...ask, ...over });
}

export async function filesToken(plane: Plane) {
  const { form } = await filesCode(plane);
  const answer = await post(plane, '/oauth/token', form);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return { form, body: answer.body, claims: claimsOf(answer.body.access_token) };
}
