// A whole plane with a witness: it cosigns while the plane works, and when it falls ill the plane says so and works on.

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openPublished } from '../../packages/server/src/audit/published.ts';
import { startWitness } from '../../packages/server/src/audit/witness.fixture.ts';
import { run } from '../../packages/server/src/cli/plane.fixture.ts';
import { smallWorld, startTestPlane, type TestPlane } from '../plane.fixture.ts';

interface Witness {
  readonly size: number | null;
  readonly trouble: string | null;
}

async function witnessIn(world: TestPlane): Promise<Witness> {
  const status = (await (await world.person('/status')).json()) as { log: { witnesses: Witness[] } };
  return status.log.witnesses[0]!;
}

async function until(is: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100 && !(await is()); tries += 1) await delay(50);
  assert.ok(await is(), 'in vain');
}

test('checkpoints of a plane are cosigned; without its witness it goes on and says what is missing', async (t) => {
  const first = await startTestPlane();
  const { dataDir } = first;
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const { vkey } = first.plane.ready.log as { vkey: string };
  await first.plane.stop();

  const witness = await startWitness(t, { name: 'w1', logVkey: vkey });
  const policy = join(dataDir, 'witnesses.policy');
  writeFileSync(policy, `log ${vkey}\n${witness.line}\nquorum w1\n`);
  const world = await startTestPlane({ dataDir, yaml: `audit: { witnesses: ./witnesses.policy }\n${smallWorld}` });
  t.after(() => world.close());
  await until(async () => (await witnessIn(world)).size !== null);
  const dir = join(dataDir, 'data', 'audit');
  const { exitCode, stdout } = await run(['audit', 'verify', dir, '--witnesses', policy, '--json']);
  const report = JSON.parse(stdout);
  assert.deepEqual([exitCode, report.keyFrom, report.anchor, report.findings], [0, 'flag', 'witness', []]);
  assert.deepEqual(
    report.cosignatures.map(({ name }: { name: string }) => name),
    ['w1.example'],
  );

  witness.misbehaves = 'failing';
  await world.task('claude/orchestrator');
  await until(async () => (await witnessIn(world)).trouble === 'down');
  assert.ok(
    world.said.some((sentence) => /the witness `w1` at `http:.*` answers 500/.test(sentence)),
    world.said.join('\n'),
  );
  witness.misbehaves = 'none';
  await until(async () => (await witnessIn(world)).trouble === null);
  await world.plane.stop();
  const events: unknown[] = [];
  for await (const { record } of (await openPublished(dir, { vkeys: [vkey] })).entries(0)) events.push(record.event);
  assert.deepEqual(
    events.filter((event) => String(event).startsWith('witness.')),
    ['witness.in_trouble', 'witness.recovered'],
  );
});
