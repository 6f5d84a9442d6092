import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { JsonValue } from '@writ/core';
import { fakePlane, run } from './plane.fixture.ts';
import { dataFolder } from './plane.ts';
import { writeSession } from './sessions.ts';

describe('commands that talk to a plane', () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-plane-'));
    env = { XDG_CONFIG_HOME: join(folder, 'config'), WRIT_DATA: join(folder, 'data') };
  });
  after(() => rm(folder, { recursive: true }));

  test('read through the local socket with the viewer token when nobody is signed in', async () => {
    await using plane = await fakePlane(() => ({ body: { decisionId: 'd/1', sentence: 'why' } }), env.WRIT_DATA);
    const { exitCode, stdout } = await run(['explain', 'd/1', '--json'], env);
    assert.equal(exitCode, 0);
    assert.deepEqual(JSON.parse(stdout), { decisionId: 'd/1', sentence: 'why' });
    assert.deepEqual(plane.asked, [
      { method: 'GET', path: '/api/v1/decisions/d%2F1', authorization: 'Bearer viewer', body: '' },
    ]);
  });

  test('act with the session of a person, and with nothing less', async () => {
    await using plane = await fakePlane(() => ({ status: 201, body: { task: 'tsk_1', expires: 'x' } }), env.WRIT_DATA);
    const words = [
      'task',
      'start',
      '--user',
      'howard',
      '--agent',
      'a/b',
      '--prompt',
      'do it',
      '--ttl',
      '15m',
      '--depth',
      '2',
      '--scope',
      's:t',
      '--json',
    ];
    const nobody = await run(words, env);
    assert.equal(nobody.exitCode, 1);
    assert.match(nobody.stderr, /nobody is signed in; `writ login`/);
    assert.equal(plane.asked.length, 0);
    const somebody = await run(words, { ...env, WRIT_SESSION: 's' });
    assert.equal(somebody.exitCode, 0);
    const [asked] = plane.asked;
    assert.deepEqual([asked?.method, asked?.path, asked?.authorization], ['POST', '/api/v1/tasks', 'Bearer s']);
    assert.deepEqual(JSON.parse(asked!.body), {
      user: 'howard',
      agent: 'a/b',
      prompt: 'do it',
      scope: ['s:t'],
      depth: 2,
      ttlSeconds: 900,
    });
  });

  test('a plan goes with the task, and the answer tells what the task may ask', async () => {
    const constraints: JsonValue = [
      { actions: ['files:list'] },
      { actions: ['files:read'], arguments: { '/path': { oneOf: ['/a'] } } },
    ];
    const body = { task: 'tsk_1', expires: 'soon', scope: ['files:list', 'files:read'], constraints };
    await using plane = await fakePlane(() => ({ body }));
    const admin = { ...env, WRIT_ADMIN: plane.origin, WRIT_SESSION: 's' };
    const words = ['task', 'start', '--user', 'howard', '--agent', 'a/b', '--prompt', 'read /a'];
    const started = await run([...words, '--planned', '{"scopes":["files:read"]}'], admin);
    assert.deepEqual(JSON.parse(plane.asked[0]!.body).planned, { scopes: ['files:read'] });
    assert.equal(
      started.stdout,
      'tsk_1 until soon\n  files:list\n  files:read\n  files:read only with {"/path":{"oneOf":["/a"]}}\n',
    );
    assert.equal((await run([...words, '--planned', 'all'], admin)).exitCode, 2);
  });

  test('a stored session is sent to its own plane and to no other', async () => {
    await using home = await fakePlane(() => ({ body: {} }));
    await using other = await fakePlane(() => ({ body: {} }));
    writeSession(env, home.origin, { session: 'mine', roles: [], expires: null });
    assert.equal((await run(['approvals', '--json'], { ...env, WRIT_ADMIN: `${home.origin}/api/v1` })).exitCode, 0);
    assert.equal((await run(['approvals', '--json'], { ...env, WRIT_ADMIN: other.origin })).exitCode, 1);
    assert.deepEqual([home.asked[0]?.authorization, other.asked.length], ['Bearer mine', 0]);
  });

  test('an approval carries the digest that was seen', async () => {
    await using plane = await fakePlane(() => ({ body: { state: 'approved' } }));
    const admin = { ...env, WRIT_ADMIN: plane.origin, WRIT_SESSION: 's' };
    const blind = await run(['approvals', 'approve', 'apr_1'], admin);
    assert.equal(blind.exitCode, 2);
    assert.equal((await run(['approvals', 'approve', 'apr_1', '--hash', 'sha256:aa'], admin)).exitCode, 0);
    assert.deepEqual(
      plane.asked.map(({ path, body }) => [path, JSON.parse(body)]),
      [['/api/v1/approvals/apr_1', { verdict: 'approve', hash: 'sha256:aa' }]],
    );
  });

  const answers: [title: string, status: number, exitCode: number][] = [
    ['a session that ended', 401, 1],
    ['a refusal', 403, 1],
    ['a thing that is not there', 404, 1],
    ['a clash', 409, 1],
    ['an outage', 503, 3],
  ];
  for (const [title, status, exitCode] of answers) {
    test(`${title} ends ${exitCode} with the plane’s own sentence`, async () => {
      await using plane = await fakePlane(() => ({
        status,
        body: { error: 'x', error_description: 'In its own words.' },
      }));
      const ran = await run(['approvals', '--json'], { ...env, WRIT_ADMIN: plane.origin, WRIT_SESSION: 's' });
      assert.equal(ran.exitCode, exitCode);
      assert.match(ran.stderr, /^writ: In its own words\./);
      assert.match(JSON.parse(ran.stdout).says, /In its own words/);
    });
  }

  test('without a plane they end 3 and say how to start one', async () => {
    const ran = await run(['status'], { ...env, WRIT_DATA: join(folder, 'nothing') });
    assert.equal(ran.exitCode, 3);
    assert.match(ran.stderr, /no plane is running here: .*ready\.json` is missing; `writ up`/);
  });

  test('a plane that died without a word ends 3 too', async () => {
    const ran = await run(['approvals'], { ...env, WRIT_ADMIN: 'http://127.0.0.1:9', WRIT_SESSION: 's' });
    assert.equal(ran.exitCode, 3);
    assert.match(ran.stderr, /nobody answers at `http:\/\/127.0.0.1:9`/);
  });

  test('a review pins the digest of what was shown, and nothing unasked', async () => {
    const tools = [
      { name: 'read', state: 'reviewed', digest: 'sha256:1', description: 'Reads.', changes: [] },
      {
        name: 'send',
        state: 'changed',
        digest: 'sha256:2',
        description: 'Sends.\nMore.',
        changes: [{ pointer: '/description', was: 'a', is: 'b' }],
      },
    ];
    await using plane = await fakePlane(() => ({ body: { server: 'mail', digest: 'sha256:all', tools, refused: [] } }));
    const admin = { ...env, WRIT_ADMIN: plane.origin, WRIT_SESSION: 's' };
    const looked = await run(['policy', 'review', 'mail'], admin);
    assert.equal(looked.exitCode, 1);
    assert.equal(looked.stdout, 'changed  send\n    /description\n      [-a-]{+b+}\n');
    assert.equal(plane.asked.length, 1);
    assert.equal((await run(['policy', 'review', 'mail', '--yes'], admin)).exitCode, 0);
    const posted = plane.asked.at(-1)!;
    assert.deepEqual(
      [posted.method, posted.path, posted.body],
      ['POST', '/api/v1/policy/review/mail', '{"digest":"sha256:all"}'],
    );
  });

  test('whoami ends 1 for nobody and tells what is missing', async () => {
    const answer = {
      pid: 7,
      selectors: [{ kind: 'uid', value: '1001' }],
      identity: null,
      expires: null,
      nearest: {
        agent: 'a/b',
        missing: [{ kind: 'launch', wanted: 'a/b', seen: null }],
        fix: 'start it with `writ run`',
      },
    };
    await using plane = await fakePlane(() => ({ body: answer }), join(folder, 'who'));
    const ran = await run(['whoami', '--pid', '7'], { ...env, WRIT_DATA: join(folder, 'who'), WRIT_SESSION: 's' });
    assert.equal(plane.asked[0]?.path, '/api/v1/whoami?pid=7');
    assert.equal(ran.exitCode, 1);
    assert.equal(
      ran.stdout,
      'pid 7 is nobody to this plane\n  uid  1001\nnearest: a/b\n  launch: wanted a/b, seen nothing\nstart it with `writ run`\n',
    );
  });

  test('the data folder is named by option, environment, configuration, in this order', async () => {
    const file = join(folder, 'some.yaml');
    await writeFile(file, 'version: 1\ndata: ./from-file\nnonsense: [');
    assert.equal(dataFolder({ data: '/x', config: file, env }), '/x');
    assert.equal(dataFolder({ config: file, env }), env.WRIT_DATA);
    assert.equal(dataFolder({ config: file, env: {} }), join(folder, 'from-file'));
    assert.throws(() => dataFolder({ config: join(folder, 'none.yaml'), env: {} }), /does not exist/);
  });
});
