import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COST, hashPassword, passwordProblem, verifyPassword } from './password.ts';
import { testCost } from './testing.ts';

test('a password is right, and no other one is', async () => {
  const stored = await hashPassword('a sentence that is long', testCost);
  assert.equal(await verifyPassword('a sentence that is long', stored), true);
  assert.equal(await verifyPassword('a sentence that is lonG', stored), false);
  assert.equal(await verifyPassword('', stored), false);
});

test('the same password is stored differently each time, and never in clear', async () => {
  const [one, other] = await Promise.all([1, 2].map(() => hashPassword('a sentence that is long', testCost)));
  assert.notEqual(one, other);
  assert.doesNotMatch(one!, /sentence/);
});

test('the parameters stand in the text, and the usual ones are those of the recommendation', async () => {
  assert.match(await hashPassword('a sentence that is long'), /^\$scrypt\$ln=15,r=8,p=3\$/);
  assert.deepEqual(COST, { ln: 15, r: 8, p: 3 });
});

test('two ways to type the same letters are the same password', async () => {
  const stored = await hashPassword('caf\u00e9 caf\u00e9 caf\u00e9', testCost);
  assert.equal(await verifyPassword('cafe\u0301 cafe\u0301 cafe\u0301', stored), true);
});

test('a stored text that would take all memory, or is no hash at all, is refused', async () => {
  const stored = await hashPassword('a sentence that is long', testCost);
  for (const bad of [
    stored.replace('ln=10', 'ln=28'),
    stored.replace('p=1', 'p=99'),
    'hunter2',
    '',
    stored.slice(0, -1),
  ]) {
    await assert.rejects(verifyPassword('a sentence that is long', bad), /another form/, bad);
  }
});

test('what cannot be a password is said in words', () => {
  assert.match(passwordProblem('short', 'howard')!, /at least 15/);
  assert.match(passwordProblem('x'.repeat(300), 'howard')!, /at most/);
  assert.match(passwordProblem('aaaaaaaaaaaaaaaaaaaa', 'howard')!, /different/);
  assert.match(passwordProblem('howard@example.org', 'Howard@example.org')!, /not your name/);
  assert.equal(passwordProblem('correct horse battery', 'howard'), null);
});
