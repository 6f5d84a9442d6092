import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { argumentsOf } from './call.ts';
import { checkDecision } from './check-decision.ts';
import { run } from './plane.fixture.ts';
import { withoutCredentials } from './run.ts';
import { tokenForm } from './token.ts';
import { isGroup } from './verb.ts';
import { VERBS } from './verbs.ts';

test('every command has a sentence and takes --json', async () => {
  for (const [name, load] of Object.entries(VERBS)) {
    const { default: verb } = await load();
    assert.match(verb.summary, /^\S/, name);
    for (const one of isGroup(verb) ? Object.values(verb.verbs) : [verb])
      assert.equal(one.options.json?.type, 'boolean', name);
  }
});

test('help is printed for all, for groups and for one, without colour where nobody looks', async () => {
  for (const words of [['--help'], ['task', '--help'], ['task', 'start', '--help'], ['explain', '-h']]) {
    const { exitCode, stdout } = await run(words);
    assert.equal(exitCode, 0);
    assert.match(stdout, /USAGE writ/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colour is what must not be there
    assert.doesNotMatch(stdout, /\u001b/);
  }
});

const misused: [words: string[], says: RegExp][] = [
  [['nothing'], /`nothing` is not a command/],
  [['task', 'stop'], /`writ task stop` is not a command; there are `start`, `end`/],
  [['task'], /needs one of `start`, `end`/],
  [['constructor'], /not a command/],
  [['whoami', '--pid', '-1'], /not a process id/],
  [['run', '--agent', 'a/b'], /the program is missing/],
  [['completion', 'tcsh'], /`tcsh` is not known/],
  [['call', 'files/read'], /say which agent calls/],
  [['call', 'files', '--as', 'a/b'], /does not name a tool/],
];
for (const [words, says] of misused) {
  test(`writ ${words.join(' ')} ends 2`, async () => {
    const { exitCode, stderr, stdout } = await run(words, { WRIT_DATA: '/nonexistent' });
    assert.equal(exitCode, 2, stderr);
    assert.match(stderr, says);
    assert.equal(stdout, '');
  });
}

test('who may call whom, and an Envoy’s bootstrap, come from WRIT_CONFIG where no `--config` is given', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'writ-verbs-'));
  try {
    const env = { WRIT_CONFIG: join(folder, 'elsewhere.yaml'), WRIT_DATA: folder };
    const agents = 'agents: { a/one: { calls: [a/two] }, a/two: { a2a: "http://127.0.0.1:1/" } }';
    await writeFile(env.WRIT_CONFIG, `version: 1\ntrustDomain: zylos.local\n${agents}\n`);
    const graph = await run(['agent', 'graph', '--json'], env);
    assert.equal(graph.exitCode, 0, graph.stderr);
    assert.deepEqual(JSON.parse(graph.stdout), { edges: [{ caller: 'a/one', callee: 'a/two', kind: 'agent' }] });
    const envoy = await run(['envoy', 'config', 'a/two'], env);
    assert.match(envoy.stderr, /no plane is running here/);
    await writeFile(env.WRIT_CONFIG, 'version: 2\n');
    for (const words of [
      ['agent', 'graph'],
      ['envoy', 'config', 'a/two'],
    ])
      assert.match((await run(words, env)).stderr, /not in order\n\s+\S*elsewhere\.yaml:1:/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a launched program inherits nothing that would let it act as the person who started it', () => {
  const env = { PATH: '/bin', WRIT_SESSION: 's', WRIT_LAUNCH_TOKEN: 't', WRIT_ADMIN: 'a', WRIT_TASK: 'tsk' };
  assert.deepEqual(withoutCredentials(env), { PATH: '/bin', WRIT_TASK: 'tsk' });
});

test('with --json a failure is JSON too', async () => {
  const { exitCode, stdout } = await run(['task', 'stop', '--json']);
  assert.equal(exitCode, 2);
  assert.equal(JSON.parse(stdout).error, 'usage');
});

describe('arguments of a call', () => {
  test('are read as what they look like, where nothing is lost by it', () => {
    const words = [
      'n=80',
      'f=1.5',
      'b=true',
      'x=null',
      't=a=b',
      'iban=0123',
      'money=1.10',
      'big=12345678901234567890',
      'e=',
    ];
    assert.deepEqual(argumentsOf(undefined, words), {
      n: 80,
      f: 1.5,
      b: true,
      x: null,
      t: 'a=b',
      iban: '0123',
      money: '1.10',
      big: '12345678901234567890',
      e: '',
    });
  });

  test('may be one JSON object, read strictly', () => {
    assert.equal(JSON.stringify(argumentsOf('{"a":[1]}', [])), '{"a":[1]}');
    assert.throws(() => argumentsOf('{"a":1,"a":2}', []), /one JSON object/);
    assert.throws(() => argumentsOf('[1]', []), /one JSON object/);
    assert.throws(() => argumentsOf('{}', ['a=1']), /either/);
    assert.throws(() => argumentsOf(undefined, ['=1']), /not an argument/);
  });
});

describe('a token request', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = (typ: string) =>
    `${part({ alg: 'EdDSA', typ, kid: 'k' })}.${part({ sub: 'x' })}.${Buffer.alloc(64).toString('base64url')}`;
  const wish = { audience: 'https://h/mcp/files', scope: ['files:a', 'files:b'], 'estimated-seconds': '60' };

  test('goes on from what is in hand, by its kind', () => {
    const access = tokenForm('spiffe://td/a/b', token('at+jwt'), wish);
    assert.equal(access.get('subject_token_type'), 'urn:ietf:params:oauth:token-type:access_token');
    assert.equal(access.get('scope'), 'files:a files:b');
    assert.equal(access.get('audience'), wish.audience);
    assert.equal(access.get('estimated_seconds'), '60');
    const continuation = tokenForm('spiffe://td/a/b', token('writ-continuation+jwt'), wish);
    assert.equal(continuation.get('subject_token_type'), 'urn:writ:params:oauth:token-type:continuation');
  });

  test('for oneself names the resource', () => {
    const own = tokenForm('spiffe://td/a/b', null, { ...wish, 'estimated-seconds': undefined });
    assert.deepEqual(
      [own.get('grant_type'), own.get('resource'), own.has('subject_token')],
      ['client_credentials', wish.audience, false],
    );
  });

  test('is not made from anything else', () => {
    assert.throws(() => tokenForm('x', token('writ-context+jwt'), wish), /neither an access token nor a continuation/);
    assert.throws(() => tokenForm('x', 'opaque', wish), /neither/);
    assert.throws(() => tokenForm('x', null, { ...wish, 'estimated-seconds': '1.5' }), /not a number of seconds/);
  });
});

describe('a token on disk', () => {
  test('is shown with the warning that nobody has checked it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'writ-token-'));
    try {
      const file = join(folder, 't');
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      await writeFile(
        file,
        `${part({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k' })}.${part({ sub: 'howard' })}.${Buffer.alloc(64).toString('base64url')}\n`,
      );
      const shown = await run(['token', 'inspect', file, '--json']);
      assert.deepEqual(JSON.parse(shown.stdout), {
        verified: false,
        header: { alg: 'EdDSA', typ: 'at+jwt', kid: 'k' },
        claims: { sub: 'howard' },
      });
      await writeFile(file, 'two words');
      assert.equal((await run(['token', 'inspect', file])).exitCode, 1);
      assert.equal((await run(['token', 'inspect', join(folder, 'none')])).exitCode, 2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test('a token that comes through a pipe, late and in two pieces, is waited for', async () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = `${part({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k' })}.${part({ sub: 'h' })}.${Buffer.alloc(64).toString('base64url')}`;
  const program = join(import.meta.dirname, 'main.ts');
  const words = ['--conditions=writ-source', '--no-warnings', program, 'token', 'inspect', '--json', '-'];
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  let stdout = '';
  child.stdout.on('data', (data) => (stdout += data));
  child.stdin.on('error', () => {}); // what became of it is told by the exit code
  child.stdin.write(token.slice(0, 20));
  // Longer than it takes to start: a slow machine proves less, and is not refused for it.
  await sleep(1500);
  child.stdin.end(`${token.slice(20)}\n`);
  const [exitCode] = await ended;
  assert.equal(exitCode, 0);
  assert.deepEqual(JSON.parse(stdout).claims, { sub: 'h' });
});

describe('a recorded decision', () => {
  const link = (actor: string, depth: number, scope: string[]) => ({
    actor: { iss: 'i', sub: actor },
    aud: 'https://h/x',
    scope,
    budget: [],
    depth,
    until: 100,
    ceiling: 4,
    row: `row-${actor}`,
  });
  const pass = { verdict: 'pass' };
  const record = {
    outcome: 'allow',
    checks: { transport: pass, token: pass, action: pass },
    principal: { kind: 'user', id: 'howard', iss: 'i', owner: null },
    act: { iss: 'i', sub: 'agent' },
    task: 'tsk_1',
    wc: [link('howard', 2, ['s:a', 's:b']), link('agent', 1, ['s:a'])],
  };

  test('whose chain narrows has nothing to report', () => {
    assert.deepEqual(checkDecision(record), []);
  });

  const broken: [title: string, change: object, code: string][] = [
    [
      'with a hop wider than the one before',
      { wc: [link('howard', 2, ['s:a']), link('agent', 1, ['s:b'])] },
      'decision.chain_widened',
    ],
    [
      'with a hop that takes no depth',
      { wc: [link('howard', 2, ['s:a']), link('agent', 2, ['s:a'])] },
      'decision.chain_widened',
    ],
    [
      'allowed past a check',
      { checks: { transport: pass, token: pass, action: { verdict: 'not_reached' } } },
      'decision.check_skipped',
    ],
    ['whose act names somebody else', { act: { iss: 'i', sub: 'other' } }, 'decision.chain_unreadable'],
    ['without a chain', { wc: [] }, 'decision.chain_unreadable'],
  ];
  for (const [title, change, code] of broken) {
    test(`${title} is a finding`, () => {
      assert.deepEqual(
        checkDecision({ ...record, ...change }).map((one) => one.code),
        [code],
      );
    });
  }

  test('that was refused may have any chain', () => {
    assert.deepEqual(checkDecision({ ...record, outcome: 'deny', wc: [] }), []);
  });
});

test('the completion script for bash completes commands, groups and options', async () => {
  const { stdout } = await run(['completion', 'bash']);
  const complete = (line: string[]) =>
    execFileSync(
      'bash',
      ['-c', `${stdout}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _writ; echo "\${COMPREPLY[@]}"`, 'bash', ...line],
      { encoding: 'utf8' },
    ).trim();
  assert.equal(complete(['writ', 'exp']), 'explain');
  assert.equal(complete(['writ', 'task', '']), 'start end');
  assert.equal(complete(['writ', 'task', 'start', '--pro']), '--prompt');
  assert.equal(complete(['writ', 'explain', 'some-id', '--js']), '--json');
});
