import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { forgetSession, readSession, sessionsFile, writeSession } from './sessions.ts';

const nowMillis = Date.parse('2026-11-24T12:00:00Z');
const origin = 'http://127.0.0.1:8420';
let env: NodeJS.ProcessEnv;
before(async () => {
  env = { XDG_CONFIG_HOME: await mkdtemp(join(tmpdir(), 'writ-session-')) };
});
after(() => rm(env.XDG_CONFIG_HOME!, { recursive: true }));

const session = { session: 's3cret', roles: ['admin'], expires: '2026-11-24T12:10:00Z' };

test('a session is kept per plane, readable by its user alone', () => {
  writeSession(env, origin, session);
  writeSession(env, 'http://127.0.0.1:9', { ...session, session: 'other' });
  assert.deepEqual(readSession(env, origin, nowMillis), session);
  assert.equal(readSession(env, 'http://127.0.0.1:9', nowMillis)?.session, 'other');
  assert.equal(statSync(sessionsFile(env)).mode & 0o777, 0o600);
  assert.equal(statSync(dirname(sessionsFile(env))).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(dirname(sessionsFile(env))), ['sessions.json']);
});

test('a session that has run out is none', () => {
  assert.equal(readSession(env, origin, Date.parse('2026-11-24T12:10:00Z')), null);
});

test('the environment comes first', () => {
  assert.equal(readSession({ ...env, WRIT_SESSION: 'mine' }, origin, nowMillis)?.session, 'mine');
});

test('forgetting one leaves the others', () => {
  forgetSession(env, origin);
  assert.equal(readSession(env, origin, nowMillis), null);
  assert.equal(readSession(env, 'http://127.0.0.1:9', nowMillis)?.session, 'other');
});

test('a relative configuration folder is ignored', () => {
  assert.equal(sessionsFile({ XDG_CONFIG_HOME: 'here', HOME: '/home/h' }), '/home/h/.config/writ/sessions.json');
});
