import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type BrokeredServer, createBroker, redacted, type SecretRef } from './broker.ts';
import { createSecretSources } from './secret-sources.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'writ-broker-'));
});
after(() => rm(folder, { recursive: true }));

function setUp(server: Partial<BrokeredServer>, environment: Record<string, string> = {}) {
  const clock = { now: 0, nowSeconds: () => clock.now };
  const warnings: string[] = [];
  const servers = new Map([
    ['mail', { transport: 'http' as const, credential: null, environment: new Map(), ...server }],
  ]);
  const sources = createSecretSources({ environment: { PATH: process.env.PATH, ...environment }, clock });
  const broker = createBroker({ servers, sources, warn: (says) => warnings.push(says) });
  const fetch = async () => {
    const verdict = await broker.credentialFor('mail');
    return verdict.outcome === 'pass'
      ? verdict.facts
      : { code: verdict.denial.code, cause: verdict.denial.detail.cause };
  };
  return { broker, clock, warnings, fetch };
}

const fromEnv = { kind: 'env', name: 'MAIL_KEY' } as const;

test('a server without credential gets none', async () => {
  assert.deepEqual(await setUp({}).fetch(), { kind: 'none' });
});

test('an HTTP server gets a bearer token, a process its variables', async () => {
  const environment = { MAIL_KEY: 'key-of-the-mail-server' };
  assert.deepEqual(await setUp({ credential: fromEnv }, environment).fetch(), {
    kind: 'bearer',
    value: 'key-of-the-mail-server',
  });
  const variables: BrokeredServer['environment'] = new Map<string, SecretRef | { kind: 'text'; value: string }>([
    ['REGION', { kind: 'text', value: 'eu' }],
    ['API_KEY', fromEnv],
  ]);
  assert.deepEqual(
    await setUp({ transport: 'stdio', credential: fromEnv, environment: variables }, environment).fetch(),
    {
      kind: 'env',
      values: { REGION: 'eu', API_KEY: 'key-of-the-mail-server', MAIL_KEY: 'key-of-the-mail-server' },
    },
  );
});

describe('a credential that cannot be had is a denial with its cause', () => {
  const missing =
    (cause: RegExp, server: Partial<BrokeredServer>, environment?: Record<string, string>) => async () => {
      const found = await setUp(server, environment).fetch();
      assert.equal('code' in found && found.code, 'action.credential_missing');
      assert.match(String('cause' in found && found.cause), cause);
    };
  test('a variable that is not set', missing(/variable `MAIL_KEY` is not set/, { credential: fromEnv }));
  test('one that is empty', missing(/is empty/, { credential: fromEnv }, { MAIL_KEY: '' }));
  test(
    'one that would end the header it travels in',
    missing(/more than one line/, { credential: fromEnv }, { MAIL_KEY: 'a\r\nHost: b' }),
  );
  test(
    'a file that is not there',
    missing(/cannot be read \(ENOENT\)/, { credential: { kind: 'file', path: '/nowhere/key' } }),
  );
  test(
    'a command that fails',
    missing(/`false` gave no secret \(it ended with 1\)/, { credential: { kind: 'command', command: ['false'] } }),
  );
  test(
    'a command that is not there',
    missing(/ENOENT/, { credential: { kind: 'command', command: ['writ-no-such-program'] } }),
  );
  test(
    'a process whose variable has no name',
    missing(/name it under `mcp.env`/, { transport: 'stdio', credential: { kind: 'file', path: '/nowhere/key' } }),
  );
  test('a server nobody configured', async () => {
    const verdict = await setUp({}).broker.credentialFor('vault');
    assert.equal(verdict.outcome === 'deny' && verdict.denial.code, 'action.credential_missing');
  });
});

describe('a file', () => {
  test('is read anew for every use, without the end of its last line', async () => {
    const path = join(folder, 'key');
    await writeFile(path, 'first-key-of-mail\n', { mode: 0o600 });
    const { fetch, warnings, broker } = setUp({ credential: { kind: 'file', path } });
    assert.deepEqual(await fetch(), { kind: 'bearer', value: 'first-key-of-mail' });
    await writeFile(path, 'second-key-of-mail\r\n');
    assert.deepEqual(await fetch(), { kind: 'bearer', value: 'second-key-of-mail' });
    assert.deepEqual(warnings, []);
    assert.equal(broker.secrets.contains('… first-key-of-mail …'), true, 'a rotated credential is still a secret');
  });

  test('that others can read is used, and said once', async () => {
    const path = join(folder, 'open-key');
    await writeFile(path, 'open-key-of-mail');
    await chmod(path, 0o644);
    const { fetch, warnings } = setUp({ credential: { kind: 'file', path } });
    await fetch();
    await fetch();
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /can be read by others; `chmod 600/);
  });
});

test('a command runs without a shell and its answer is kept for a minute', async () => {
  const { fetch, clock } = setUp(
    { credential: { kind: 'command', command: ['sh', '-c', 'echo "answer-$$-$MAIL_KEY"'] } },
    { MAIL_KEY: 'not-for-helpers' },
  );
  const first = await fetch();
  assert.match('value' in first ? String(first.value) : '', /^answer-\d+-$/);
  clock.now = 59;
  assert.deepEqual(await fetch(), first);
  clock.now = 60;
  assert.notDeepEqual(await fetch(), first);
});

test('what a logger may take holds names and no values', async () => {
  const credential = { kind: 'env', values: { API_KEY: 'key-of-the-mail-server' } } as const;
  assert.deepEqual(redacted(credential), { kind: 'env', names: ['API_KEY'] });
  assert.doesNotMatch(JSON.stringify(redacted({ kind: 'bearer', value: 'key-of-the-mail-server' })), /key-of/);
});

test('a secret too short to be recognised is said once', async () => {
  const { fetch, warnings, broker } = setUp({ credential: fromEnv }, { MAIL_KEY: 'short' });
  await fetch();
  await fetch();
  assert.equal(warnings.length, 1);
  assert.doesNotMatch(warnings[0]!, /short`|: short/);
  assert.equal(broker.secrets.contains('a short text'), false);
});
