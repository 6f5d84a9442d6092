import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Principal } from '@writ/core';
import type { EnvironmentValue } from '../config/config.ts';
import { asks, brokerOver, eve, type Given, howard, issuer, told } from './broker/testing.ts';
import { redacted } from './broker.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'writ-broker-'));
});
after(() => rm(folder, { recursive: true }));

function setUp(server: Given, environment: Record<string, string> = {}) {
  const world = brokerOver({ mail: server }, { environment: { PATH: process.env.PATH, ...environment } });
  const fetch = async () => {
    const verdict = await world.broker.credentialFor('mail', { root: null, task: null });
    return verdict.outcome === 'pass'
      ? verdict.facts
      : { code: verdict.denial.code, cause: verdict.denial.detail.cause };
  };
  return { ...world, fetch };
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
  const variables = new Map<string, EnvironmentValue>([
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
  const missing = (cause: RegExp, server: Given, environment?: Record<string, string>) => async () => {
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
    const verdict = await setUp({}).broker.credentialFor('vault', { root: null, task: null });
    assert.equal(verdict.outcome === 'deny' && verdict.denial.code, 'action.credential_missing');
  });
});

describe('a file', () => {
  test('is read anew for every use, without the end of its last line', async () => {
    const path = join(folder, 'key');
    await writeFile(path, 'first-key-of-mail\n', { mode: 0o600 });
    const { fetch, warnings, secrets } = setUp({ credential: { kind: 'file', path } });
    assert.deepEqual(await fetch(), { kind: 'bearer', value: 'first-key-of-mail' });
    await writeFile(path, 'second-key-of-mail\r\n');
    assert.deepEqual(await fetch(), { kind: 'bearer', value: 'second-key-of-mail' });
    assert.deepEqual(warnings, []);
    assert.equal(secrets.contains('… first-key-of-mail …'), true, 'a rotated credential is still a secret');
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
  clock.now += 59;
  assert.deepEqual(await fetch(), first);
  clock.now += 1;
  assert.notDeepEqual(await fetch(), first);
});

test('what a logger may take holds names and no values', async () => {
  const credential = { kind: 'env', values: { API_KEY: 'key-of-the-mail-server' } } as const;
  assert.deepEqual(redacted(credential), { kind: 'env', names: ['API_KEY'] });
  assert.doesNotMatch(JSON.stringify(redacted({ kind: 'bearer', value: 'key-of-the-mail-server' })), /key-of/);
});

test('a secret too short to be recognised is said once', async () => {
  const { fetch, warnings, secrets } = setUp({ credential: fromEnv }, { MAIL_KEY: 'short' });
  await fetch();
  await fetch();
  assert.equal(warnings.length, 1);
  assert.doesNotMatch(warnings[0]!, /short`|: short/);
  assert.equal(secrets.contains('a short text'), false);
});

describe('a command', () => {
  test('takes its words as they are: nothing in them is for a shell', async () => {
    const word = '$(id); echo hacked `id` && cat /etc/passwd | tee x > y';
    const { fetch } = setUp({ credential: { kind: 'command', command: ['printf', '%s', word] } });
    assert.deepEqual(await fetch(), { kind: 'bearer', value: word });
  });

  test('that says more than a secret, or says nothing, gives none; what it said stays unsaid', async () => {
    const script = (text: string) => ({ kind: 'command', command: ['sh', '-c', text] }) as const;
    const long = await setUp({ credential: script('head -c 100000 /dev/zero | tr "\\0" s') }).fetch();
    const failing = await setUp({
      credential: script('echo secret-on-stderr >&2; echo secret-on-stdout; exit 3'),
    }).fetch();
    assert.match(String('cause' in long && long.cause), /gave no secret/);
    assert.match(String('cause' in failing && failing.cause), /gave no secret \(it ended with 3\)/);
    assert.doesNotMatch(JSON.stringify([long, failing]), /secret-on|sss/);
  });
});

describe('rules §7.6: a stored credential for each person', () => {
  const stored = { read: async (name: string) => (name === 'mail/howard' ? 'key-of-howard-at-mail' : null) };
  const credential = { kind: 'stored', name: 'mail/{user}' } as const;
  const cause = async (root: Principal | null) => {
    const { broker } = brokerOver({ mail: { credential } }, { stored });
    if (root !== null) broker.leaseFor('mail', asks(root, 'one'));
    return told(await broker.credentialFor('mail', { root, task: root && 'one' }));
  };

  test('is the root’s, and missing is a denial', async () => {
    assert.equal(await cause(howard), 'key-of-howard-at-mail');
    assert.match(
      await cause(eve),
      /action.credential_missing: the stored credential `mail\/eve` is not there; `writ credentials set mail\/eve`/,
    );
    assert.match(await cause(null), /no person of this plane is asking/);
  });
  test('is nobody’s of the same name elsewhere', async () => {
    assert.match(await cause({ iss: 'https://elsewhere.example', sub: 'howard' }), /no person of this plane is asking/);
  });
  test('is not found by a name that is a path', async () => {
    for (const sub of ['../mail/howard', 'x/../howard', '{user}', 'how\u0000ard', '']) {
      assert.match(await cause({ iss: issuer, sub }), /credential_missing: .*(of that name|is not there)/, sub);
    }
  });
});

test('a secret without an end of its own ends with the task too', async () => {
  const { broker, leases } = brokerOver(
    { mail: { credential: fromEnv } },
    { environment: { MAIL_KEY: 'key-of-mail' } },
  );
  const fetch = async () => told(await broker.credentialFor('mail', asks(howard, 'one')));
  assert.match(await fetch(), /its lease ended/, 'no decision has opened one');
  broker.leaseFor('mail', asks(howard, 'one'));
  assert.equal(await fetch(), 'key-of-mail');
  await leases.close();
  assert.match(await fetch(), /its lease ended with its task/);
});

test('one process for everybody has the plane’s credential, and a task’s end does not take it away', async () => {
  const environment = new Map([['KEY', { kind: 'credential', field: 'value' } as const]]);
  const server = { transport: 'stdio', shared: true, credential: fromEnv, environment } as const;
  const { broker, leases } = brokerOver({ mail: server }, { environment: { MAIL_KEY: 'key-of-the-mail-server' } });
  const one = broker.leaseFor('mail', asks(howard, 'one'));
  assert.deepEqual([one?.decision, broker.leaseFor('mail', asks(eve, 'two'))?.id], [null, one?.id]);
  await leases.endWithdrawn({
    sequence: 1,
    fresh: true,
    rows: new Set(),
    users: new Set(),
    agents: new Set(),
    tasks: new Set(['one']),
  });
  assert.match(told(await broker.credentialFor('mail', asks(eve, 'two'))), /key-of-the-mail-server/);
});
