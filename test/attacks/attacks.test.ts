// Every attack of this folder, against the gateway of a whole plane. One plane for each file.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseAttacks } from './case.ts';
import { checkRecords } from './checks.ts';
import { openStage, type Stage } from './stage.ts';
import { act } from './steps.ts';

const only = process.env.WRIT_ATTACK;
const files = globSync(`${import.meta.dirname}/*.json`).sort();
const attacks = files.map((file) => ({ title: basename(file, '.json'), ...parseAttacks(file, readFileSync(file)) }));

for (const { title, given, cases, ...world } of attacks) {
  // A file's name stands for all of its cases.
  const wanted = cases.filter(({ name }) => only === undefined || title === only || name.includes(only));
  if (wanted.length === 0) continue;
  describe(title, () => {
    let stage: Stage;
    before(async () => {
      stage = await openStage(world);
    });
    after(() => stage?.close());
    for (const { name, todo, steps } of wanted) {
      test(name, todo === null ? {} : { todo }, () => act([...given, ...steps], stage));
    }
    const refuses = wanted.some(({ benign, through }) => !benign && !through);
    if (refuses) test('each refusal stands in the log with its reason', () => checkRecords(stage));
  });
}

test('no two attacks have one name', () => {
  const names = attacks.flatMap(({ cases }) => cases.map(({ name }) => name));
  assert.equal(new Set(names).size, names.length);
});

const step = { call: 'notes/read', as: 'claude/orchestrator', expect: 'hangup' };
const unread: [title: string, changes: object, says: RegExp][] = [
  ['a verb there is not', { steps: [{ cal: 'notes/read' }] }, /`cal` is no verb/],
  ['a member there is not', { steps: [{ ...step, tokn: 'token' }] }, /`call` has no `tokn`/],
  ['a step by nobody in particular', { steps: [{ call: 'notes/read' }] }, /needs `as`/],
  ['a denial there is not', { steps: [{ ...step, expect: { status: 401, code: 'token.stolen' } }] }, /is no code/],
  ['a case that expects nothing', { steps: [{ ...step, expect: 'allow' }] }, /nothing is expected/],
  ['a case without a story', { steps: [step], story: '' }, /form/],
];
for (const [title, changes, says] of unread) {
  test(`${title} is not passed over`, () => {
    const one = { name: 'one', story: 'One.', spec: 'none', ...changes };
    const text = JSON.stringify({ about: 'x', config: {}, cases: [one] });
    assert.throws(() => parseAttacks('here', Buffer.from(text)), says);
  });
}
