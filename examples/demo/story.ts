// The six scenes. Real agents in processes of their own call real tools through Writ; each scene asserts its ending, and what is
// printed is what the log says.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { styleText } from 'node:util';
import type { Step } from './agents/steps.ts';
import { launchAgent } from './launch.ts';
import type { DemoWorld } from './setup.ts';
import { attackWithoutWrit } from './without-writ.ts';

type Print = (line: string) => void;

export async function tellStory(world: DemoWorld, print: Print): Promise<void> {
  const api = `${(world.plane.ready.admin as { url: string }).url}`;
  const person = { authorization: `Bearer ${world.plane.demoSession}`, 'content-type': 'application/json' };
  const explain = async (id: string | null | undefined) => {
    const response = await fetch(`${api}/decisions/${id}`, { headers: person });
    assert.equal(response.status, 200, `decision ${id} is not in the log`);
    return (await response.json()) as { sentence: string; code: string | null; outcome: string };
  };
  const prompt = 'Summarise report.md and check the invoice in invoice.md.';
  const opened = await fetch(`${api}/tasks`, {
    method: 'POST',
    headers: person,
    body: JSON.stringify({ agent: 'claude/orchestrator', prompt }),
  });
  assert.equal(opened.status, 201, await opened.clone().text());
  const { task } = (await opened.json()) as { task: string };

  const reader = await launchAgent(world, 'db/reader', 'reader.ts', { port: world.ports.reader });
  const dbAgent = await launchAgent(world, 'db/agent', 'db-agent.ts', { port: world.ports.dbAgent });
  const orchestrator = await launchAgent(world, 'claude/orchestrator', 'orchestrator.ts', { task });
  const processes = [orchestrator, dbAgent, reader];
  try {
    const scene = sceneTeller(print, explain);
    const report = join(world.docs, 'report.md');
    const invoice = join(world.docs, 'invoice.md');

    const read = await orchestrator.order({ job: 'read', path: report });
    expect(read, 'allowed');
    const seen = read.value as { tools: string[]; text: string; decisionId?: string };
    assert.match(seen.text, /Revenue grew/);
    assert.deepEqual(
      [...seen.tools].sort(),
      ['list_directory', 'read_text_file'],
      'a list shows only what may be called',
    );
    await scene(
      1,
      'the reader lists and reads a file it was given',
      'allowed',
      await lastDecision(api, person, 'files', 'read_text_file'),
    );

    const written = join(world.docs, 'written.txt');
    const write = await orchestrator.order({ job: 'write', path: written });
    expect(write, 'refused', 'token.scope_insufficient');
    assert.equal((write as { asked?: string }).asked, 'token.scope_widened', 'asking for more is refused as well');
    assert.equal(existsSync(written), false);
    await scene(2, 'the reader tries to write', 'refused', write.decisionId);

    const obey = await orchestrator.order({ job: 'obey', path: invoice });
    expect(obey, 'refused', 'action.policy_forbids');
    assert.deepEqual(world.mail.sent, []);
    await scene(
      3,
      'a document tells the orchestrator to mail the credentials out; it obeys',
      'refused',
      obey.decisionId,
    );

    const leak = await orchestrator.order({ job: 'leak' });
    expect(leak, 'allowed');
    const steal = await reader.order({ token: JSON.stringify(leak.value), path: report });
    expect(steal, 'refused', 'token.bound_to_other_peer');
    await scene(4, 'the orchestrator’s token, stolen, used by another process', 'refused', steal.decisionId);

    const c5 = await launchAgent(world, 'scheduler/c5', 'c5.ts');
    processes.push(c5);
    const reach = await c5.next();
    expect(reach, 'refused', 'transport.edge_not_allowed');
    await scene(5, 'scheduler/c5 tries to reach the reader directly', 'refused', reach.decisionId);

    const without = await attackWithoutWrit(world);
    assert.deepEqual(without, { write: true, mail: true, theft: true, reach: true });
    print(`${bold('6')}  the same attacks against the same servers without Writ`);
    print(
      `   ${red('succeed')}: the file is written, the credentials are mailed, the stolen key works, anybody reaches the agent`,
    );
  } finally {
    await Promise.all(processes.map((one) => one.stop()));
  }
}

function expect(step: Step, outcome: Step['outcome'], code?: string): void {
  assert.equal(step.outcome, outcome, JSON.stringify(step));
  if (code) assert.equal(step.code, code, JSON.stringify(step));
}

function sceneTeller(print: Print, explain: (id: string | null | undefined) => Promise<{ sentence: string }>) {
  return async (
    number: number,
    title: string,
    ending: 'allowed' | 'refused',
    decisionId: string | null | undefined,
  ) => {
    const { sentence } = await explain(decisionId);
    print(`${bold(String(number))}  ${title}`);
    print(`   ${ending === 'allowed' ? green(ending) : red(ending)}: ${sentence}`);
    print(`   ${dim(`writ explain ${decisionId}`)}`);
  };
}

/** Newest decision about a tool: an answer that came through says nothing of its own decision. */
async function lastDecision(
  api: string,
  headers: Record<string, string>,
  server: string,
  name: string,
): Promise<string> {
  const response = await fetch(`${api}/decisions?limit=100`, { headers });
  const { decisions } = (await response.json()) as {
    decisions: { decisionId: string; server: string | null; name: string | null }[];
  };
  const found = decisions.find((one) => one.server === server && one.name === name);
  assert.ok(found, `no decision about ${server}/${name}`);
  return found.decisionId;
}

const bold = (text: string) => styleText('bold', text);
const dim = (text: string) => styleText('dim', text);
const green = (text: string) => styleText('green', text);
const red = (text: string) => styleText('red', text);
