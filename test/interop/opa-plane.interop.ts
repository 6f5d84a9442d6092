// A whole plane beside a real OPA: what our own policy permits still needs OPA's yes, and OPA's word changes while the plane runs.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DeniedError } from '@writ/agent';
import type { Agent } from '@writ/agent/node';
import { smallWorld, startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { type OpaServer, startOpa } from './opa-server.ts';

let opa: OpaServer;
let world: TestPlane;
let orchestrator: Agent;

before(async () => {
  opa = await startOpa();
  world = await startTestPlane({
    yaml: `${smallWorld}
pdp:
  opa: { opa: "${opa.origin}/v1/data/writ/allow", sends: [/path], timeoutMillis: 2000 }
`,
  });
  orchestrator = await world.agent('claude/orchestrator');
});

after(async () => {
  await world?.close();
  await opa?.stop();
});

async function data(name: string, value: unknown): Promise<void> {
  const answer = await fetch(`${opa.origin}/v1/data/${name}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(value),
  });
  assert.equal(answer.status, 204);
}

/** Code of the refusal and its record, or null where the text came. */
async function refusalOfRead() {
  const task = await orchestrator.task(await world.task('claude/orchestrator'));
  try {
    const path = `${world.docs}/report.md`;
    const { content } = await task.run(() => orchestrator.mcp('files').callTool('read_text_file', { path }));
    assert.match(String((content[0] as { text: string }).text), /Revenue grew/);
    return null;
  } catch (error) {
    if (!(error instanceof DeniedError)) throw error;
    const { world: versions } = await world.decision(error.denial.decisionId!);
    return [error.denial.code, (versions as { [part: string]: string })['remote:opa']] as const;
  } finally {
    task.close();
  }
}

test('OPA refuses what our own policy permits, until its data say otherwise', async () => {
  const [code, verdict] = (await refusalOfRead())!;
  assert.equal(code, 'action.policy_forbids');
  assert.match(verdict!, /^deny request=sha256:[0-9a-f]{64} answer=sha256:[0-9a-f]{64}$/);
  await data('shared', `${world.docs}/`);
  assert.equal(await refusalOfRead(), null);
});

test('a person whom OPA suspends loses what their agents could do, at once', async () => {
  await data('suspended', ['howard']);
  assert.equal((await refusalOfRead())?.[0], 'action.policy_forbids');
  await data('suspended', []);
  assert.equal(await refusalOfRead(), null);
});

test('a plane whose OPA has gone refuses', async () => {
  await opa.stop();
  const [code, verdict] = (await refusalOfRead())!;
  assert.equal(code, 'action.policy_unreachable');
  assert.match(verdict!, /^none \((unreachable|timeout)\)/);
});
