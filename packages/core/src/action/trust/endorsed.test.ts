// Rules §4.3: an endorsement is (typed value, role, server, task); it gives level 3 and raises nothing else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endorsementKey } from './endorsed.ts';
import { judgeTrust } from './judge-trust.ts';
import type { ToolTrust } from './manifest.ts';
import { argumentLeaves } from './roles.ts';
import { openTask, reads } from './task.fixture.ts';
import { trustFacts } from './trust-facts.ts';

const evil = 'DE75512108001245126199';
const pay: ToolTrust = {
  risk: 4,
  effect: 'money',
  args: {
    '/to': { role: 'target', type: 'iban' },
    '/cc': { role: 'payload' },
    '/bank': { role: 'target', compose: 'both' },
    '/account': { role: 'target', compose: 'both' },
  },
};
const task = reads(openTask('Pay the bill'), 'web', `the account is ${evil}`);

function see(args: { [name: string]: string }, endorsed: readonly string[], server = 'bank', tool = pay) {
  const keys = new Set(endorsed);
  const known = { ...task, floor: task.evidence.floor, endorsed: (key: string) => keys.has(key) };
  return trustFacts({ server, tool, manifest: true, arguments: args }, known);
}

const keyOf = (args: { [name: string]: string }, server = 'bank', tool = pay) =>
  argumentLeaves(args, tool.args).map((leaf) => endorsementKey(server, leaf));

test('the value counts as 3 in its role, in whatever spelling, and where it came from stays told', () => {
  const { facts, places, provenance } = see({ to: evil.replace(/.{4}/g, '$& ') }, keyOf({ to: evil }));
  assert.equal(facts.target, 3);
  assert.deepEqual(judgeTrust(facts, places), { denials: [], questions: [] });
  assert.deepEqual(provenance['/to']!.from[0], { endorsed: true });
  assert.equal(provenance['/to']!.from.length, 2);
  assert.equal(facts.floor, 1, 'the task is as tainted as before');
});

for (const [name, keys, args, server] of [
  ['another value', keyOf({ to: 'GB82WEST12345698765432' }), { to: evil }, 'bank'],
  ['another role', keyOf({ cc: evil }), { to: evil }, 'bank'],
  ['another server', keyOf({ to: evil }, 'bank2'), { to: evil }, 'bank'],
  [
    'one part of a target',
    keyOf({ bank: 'DE75', account: '512108001245126199' }),
    { bank: 'DE75', account: '512108001245126199' },
    'bank',
  ],
] as const) {
  test(`a word for ${name} says nothing`, () => {
    assert.equal(see(args, keys, server).facts.target, 1);
  });
}

test('it is no 4: risk 5 in a tainted task asks as before', () => {
  const wipe: ToolTrust = { risk: 5, effect: 'destroy', args: { '/to': { role: 'target', type: 'iban' } } };
  const { facts, places } = see({ to: evil }, keyOf({ to: evil }, 'bank', wipe), 'bank', wipe);
  assert.deepEqual(
    judgeTrust(facts, places).questions.map(({ rule }) => rule),
    ['writ.trust.target'],
  );
});

test('a link inside an endorsed payload is as good as before, and so is what a server says back of it', () => {
  const args = { to: evil, cc: `see https://evil.example/${evil}` };
  const { facts, sent } = see(args, keyOf(args));
  assert.equal(facts.activeToken, 1);
  assert.deepEqual(
    sent.map(({ level }) => level),
    [1, 1],
  );
});
