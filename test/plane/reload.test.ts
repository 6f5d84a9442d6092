// Taking on what the files say now, in a running plane (rules §7.2): what widens waits for a person, what does not is taken on, and
// a set that does not validate changes nothing.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { DeniedError } from '@writ/agent';
import type { Agent } from '@writ/agent/node';
import { smallWorld, startTestPlane, type TestPlane } from '../plane.fixture.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'writ-reload-'));
const house = join(dataDir, 'policy', 'house.cedar');
const forbid = '@id("house.no-reading")\nforbid (principal, action, resource == Writ::Tool::"files/read_text_file");\n';
let world: TestPlane;
let agent: Agent;
let writ: string;

before(async () => {
  mkdirSync(join(dataDir, 'policy'), { mode: 0o700 });
  world = await startTestPlane({ dataDir, yaml: `${smallWorld}policy: ./policy\n` });
  agent = await world.agent('claude/orchestrator');
  writ = readFileSync(join(dataDir, 'writ.yaml'), 'utf8');
});

after(async () => {
  await world?.close();
  rmSync(dataDir, { recursive: true, force: true });
});

beforeEach(async () => {
  rmSync(house, { force: true });
  writeFileSync(join(dataDir, 'writ.yaml'), writ);
  await takeOn();
});

const draft = async () =>
  (await (await world.person('/policy/draft')).json()) as {
    digest: string;
    widens: boolean;
    untold: string[];
    restart: string[];
  };
const apply = (digest: string) => world.person('/policy/reload', { method: 'POST', body: JSON.stringify({ digest }) });
const takeOn = async () => assert.equal((await apply((await draft()).digest)).status, 200);

/** `ok`, or the code of the refusal. */
async function read(): Promise<string> {
  const task = await agent.task(await world.task('claude/orchestrator'));
  try {
    const path = join(world.docs, 'report.md');
    await task.run(() => agent.mcp('files').callTool('read_text_file', { path }));
    return 'ok';
  } catch (error) {
    if (error instanceof DeniedError) return error.denial.code;
    throw error;
  } finally {
    task.close();
  }
}

test('what takes away applies on a signal', async () => {
  assert.equal(await read(), 'ok');
  writeFileSync(house, forbid);
  assert.equal(await world.plane.reload(), 'the policy was reloaded and widens nothing.');
  assert.equal(await read(), 'action.policy_forbids');
});

test('what gives waits for an admin, who takes on exactly what was shown', async () => {
  writeFileSync(house, forbid);
  await world.plane.reload();
  rmSync(house);
  assert.match(await world.plane.reload(), /would widen \(files\/read_text_file\) and waits for an admin/);
  assert.equal(await read(), 'action.policy_forbids', 'still in force');
  const shown = await draft();
  assert.equal(shown.widens, true);
  writeFileSync(house, forbid.replace('read_text_file', 'list_directory'));
  assert.equal((await apply(shown.digest)).status, 409, 'the files say something else by now');
  assert.equal(await read(), 'action.policy_forbids');
  rmSync(house);
  assert.equal((await apply(shown.digest)).status, 200);
  assert.equal(await read(), 'ok');
});

test('a set that does not validate leaves the old one in force, whoever asks', async () => {
  writeFileSync(house, 'permit (principal, action, resource) when { context.nothing };');
  assert.match(await world.plane.reload(), /^nothing was reloaded: .*house\.cedar:1/s);
  assert.equal((await world.person('/policy/draft')).status, 400);
  assert.equal(await read(), 'ok');
});

test('a line of the allow list is taken on, a new limit waits, a new agent is for the next start', async () => {
  const more = `${writ}limits:\n  - { max: "1 calls", per: task }\n`;
  writeFileSync(
    join(dataDir, 'writ.yaml'),
    more.replace('  scheduler/c5:', '  other/agent: { attest: { launched: true } }\n  scheduler/c5:'),
  );
  const shown = await draft();
  assert.deepEqual([shown.untold, shown.restart], [['limits'], ['agents']]);
  assert.match(await world.plane.reload(), /limits\) and waits for an admin.*`agents` changed too/s);
  writeFileSync(
    join(dataDir, 'writ.yaml'),
    writ.replace('  - { agent: claude/orchestrator, tool: files/read_text_file }\n', ''),
  );
  await world.plane.reload();
  assert.equal(await read(), 'action.policy_forbids');
});

test('what waits does not come into force because a server lists its tools anew, or a review is accepted', async () => {
  writeFileSync(house, forbid);
  await world.plane.reload();
  rmSync(house);
  assert.match(await world.plane.reload(), /waits for an admin/);
  const review = (await (await world.person('/policy/review/files')).json()) as { digest: string };
  const body = JSON.stringify({ digest: review.digest });
  assert.equal((await world.person('/policy/review/files', { method: 'POST', body })).status, 200);
  assert.equal(await read(), 'action.policy_forbids');
});

test('a line that is only watched from now on waits, and is watched once taken on', async () => {
  const line = '  - { agent: claude/orchestrator, tool: files/read_text_file';
  writeFileSync(house, forbid);
  await world.plane.reload();
  writeFileSync(join(dataDir, 'writ.yaml'), writ.replace(`${line} }`, `${line}, mode: observe }`));
  assert.match(await world.plane.reload(), /\(modes\) and waits/);
  assert.equal(await read(), 'action.policy_forbids');
  await takeOn();
  assert.equal(await read(), 'ok');
});

test('nobody but a person takes anything on', async () => {
  const { digest } = await draft();
  const url = `${world.api}/policy/reload`;
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ digest }) });
  assert.equal(answer.status, 401);
});
