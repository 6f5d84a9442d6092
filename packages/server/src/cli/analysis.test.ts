// `writ policy test`, `prove`, `replay` and `writ blast-radius` over a folder as an operator has it: configuration, Cedar files, data
// beside them, and definitions that a person reviewed.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { JsonObject } from '@writ/core';
import { loadConfig } from '../config/load.ts';
import { openPolicy } from '../main/policy.ts';
import { openStore } from '../store/store.ts';
import { fakePlane, run } from './plane.fixture.ts';

let folder: string;
const at = (name: string) => join(folder, name);

const configuration = (allow: string) => `version: 1
trustDomain: zylos.local
data: ./data
listen: { mtls: "127.0.0.1:0", oauth: "127.0.0.1:0", admin: "127.0.0.1:8420" }
agents:
  claude/orchestrator:
    calls: [db/reader, files]
    scopes: ["files:read_text_file", "files:write_file"]
    memory: task
    a2a: "http://127.0.0.1:7001"
  db/reader: { calls: [files], scopes: ["files:*"], memory: task, a2a: "http://127.0.0.1:7002" }
servers:
  files: { mcp: { url: "http://127.0.0.1:9000/mcp" }, manifest: "builtin:filesystem" }
users:
  howard: { roles: [admin] }
policy: ./policy
allow:
  - { agent: claude/orchestrator, tool: files/read_text_file }
${allow}`;

const cedar = `@id("shallow")
forbid (principal, action in Writ::Action::"tool.call", resource)
when { context.depth > 2 };
`;

const cases = `cases:
  - name: reading is what the orchestrator is for
    request: { agent: claude/orchestrator, user: howard, call: files/read_text_file, arguments: { path: /docs/a } }
    expect: { outcome: allow, determining: [allow.1.agent, allow.1.user] }
  - name: it does not write
    request: { agent: claude/orchestrator, user: howard, call: files/write_file, arguments: { path: /a, content: x } }
    expect: { outcome: deny, code: action.policy_forbids }
`;

const guards = `guards:
  - name: the orchestrator never writes
    never: { agent: claude/orchestrator, call: files/write_file }
  - name: nothing happens three hands away
    never: { call: "files/*" }
    given: { depth: 3 }
`;

const readerWrites = '  - { agent: db/reader, tool: files/write_file }\n';

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'writ-analysis-'));
  for (const name of ['data', 'policy', 'draft']) mkdirSync(at(name), { mode: 0o700 });
  writeFileSync(at('writ.yaml'), configuration(''));
  writeFileSync(at('wider.yaml'), configuration(readerWrites));
  writeFileSync(at('policy/guards.cedar'), cedar);
  writeFileSync(at('policy/a.cases.yaml'), cases);
  writeFileSync(at('policy/a.guards.yaml'), guards);
  writeFileSync(at('draft/none.cedar'), '@id("closed") forbid (principal, action, resource);');
  cpSync(at('policy/a.cases.yaml'), at('draft/a.cases.yaml'));
  await review();
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** As a person does it once the server has been asked what it offers. */
async function review(): Promise<void> {
  const loaded = loadConfig(at('writ.yaml'));
  assert.ok('config' in loaded, JSON.stringify(loaded));
  const clock = { nowSeconds: () => 1_795_000_000, nowMillis: () => 1_795_000_000_000 };
  const store = await openStore({ file: at('data/state.db'), clock });
  const { pins, reload } = await openPolicy({
    config: loaded.config,
    issuer: 'http://127.0.0.1:8420',
    store,
    clock,
    onLoaded: () => {},
    say: () => {},
    report: (what, error) => assert.fail(`${what}: ${error}`),
  });
  const tool = (name: string, properties: JsonObject): JsonObject => ({
    name,
    inputSchema: { type: 'object', properties, required: ['path'] },
  });
  const text = { type: 'string' };
  await pins.observe('files', {
    instructions: null,
    tools: [tool('read_text_file', { path: text }), tool('write_file', { path: text, content: text })],
    prompts: [],
    resourceTemplates: [],
    resources: false,
  });
  assert.equal(await pins.accept('files', (await pins.review('files'))!.digest, 'howard'), 'pinned');
  // What was pinned is loaded in the background; this one comes after it.
  await reload();
  await store.close();
}

const writ = (...words: string[]) => run([...words, '--config', at('writ.yaml')]);
const json = (text: string) => JSON.parse(text) as JsonObject;

test('cases beside the policy are put to it, and each answer is told', async () => {
  const { exitCode, stdout, stderr } = await writ('policy', 'test');
  assert.deepEqual([exitCode, stderr], [0, '']);
  assert.match(stdout, /^ok {3}reading is what the orchestrator is for: allow by allow\.1\.agent, allow\.1\.user$/m);
  assert.match(stdout, /^2 of 2 as expected$/m);
});

test('a draft of the policy fails the case it breaks, with exit code 1', async () => {
  const { exitCode, stdout } = await writ('policy', 'test', '--policy', at('draft'));
  assert.equal(exitCode, 1);
  assert.match(stdout, /^FAIL reading .*: expected allow, and it is deny \(action\.policy_forbids\)/m);
  assert.match(stdout, /^1 of 2 as expected$/m);
});

test('a case that is not in order is told with its place, with exit code 2', async () => {
  writeFileSync(at('bad.cases.yaml'), 'cases:\n  - name: a\n    requst: {}\n');
  const { exitCode, stderr } = await writ('policy', 'test', at('bad.cases.yaml'));
  assert.equal(exitCode, 2);
  assert.match(stderr, /bad\.cases\.yaml:\d+:\d+ .*requst/);
});

test('no cases at all is a usage mistake, since nothing was tested', async () => {
  writeFileSync(at('draft/empty.txt'), '');
  const { exitCode, stderr } = await writ('policy', 'prove', '--policy', at('draft'));
  assert.equal(exitCode, 2);
  assert.match(stderr, /there is no `\*\.guards\.yaml` to read/);
});

test('guards are proven, or what is open is listed', async () => {
  const proven = await writ('policy', 'prove', '--json');
  assert.equal(proven.exitCode, 0, proven.stdout + proven.stderr);
  assert.deepEqual(
    (json(proven.stdout).guards as readonly JsonObject[]).map(({ weighed }) => weighed),
    [1, 4],
  );
  writeFileSync(at('open.guards.yaml'), 'guards:\n  - name: nobody reads\n    never: { call: "files/*" }\n');
  const open = await writ('policy', 'prove', at('open.guards.yaml'));
  assert.equal(open.exitCode, 1);
  assert.match(open.stdout, /OPEN {3}nobody reads: 1 of what 4 pairs could ask/);
  assert.match(
    open.stdout,
    /claude\/orchestrator for howard calls files\/read_text_file: may be permitted \(allow\.1\.agent, allow\.1\.user, shallow\)/,
  );
});

test('a misspelt guard proves nothing and says so', async () => {
  writeFileSync(at('typo.guards.yaml'), 'guards:\n  - name: t\n    never: { call: files/wirte_file }\n');
  const { exitCode, stdout } = await writ('policy', 'prove', at('typo.guards.yaml'));
  assert.equal(exitCode, 1);
  assert.match(stdout, /nothing here is called `files\/wirte_file`/);
});

test('a blast radius lists what an agent can do, and who could be reached around the plane', async () => {
  const { exitCode, stdout } = await writ('blast-radius', 'claude/orchestrator');
  assert.equal(exitCode, 0);
  assert.match(stdout, /^claude\/orchestrator can do 2 things$/m);
  assert.match(stdout, /risk 0 +files\/read_text_file +itself +for howard +under conditions \(.*shallow\)/);
  assert.match(stdout, /risk 2 +db\/reader\/send +itself/);
  assert.match(stdout, /bypassable: files: `http:\/\/127\.0\.0\.1:9000\/mcp`/);
  assert.match(stdout, /bypassable: db\/reader:/);
});

test('the diff to another configuration says what widens, with exit code 1', async () => {
  const wider = await writ('blast-radius', 'claude/orchestrator', '--diff', at('wider.yaml'), '--json');
  assert.equal(wider.exitCode, 1);
  const { widens, changes } = json(wider.stdout) as { widens: boolean; changes: readonly JsonObject[] };
  assert.equal(widens, true);
  assert.deepEqual(
    changes.map(({ action, actor, wider }) => [action, actor, wider]),
    [['files/write_file', 'db/reader', ['new']]],
  );
  const narrower = await run([
    'blast-radius',
    'claude/orchestrator',
    '--config',
    at('wider.yaml'),
    '--diff',
    at('writ.yaml'),
  ]);
  assert.equal(narrower.exitCode, 0);
  assert.match(narrower.stdout, /files\/write_file +by db\/reader +gone/);
  const same = await writ('blast-radius', 'claude/orchestrator', '--diff', at('writ.yaml'));
  assert.deepEqual([same.exitCode, same.stdout], [0, 'nothing changes\n']);
});

test('an agent that is not configured is a usage mistake that names those that are', async () => {
  const { exitCode, stderr } = await writ('blast-radius', 'db/nobody');
  assert.equal(exitCode, 2);
  assert.match(stderr, /`db\/nobody` is not configured; there are claude\/orchestrator, db\/reader/);
});

/** A recorded decision as the plane gives it. */
function decision(decisionId: string, over: JsonObject = {}): JsonObject {
  return {
    decisionId,
    time: '2026-11-25T10:00:00.000Z',
    outcome: 'allow',
    code: null,
    protocol: 'mcp',
    operation: 'tools/call',
    target: { server: 'files', name: 'read_text_file' },
    checks: { action: { verdict: 'pass' } },
    chain: [
      { iss: 'http://127.0.0.1:8420', actor: 'howard' },
      { iss: 'spiffe://zylos.local', actor: 'spiffe://zylos.local/claude/orchestrator' },
    ],
    task: 'tsk_1',
    ...over,
  };
}

test('decisions on record are decided again under a draft, and the differences told', async () => {
  const records = [
    decision('d1'),
    decision('d2', {
      outcome: 'deny',
      code: 'action.policy_forbids',
      target: { server: 'files', name: 'write_file' },
      checks: { action: { verdict: 'deny' } },
    }),
    decision('d3', { outcome: 'deny', code: 'token.expired', checks: { action: { verdict: 'not_reached' } } }),
  ];
  await using plane = await fakePlane(({ path }) => {
    const one = records.find(({ decisionId }) => path === `/api/v1/decisions/${decisionId}`);
    return { body: one ?? { decisions: records.map(({ decisionId }) => ({ decisionId: decisionId! })) } };
  });
  const env = { WRIT_ADMIN: plane.origin, WRIT_SESSION: 'session' };
  const replay = (...words: string[]) => run(['policy', 'replay', '--config', at('writ.yaml'), ...words], env);
  const same = await replay('--last', '3');
  assert.deepEqual([same.exitCode, same.stderr], [0, '']);
  assert.match(same.stdout, /^0 of 2 would come out differently; 1 were not for policy to decide$/m);
  assert.equal(plane.asked[0]!.path, '/api/v1/decisions?limit=3');
  const draft = await replay('--policy', at('draft'));
  assert.equal(draft.exitCode, 1);
  assert.match(
    draft.stdout,
    /^narrower +2026-11-25T10:00:00\.000Z +\S+orchestrator files\/read_text_file +allow would be deny +\S*allow\.1\.agent.*closed.*d1$/m,
  );
  const wider = await replay('--draft', at('wider.yaml'), '--json');
  assert.equal(wider.exitCode, 0);
  assert.equal(json(wider.stdout).redecided, 2);
  assert.equal((await replay('--last', '0')).exitCode, 2);
});
