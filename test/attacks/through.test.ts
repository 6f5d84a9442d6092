// The sets of the action gate are as large as they are said to be, no family passes because everything is refused, and the threat
// model tells what is true: its list, and every command in it.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { VERBS } from '../../packages/server/src/cli/verbs.ts';
import { parseAttacks } from './case.ts';
import { gateFamilies, withThrough } from './through.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/threat-model.md'), 'utf8');
const families = gateFamilies();

function count(prefix: string): number {
  const cases = families.filter(({ title }) => title.startsWith(prefix)).flatMap((family) => family.cases);
  return cases.filter(({ benign }) => !benign).length;
}

test('at least 120 attacks on the action gate, and 60 written against this one', () => {
  assert.ok(count('action-') >= 120, `${count('action-')}`);
  assert.ok(count('adaptive-') >= 60, `${count('adaptive-')}`);
});

test('each family has honest work that goes through', () => {
  const without = families.filter(({ cases }) => !cases.some(({ benign, through }) => benign || through));
  assert.deepEqual(
    without.map(({ title }) => title),
    [],
  );
});

test('what gets through stands in the threat model, and nothing else', () => {
  assert.equal(page, withThrough(page), '`npm run check -- --write` renews it');
});

test('every command of the threat model is one that there is', () => {
  const names = globSync(`${import.meta.dirname}/*.json`).flatMap((file) => {
    const { cases } = parseAttacks(file, readFileSync(file));
    return [basename(file, '.json'), ...cases.map(({ name }) => name)];
  });
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
  const commands = [...page.matchAll(/`([^`]+)`/g)].map(([, command]) => command!.replaceAll('\n', ' '));
  const attacks = commands.flatMap((command) => /^WRIT_ATTACK="?([^"]+?)"? npm run attacks$/.exec(command)?.[1] ?? []);
  assert.ok(attacks.length >= 20, `${attacks.length} commands`);
  for (const attack of attacks) assert.ok(attack === '<name>' || names.includes(attack), `no attack \`${attack}\``);
  for (const command of commands) {
    const [, script] = /^(?:\w+=\S+ )?npm run (\S+)/.exec(command) ?? [];
    if (script !== undefined) assert.ok(Object.hasOwn(scripts, script), command);
    const [, verb] = /^(?:npx )?writ (\S+)/.exec(command) ?? [];
    if (verb !== undefined) assert.ok(Object.hasOwn(VERBS, verb), command);
  }
});
