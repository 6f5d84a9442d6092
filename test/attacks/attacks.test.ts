// Every attack of this folder, against the gateway of a whole plane. One plane for each file.

import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readAttacks } from './case.ts';
import { checkRecords } from './checks.ts';
import { openStage, type Stage } from './stage.ts';
import { act } from './steps.ts';

const only = process.env.WRIT_ATTACK;
const files = globSync(`${import.meta.dirname}/*.json`).sort();
const attacks = files.map((file) => ({ name: basename(file, '.json'), ...readAttacks(file) }));

for (const { name: title, config, given, cases } of attacks) {
  describe(title, () => {
    let stage: Stage;
    before(async () => {
      stage = await openStage(config);
    });
    after(() => stage?.close());
    for (const { name, steps } of cases) {
      if (only === undefined || name.includes(only)) test(name, () => act([...given, ...steps], stage));
    }
    test('each refusal stands in the log with its reason', () => checkRecords(stage));
  });
}

test('no two attacks have one name', () => {
  const names = attacks.flatMap(({ cases }) => cases.map(({ name }) => name));
  assert.equal(new Set(names).size, names.length);
});
