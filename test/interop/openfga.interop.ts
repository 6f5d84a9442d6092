// A whole plane that asks OpenFGA over AuthZEN 1.0: relations say who may use which tool, a condition reads the facts of the chain.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DeniedError } from '@writ/agent';
import type { Agent } from '@writ/agent/node';
import { openAuthzen } from '../../packages/server/src/action/remote/authzen-client.ts';
import { freePort } from '../free-port.ts';
import { smallWorld, startTestPlane, type TestPlane } from '../plane.fixture.ts';

const program = process.env.WRIT_INTEROP_OPENFGA;
assert.ok(program, 'WRIT_INTEROP_OPENFGA names no program; `npm run interop` builds one');

let fga: ChildProcess;
let origin: string;
let store: string;
let world: TestPlane;
let orchestrator: Agent;

async function api(path: string, body: object): Promise<{ readonly [member: string]: unknown }> {
  const answer = await fetch(`${origin}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
  return JSON.parse(text) as { readonly [member: string]: unknown };
}

const user = { directly_related_user_types: [{ type: 'user' }, { type: 'user', condition: 'near' }] };
const model = {
  schema_version: '1.1',
  type_definitions: [
    { type: 'user', relations: {}, metadata: null },
    {
      type: 'tool',
      relations: { 'tools/call': { this: {} } },
      metadata: { relations: { 'tools/call': user } },
    },
  ],
  conditions: {
    near: {
      name: 'near',
      expression: 'depth <= 1.0 && protocol == "mcp"',
      parameters: { depth: { type_name: 'TYPE_NAME_DOUBLE' }, protocol: { type_name: 'TYPE_NAME_STRING' } },
    },
  },
};
const tuple = (tool: string, condition?: string) => ({
  user: 'user:howard',
  relation: 'tools/call',
  object: `tool:files/${tool}`,
  ...(condition === undefined ? {} : { condition: { name: condition } }),
});

before(async () => {
  const [http, grpc] = [await freePort(), await freePort()];
  origin = `http://127.0.0.1:${http}`;
  fga = spawn(
    program,
    [
      ...[
        'run',
        '--experimentals=authzen',
        '--playground-enabled=false',
        '--metrics-enabled=false',
        '--log-level=none',
      ],
      ...[`--http-addr=127.0.0.1:${http}`, `--grpc-addr=127.0.0.1:${grpc}`],
    ],
    { stdio: 'ignore' },
  );
  const isReady = () =>
    fetch(`${origin}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  for (let tries = 0; !(await isReady()); tries++) {
    assert.ok(tries < 200 && fga.exitCode === null, 'OpenFGA did not start');
    await delay(50);
  }
  store = String((await api('/stores', { name: 'writ' })).id);
  await api(`/stores/${store}/authorization-models`, model);
  world = await startTestPlane({
    yaml: `${smallWorld}
pdp:
  fga: { authzen: "${origin}/stores/${store}/access/v1/evaluation", timeoutMillis: 3000 }
`,
  });
  orchestrator = await world.agent('claude/orchestrator');
});

after(async () => {
  await world?.close();
  const ended = new Promise((done) => fga.once('exit', done));
  fga?.kill();
  await ended;
});

const write = (key: ReturnType<typeof tuple>) => api(`/stores/${store}/write`, { writes: { tuple_keys: [key] } });
const remove = ({ condition: _, ...key }: ReturnType<typeof tuple> & { condition?: unknown }) =>
  api(`/stores/${store}/write`, { deletes: { tuple_keys: [key] } });

async function refusalOf(tool: string, args: { readonly [name: string]: string }): Promise<string | null> {
  const task = await orchestrator.task(await world.task('claude/orchestrator'));
  try {
    await task.run(() => orchestrator.mcp('files').callTool(tool, args));
    return null;
  } catch (error) {
    if (!(error instanceof DeniedError)) throw error;
    return error.denial.code;
  } finally {
    task.close();
  }
}
const read = () => refusalOf('read_text_file', { path: `${world.docs}/report.md` });
const list = () => refusalOf('list_directory', { path: world.docs });

test('without a relation OpenFGA says no, with one it says yes, and without it again no', async () => {
  assert.equal(await read(), 'action.policy_forbids');
  await write(tuple('read_text_file'));
  assert.equal(await read(), null);
  assert.equal(await list(), 'action.policy_forbids', 'the relation is to one tool');
  await remove(tuple('read_text_file'));
  assert.equal(await read(), 'action.policy_forbids');
});

test('a condition reads the facts of the chain that the plane sends', async () => {
  await write(tuple('list_directory', 'near'));
  assert.equal(await list(), null);
  await remove(tuple('list_directory'));
});

test('a condition that the chain does not meet is a no', async () => {
  await write(tuple('read_text_file', 'near'));
  const engine = openAuthzen({
    name: 'fga',
    url: `${origin}/stores/${store}/access/v1/evaluation`,
    deadlineMillis: 3000,
  });
  const actor = 'spiffe://zylos.local/claude/orchestrator';
  const asked = (depth: number) => ({
    target: { kind: 'server', server: 'files', name: 'read_text_file' } as const,
    operation: 'tools/call',
    arguments: { path: '/a' },
    context: {
      ...{ actor, root: { iss: 'http://127.0.0.1:8420', sub: 'howard' }, via: [actor], depth },
      ...{ task: 'tsk_1', scopes: ['files:read_text_file'], protocol: 'mcp', nowSeconds: 1_795_000_000 },
    },
  });
  assert.deepEqual([(await engine.ask(asked(1))).verdict, (await engine.ask(asked(2))).verdict], ['permit', 'deny']);
  await engine.close();
});

test('a store that is not there is an error of HTTP, which is no answer', async () => {
  const engine = openAuthzen({ name: 'fga', url: `${origin}/stores/01ARZ3NDEKTSV4RRFFQ69G5FAV/access/v1/evaluation` });
  const told = await engine.ask({
    target: { kind: 'server', server: 'files', name: 'x' },
    operation: 'tools/call',
    arguments: {},
    context: {
      ...{ actor: 'desktop', root: { iss: 'http://127.0.0.1:8420', sub: 'howard' }, via: ['desktop'], depth: 1 },
      ...{ task: 'tsk_1', scopes: [], protocol: 'mcp', nowSeconds: 1_795_000_000 },
    },
  });
  assert.ok(told.verdict === 'none' && told.fault === 'status', JSON.stringify(told));
  await engine.close();
});
