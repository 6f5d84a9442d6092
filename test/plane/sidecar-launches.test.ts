// A launch without a person (rules §1.1), and one that outlives its plane: what the sidecar does then.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { launchTokenFile } from '../../packages/server/src/main/launch-token-file.ts';
import { createLaunchTokens } from '../../packages/server/src/transport/launch-tokens.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { openRuns, type Runs } from './sidecar.fixture.ts';

let world: TestPlane;
let runs: Runs;

const ask = `curl -sS -w ' %{http_code}\\n' -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' \
-H 'mcp-protocol-version: 2026-07-28' -H 'mcp-method: tools/list' --data-binary @- $WRIT_SIDECAR/mcp/files`;
const list = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/list',
  params: {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
});
const unattended = ['sh', '-c', ask];

const yaml = `
agents:
  nightly/one: { attest: { launched: true, command: ${JSON.stringify(unattended)} }, calls: [files], scopes: ["files:*"] }
  claude/orchestrator: { attest: { launched: true }, calls: [files], scopes: ["files:read_text_file"], inputs: gated, memory: task }
servers:
  files: { mcp: { command: ["$NODE", "$FILES", "$DOCS"] }, manifest: "builtin:filesystem" }
users:
  howard: { roles: [admin] }
allow:
  - { agent: claude/orchestrator, tool: files/read_text_file }
`;

before(async () => {
  world = await startTestPlane({ yaml });
  runs = openRuns(world);
});

after(async () => {
  runs?.close();
  await world?.close();
});

test('started by a launch token and without a task, its calls are refused and stderr says how to proceed', async () => {
  const clock = { nowSeconds: () => Math.floor(Date.now() / 1000) };
  const store = launchTokenFile(String(world.plane.ready.dataDir));
  const tokens = createLaunchTokens({ store, clock, randomBytes: (count) => randomBytes(count) });
  const token = await tokens.mint({ agent: 'nightly/one', uid: process.getuid!(), command: unattended });
  const ran = runs.run('nightly/one', unattended, { signedIn: false, env: { WRIT_LAUNCH_TOKEN: token } });
  ran.process.stdin!.end(list);
  const { stdout, stderr } = await ran.ended;
  assert.match(stdout, /"code":"token.missing".* 403/, stderr);
  assert.match(stderr, /has no task, so its calls are refused token.missing; `--prompt` opens one/);
});

test('a program that runs on while its plane restarts is itself again afterwards', async () => {
  const ran = runs.run('claude/orchestrator', ['sh', '-c', `while read line; do echo "$line" | ${ask}; done`]);
  ran.process.stdin!.write(`${list}\n`);
  await ran.line(/read_text_file.* 200\n/s);
  await world.plane.stop();
  const back = await startTestPlane({ yaml, dataDir: world.dataDir });
  world = back;
  // Until its identity is there again calls are refused, never made as somebody else.
  let seen = ran.said.stdout.length;
  for (let tries = 1; ; tries++) {
    ran.process.stdin!.write(`${list}\n`);
    await ran.line(new RegExp(`^[^]{${seen},}? (\\d+)\\n`));
    const answer = ran.said.stdout.slice(seen);
    seen = ran.said.stdout.length;
    if (/ 200\n/.test(answer)) break;
    assert.match(answer, / 503\n/, ran.said.stderr);
    assert.ok(tries < 80, ran.said.stderr);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  ran.process.stdin!.end();
  await ran.ended;
});
