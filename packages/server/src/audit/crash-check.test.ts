import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashCheck } from './crash-check.ts';

const rounds = Number(process.env.WRIT_AUDIT_KILLS ?? 10);

test(`no acknowledged record is lost when the writer is killed, ${rounds} times`, async () => {
  const report = await crashCheck({ rounds, seed: 11 });
  assert.equal(report.lost, 0);
  assert.deepEqual(report.findings, []);
  assert.ok(report.acknowledged > rounds * 10, `only ${report.acknowledged} records were acknowledged`);
});
