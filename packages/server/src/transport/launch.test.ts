import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { type Launched, type LaunchOptions, launch } from './launch-client.ts';
import { entryOf, eventually, openSmallPlane, ownUid, type SmallPlane, whoAmICommand } from './launch-fixtures.ts';
import { decodeLaunchReply, encodeLaunchRequest, type LaunchRequest } from './launch-protocol.ts';
import { createLaunchTokens, type LaunchTokenRow } from './launch-tokens.ts';

const agents = ['demo/one', 'demo/two', 'demo/three', 'demo/four', 'demo/five'];
const launchedEntries = agents.map((agent) => entryOf(agent, { launched: true }));

function optionsFor(plane: SmallPlane, change: Partial<LaunchOptions> = {}): LaunchOptions {
  return {
    launchSocket: plane.launchSocket,
    agent: 'demo/one',
    command: whoAmICommand(plane.askSocket),
    credential: { session: 'of a person' },
    environment: process.env,
    planeEnvironment: {},
    stdio: ['pipe', 'pipe', 'inherit'],
    ...change,
  };
}

async function launched(options: LaunchOptions): Promise<Launched> {
  const result = await launch(options);
  assert.ok(result.ok, result.ok ? '' : result.says);
  return result.launched;
}

async function outputOf({ process: child, exited }: Launched): Promise<string> {
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  await Promise.all([once(child.stdout!, 'end'), exited]);
  return text.trim();
}

async function refusalOf(options: LaunchOptions): Promise<string> {
  const result = await launch(options);
  assert.equal(result.ok, false);
  return result.ok ? '' : result.says;
}

test('five children of one parent, of one executable and one uid, are five agents', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  const children = await Promise.all(agents.map((agent) => launched(optionsFor(plane, { agent }))));
  assert.deepEqual(await Promise.all(children.map(outputOf)), agents);
});

test('a sixth child of that parent, not launched, is nobody', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  const holder = await launched(optionsFor(plane, { command: whoAmICommand(plane.askSocket, true) }));
  const [program, ...rest] = whoAmICommand(plane.askSocket);
  const plain = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = (await once(plain.stdout, 'data')) as [Buffer];
  assert.equal(text.toString().trim(), 'transport.peer_not_attested');
  holder.process.stdin!.end();
  await holder.exited;
});

test('the pid stays from shim to command, and a descendant is covered like the command itself', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  const [node, ...rest] = whoAmICommand(plane.askSocket);
  const command = ['/bin/sh', '-c', 'echo $$; "$0" "$@"; true', node, ...rest] as [string, ...string[]];
  const child = await launched(optionsFor(plane, { agent: 'demo/two', command }));
  assert.equal(await outputOf(child), `${child.pid}\ndemo/two`);
});

test('the identity ends with the launched process', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  // The shell leaves a child behind that asks only after the shell is gone.
  const [node, ...rest] = whoAmICommand(plane.askSocket);
  const script = 'shell=$$; (while [ -d /proc/$shell ]; do sleep 0.02; done; "$0" "$@") & exit 0';
  const child = await launched(optionsFor(plane, { command: ['/bin/sh', '-c', script, node, ...rest] }));
  assert.equal(await outputOf(child), 'transport.peer_not_attested');
});

test('a peer inside a launched tree can launch nothing', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  const module = new URL('./launch-client.ts', import.meta.url).href;
  const script = `const { launch } = await import(${JSON.stringify(module)});
    console.log((await launch({ launchSocket: process.argv[1], agent: 'demo/two', command: ['/bin/true'],
      credential: { session: 'stolen' }, environment: {}, planeEnvironment: {} })).says); process.exit();`;
  const command = [
    process.execPath,
    ...process.execArgv.filter((a) => !a.startsWith('--test')),
    '--input-type=module',
    '-e',
    script,
    plane.launchSocket,
  ];
  const child = await launched(optionsFor(plane, { command: command as [string, ...string[]] }));
  assert.match(await outputOf(child), /^a launched agent cannot launch another/);
  assert.deepEqual(plane.refusals, ['a launched agent cannot launch another; start it from outside']);
});

test('a launch token carries only the variables of the entry, a person everything', async (t) => {
  const plane = await openSmallPlane(t, [
    entryOf('demo/one', { launched: true, command: ['/usr/bin/env'], env: ['A', 'MISSING'] }),
  ]);
  const environment = { A: '1', B: '2', PATH: '/nowhere' };
  const base = { command: ['/usr/bin/env'] as [string], environment, planeEnvironment: { WRIT_TASK: 'tsk_1' } };
  const byToken = await launched(optionsFor(plane, { ...base, credential: { launchToken: 'x' } }));
  assert.deepEqual((await outputOf(byToken)).split('\n').sort(), ['A=1', 'WRIT_TASK=tsk_1']);

  plane.setEntries([entryOf('demo/one', { launched: true })]);
  const byPerson = await launched(optionsFor(plane, base));
  assert.deepEqual((await outputOf(byPerson)).split('\n').sort(), ['A=1', 'B=2', 'PATH=/nowhere', 'WRIT_TASK=tsk_1']);
});

test('the caller’s environment does nothing to the shim', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  const before = process.env.NODE_OPTIONS;
  process.env.NODE_OPTIONS = '--require=/no/such/file.js';
  t.after(() => {
    if (before === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = before;
  });
  const child = await launched(optionsFor(plane, { command: ['/bin/sh', '-c', 'echo ran'] }));
  assert.equal(await outputOf(child), 'ran');
});

test('the command starts with default signals and no descriptor of the shim', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  const script = 'grep SigIgn /proc/self/status; readlink /proc/self/fd/3; true';
  const child = await launched(optionsFor(plane, { command: ['/bin/sh', '-c', script] }));
  assert.match(await outputOf(child), /^SigIgn:\t0{16}$/);
});

test('a launch token is good for its agent, uid and command alone', async () => {
  const rows = new Map<string, LaunchTokenRow>();
  let n = 0;
  const tokens = createLaunchTokens({
    store: {
      put: async (digest, row) => void rows.set(digest, row),
      get: async (digest) => rows.get(digest) ?? null,
      remove: async (agent) => {
        for (const [digest, row] of rows) if (row.agent === agent) rows.delete(digest);
      },
    },
    clock: { nowSeconds: () => 1 },
    randomBytes: (count) => new Uint8Array(count).fill(++n),
  });
  const claim = { agent: 'demo/one', uid: 5, command: ['node', 'a b'] };
  const token = await tokens.mint(claim);
  assert.equal(await tokens.verify(token, claim), null);
  assert.ok(![...rows.keys()].some((digest) => token.includes(digest)), 'the store holds no token');
  assert.match((await tokens.verify(token, { ...claim, agent: 'demo/two' }))!, /is for `demo\/one`/);
  assert.match((await tokens.verify(token, { ...claim, uid: 6 }))!, /is for uid `5`/);
  assert.match((await tokens.verify(token, { ...claim, command: ['node', 'a', 'b'] }))!, /for the command/);
  assert.match((await tokens.verify(`${token}x`, claim))!, /not known/);
  await tokens.revoke('demo/one');
  assert.match((await tokens.verify(token, claim))!, /not known/);
});

const refused: readonly (readonly [string, Partial<LaunchOptions>, RegExp])[] = [
  ['of an agent nobody configured', { agent: 'demo/none' }, /there is no agent `demo\/none`/],
  ['of an agent that is not launched', { agent: 'demo/resident' }, /is not a launched agent/],
  ['of another command', { agent: 'demo/fixed', command: ['/bin/false'] }, /is launched as `\/bin\/true` only/],
  ['by token without a configured command', { credential: { launchToken: 'x' } }, /only a person launches it/],
  ['as another uid than the entry’s', { agent: 'demo/other' }, /runs as uid `4242`/],
];
for (const [what, change, says] of refused) {
  test(`a launch ${what} is refused with a sentence`, async (t) => {
    const plane = await openSmallPlane(t, [
      entryOf('demo/one', { launched: true }),
      entryOf('demo/resident', {}),
      entryOf('demo/fixed', { launched: true, command: ['/bin/true'] }),
      entryOf('demo/other', { launched: true, uid: 4242 }),
    ]);
    assert.match(await refusalOf(optionsFor(plane, change)), says);
    assert.deepEqual(plane.launches.list(), []);
  });
}

test('root launches for another uid, and the identity is of that uid', {
  skip: ownUid !== 0 && 'needs root',
}, async (t) => {
  const uid = 4242;
  const plane = await openSmallPlane(t, [entryOf('demo/one', { launched: true, uid })]);
  chmodSync(plane.folder, 0o711);
  assert.equal(await outputOf(await launched(optionsFor(plane, { uid, gid: uid, cwd: '/' }))), 'demo/one');
  // Registered for 4242, running as root: the shim is looked at, not believed.
  const child = spawn('/bin/cat', { stdio: ['pipe', 'ignore', 'inherit'] });
  const request = { agent: 'demo/one', command: ['x'], adopts: false, credential: { session: 's' } };
  const answer = await ask(plane, { ...request, uid, shimPid: child.pid! });
  assert.match(answer?.ok === false ? answer.says : '', /does not run as uid `4242`/);
  child.stdin.end();
  await once(child, 'exit');
});

test('what authorisation says against a launch is what the caller reads', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries, async () => 'the session has expired; run `writ login`');
  assert.equal(await refusalOf(optionsFor(plane)), 'the session has expired; run `writ login`');
});

async function ask(plane: SmallPlane, request: LaunchRequest) {
  const socket = connect(plane.launchSocket).setEncoding('utf8');
  socket.write(encodeLaunchRequest(request));
  const [line] = (await once(socket, 'data')) as [string];
  socket.destroy();
  return decodeLaunchReply(line.trim());
}

test('only the parent of a process registers it', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  const request = { agent: 'demo/one', uid: ownUid, command: ['x'], adopts: false, credential: { session: 's' } };
  const answer = await ask(plane, { ...request, shimPid: 1 });
  assert.match(answer?.ok === false ? answer.says : '', /is not a child of the one that asked/);
  const gone = await ask(plane, { ...request, shimPid: 4_000_000 });
  assert.match(gone?.ok === false ? gone.says : '', /has ended/);
});

test('a process is launched as one agent, however often it is registered', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  const child = spawn('/bin/cat', { stdio: ['pipe', 'ignore', 'inherit'] });
  const request = { uid: ownUid, command: ['x'], shimPid: child.pid!, adopts: false, credential: { session: 's' } };
  assert.equal((await ask(plane, { ...request, agent: 'demo/one' }))?.ok, true);
  assert.equal((await ask(plane, { ...request, agent: 'demo/one' }))?.ok, true);
  const other = await ask(plane, { ...request, agent: 'demo/two' });
  assert.match(other?.ok === false ? other.says : '', /already launched as `demo\/one`/);
  assert.equal(plane.launches.list().length, 1);
  child.stdin.end();
  await once(child, 'exit');
  assert.deepEqual(plane.launches.list(), []);
});

test('lines that are no request are refused and launch nothing', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  for (const line of ['', 'x', '[]', '{"agent":"demo/one"}', '{"agent":"a","agent":"b"}']) {
    const socket = connect(plane.launchSocket).setEncoding('utf8');
    socket.write(`${line}\n`);
    const [reply] = (await once(socket, 'data')) as [string];
    assert.equal(decodeLaunchReply(reply.trim())?.ok, false, line);
    socket.destroy();
  }
});

test('a restarted plane learns of a running launch again', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  const child = await launched(
    optionsFor(plane, { agent: 'demo/three', command: whoAmICommand(plane.askSocket, true) }),
  );
  const lines = createInterface({ input: child.process.stdout! })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'demo/three');
  await plane.restart();
  child.process.stdin!.write('again\n');
  assert.equal((await lines.next()).value, 'transport.peer_not_attested');
  await eventually('the launch is registered again', () => plane.launches.list().length === 1);
  child.process.stdin!.write('again\n');
  assert.equal((await lines.next()).value, 'demo/three');
  child.process.stdin!.end();
  assert.equal(await child.exited, 0);
});

test('without a plane nothing is started', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  const result = await launch(optionsFor(plane, { launchSocket: `${plane.folder}/none.sock` }));
  assert.ok(!result.ok);
  assert.equal(result.why, 'unreachable');
});

test('a command that does not exist is said before anything runs', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  assert.match(
    await refusalOf(optionsFor(plane, { command: ['no-such-program'] })),
    /cannot find a program `no-such-program`/,
  );
  await eventually('the shim is gone', () => plane.launches.list().length === 0);
});
