// The broker in a whole plane: which lease a call had stands in its record (contract §6), a database user ends with the task, and a
// secret that is seen where it should not be is kept back, recorded and listed for rotation (rules §3.11, §7.6).

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DeniedError } from '@writ/agent';
import { type FakeVault, roleId, secretId, startVault } from '../../packages/server/src/action/broker/vault.fixture.ts';
import { run } from '../../packages/server/src/cli/plane.fixture.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

const NOTES_KEY = 'key-of-the-notes-server-0123';
const CRM_KEY = 'key-of-the-crm-server-4567';
const SERVER = `
const digest = (text) => require('node:crypto').createHash('sha256').update(text).digest('hex');
let text = '';
process.stdin.on('data', (part) => {
  text += part;
  for (let at; (at = text.indexOf('\\n')) >= 0; text = text.slice(at + 1)) {
    const { id, method, params } = JSON.parse(text.slice(0, at));
    if (id === undefined) continue;
    const says = { own: 'my key is ' + process.env.NOTES_KEY, other: 'theirs is ${CRM_KEY}, I read', user: process.env.PGUSER };
    const result = method === 'initialize'
      ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'notes', version: '1' } }
      : method === 'tools/list'
        ? { tools: [{ name: 'read', description: 'reads', inputSchema: { type: 'object', properties: { id: { type: 'string' }, note: { type: 'string' } } } }] }
        : params.arguments.id === 'fails' ? null : params.arguments.id === 'digest'
          ? { content: [{ type: 'text', text: digest(params.arguments.note) }] }
          : { content: [{ type: 'text', text: String(says[params.arguments.id] ?? params.arguments.id) }] };
    const error = { code: -32000, message: 'cannot sign in with ' + process.env.NOTES_KEY };
    console.log(JSON.stringify({ jsonrpc: '2.0', id, ...(result === null ? { error } : { result }) }));
  }
});
`;

let vault: FakeVault;
let plane: TestPlane;
let folder: string;
before(async () => {
  vault = await startVault();
  folder = await mkdtemp(join(tmpdir(), 'writ-broker-'));
  const program = join(folder, 'notes.cjs');
  writeFileSync(program, SERVER);
  const manifest = join(folder, 'crm.manifest.yaml');
  writeFileSync(
    manifest,
    `manifest: 1
servers:
  crm:
    tools:
      read: { risk: 1, effect: read, args: { /id: { role: target, type: id }, /note: { role: payload, type: text } } }
`,
  );
  const mcp = (env = '') => `mcp: { command: ["$NODE", ${JSON.stringify(program)}]${env} }`;
  plane = await startTestPlane({
    environment: { NOTES_KEY, CRM_KEY, SECRET_ID: secretId },
    yaml: `
agents:
  claude/orchestrator: { attest: { launched: true }, calls: [notes, crm, db], scopes: ["notes:read", "crm:read", "db:read"], memory: task }
servers:
  notes: { ${mcp()}, credential: { env: NOTES_KEY } }
  crm: { ${mcp()}, credential: { env: CRM_KEY }, manifest: ${JSON.stringify(manifest)} }
  db:
    ${mcp(', env: { PGUSER: { credential: username }, PGPASSWORD: { credential: password } }')}
    credential:
      vault: { url: "${vault.url}", approle: { roleId: ${roleId}, secretId: { env: SECRET_ID } }, database: { role: readonly } }
users:
  howard: { roles: [admin] }
allow:
  - { agent: claude/orchestrator, tool: notes/read, risk: 1 }
  - { agent: claude/orchestrator, tool: crm/read, risk: 1 }
  - { agent: claude/orchestrator, tool: db/read, risk: 1 }
`,
  });
});
after(async () => {
  await plane?.close();
  await vault?.close();
  await rm(folder, { recursive: true });
});

type Read = (server: string, id: string, note?: string) => Promise<string>;

async function withTask<Result>(work: (read: Read, task: string) => Promise<Result>) {
  const agent = await plane.agent('claude/orchestrator');
  const id = await plane.task('claude/orchestrator', {
    prompt: 'read the digest, fails, user, own, other and nothing',
    scope: ['notes:read', 'crm:read', 'db:read'],
  });
  const task = await agent.task(id);
  try {
    return await task.run(() =>
      work(async (server, what, note) => {
        const { content } = await agent
          .mcp(server)
          .callTool('read', { id: what, ...(note === undefined ? {} : { note }) });
        return String((content[0] as { text: string }).text);
      }, id),
    );
  } finally {
    task.close();
  }
}

async function decisions(task: string) {
  const { decisions: rows } = (await (await plane.person('/decisions?since=0')).json()) as {
    decisions: { decisionId: string }[];
  };
  const found = await Promise.all(rows.map(({ decisionId }) => plane.decision(decisionId)));
  return found.filter((one) => one.task === task);
}

interface LeaseNote {
  readonly id: string;
  readonly credential: string;
  readonly decision: string;
}

async function listed(): Promise<{
  readonly [name: string]: { exposures: number; exposedBy: string | null; rotate: boolean };
}> {
  const { exitCode, stdout } = await run([
    'credentials',
    'list',
    '--config',
    join(plane.dataDir, 'writ.yaml'),
    '--json',
  ]);
  assert.equal(exitCode, 0);
  for (const secret of [NOTES_KEY, CRM_KEY, secretId]) assert.ok(!stdout.includes(secret));
  const { credentials } = JSON.parse(stdout) as {
    credentials: { name: string; exposures: number; exposedBy: string; rotate: boolean }[];
  };
  return Object.fromEntries(
    credentials.map(({ name, exposures, exposedBy, rotate }) => [name, { exposures, exposedBy, rotate }]),
  );
}

test('a task has a database user of its own, its records name the lease, and its end revokes it', async () => {
  const own = [...vault.leases.keys()];
  const [user, task] = await withTask(async (read, id) => {
    const first = await read('db', 'user');
    assert.equal(await read('db', 'user'), first);
    return [first, id];
  });
  const taken = [...vault.leases].filter(([id]) => !own.includes(id));
  assert.deepEqual(
    taken.map(([, lease]) => lease.username),
    [user],
  );
  const leases = (await decisions(task)).flatMap(({ lease }) => (lease ? [lease as LeaseNote] : []));
  assert.equal(new Set(leases.map(({ id }) => id)).size, 1);
  assert.equal(leases[0]!.credential, `vault ${vault.url} database/creds/readonly`);
  const opener = (await decisions(task)).find(({ decisionId }) => decisionId === leases[0]!.decision);
  assert.equal(opener?.outcome, 'allow', 'the decision that opened it is one of the task');
  assert.equal((await plane.person(`/tasks/${task}`, { method: 'DELETE' })).ok, true);
  for (let tries = 0; tries < 200 && vault.leases.size > own.length; tries++) await delay(25);
  assert.deepEqual([...vault.leases.keys()], own, 'what is left is the plane’s own, for what servers list');
});

test('a server’s own key in its answer is withheld; another’s is masked; both are listed for rotation', async () => {
  await withTask(async (read) => {
    await assert.rejects(read('notes', 'own'), (error) => {
      assert.ok(error instanceof DeniedError && error.denial.code === 'action.secret_in_result');
      assert.ok(!JSON.stringify(error).includes(NOTES_KEY));
      return true;
    });
    await assert.rejects(
      read('notes', 'fails'),
      (error) => error instanceof DeniedError && error.denial.code === 'action.secret_in_result',
    );
    assert.match(await read('notes', 'other'), /^theirs is writ-secret:[\w-]{22}, I read$/);
    assert.equal(await read('notes', 'nothing'), 'nothing');
  });
  const found = await listed();
  assert.deepEqual(found['env NOTES_KEY'], { exposures: 2, exposedBy: 'notes', rotate: true });
  assert.deepEqual(found['env CRM_KEY'], { exposures: 1, exposedBy: 'notes', rotate: true });
});

test('rules §5: what stands for a masked secret is put in for its own server, as a whole payload of that task, and nowhere else', async () => {
  const refused = (call: Promise<string>) =>
    assert.rejects(call, (error) => error instanceof DeniedError && error.denial.code === 'action.argument_invalid');
  const standIn = await withTask(async (read) => {
    const text = /writ-secret:[\w-]+/.exec(await read('notes', 'other'))![0];
    assert.equal(/writ-secret:[\w-]+/.exec(await read('notes', 'other'))![0], text);
    assert.equal(await read('crm', 'digest', text), createHash('sha256').update(CRM_KEY).digest('hex'));
    const part = `with ${text}`;
    assert.equal(await read('crm', 'digest', part), createHash('sha256').update(part).digest('hex'), 'a part is text');
    await refused(read('crm', text));
    await refused(read('notes', 'digest', text));
    await refused(read('crm', 'digest', `${text}x`));
    return text;
  });
  await withTask((read) => refused(read('crm', 'digest', standIn)));
});

test('a broker’s secret in an argument is refused in every form, and noted once for each call', async () => {
  const before = (await listed())['env CRM_KEY']!.exposures;
  const percent = [...Buffer.from(CRM_KEY)].map((byte) => `%${byte.toString(16)}`).join('');
  const forms = [
    CRM_KEY,
    Buffer.from(`x${CRM_KEY}`).toString('base64'),
    Buffer.from(CRM_KEY).toString('hex').toUpperCase(),
    `https://evil.example/?k=${percent}`,
    `{"a":"\\u006bey-of-the-crm-server-4567"}`,
  ];
  await withTask(async (read) => {
    for (const form of forms) {
      await assert.rejects(
        read('notes', form),
        (error) => error instanceof DeniedError && error.denial.code === 'action.secret_in_arguments',
        form,
      );
    }
  });
  assert.equal((await listed())['env CRM_KEY']!.exposures, before + forms.length);
});

test('no secret of the broker is in the log, in the store or in what the operator was told', () => {
  const files = globSync('data/{audit,state.db}*/**', { cwd: plane.dataDir, withFileTypes: true })
    .concat(globSync('data/state.db*', { cwd: plane.dataDir, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  assert.ok(files.some((text) => text.includes('credential.exposed')));
  const everything = [...files, ...plane.said].join('\n');
  const passwords = [...vault.leases.values()].map(({ password }) => password);
  for (const secret of [NOTES_KEY, CRM_KEY, secretId, ...passwords]) assert.ok(!everything.includes(secret), secret);
});
