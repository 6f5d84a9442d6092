// House rules that can be checked, with the reason.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const tracked = existsSync(join(root, '.git'))
  ? execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
      .split('\n')
      .filter((file) => file !== '' && existsSync(join(root, file)))
  : [];
const text = tracked.filter((file) => /\.(ts|js|json|md|yaml|yml|txt|svelte|css|html|cedar)$/.test(file));

test('the lock file names no download address', () => {
  assert.doesNotMatch(readFileSync(join(root, 'package-lock.json'), 'utf8'), /"resolved": *"http/);
});

test('no file names a registry host', () => {
  // By shape, so that this file names none either.
  const host = /\b(?:registry|pypi|proxy|deb|crates|index|files|static)\.(?:[a-z0-9-]+\.)*(?:org|com|io|net|dev)\b/i;
  const shaped = (first: string) => [first, 'somewhere', 'org'].join('.');
  for (const first of ['registry', 'proxy', 'deb']) assert.match(shaped(first), host);
  assert.match(['pypi', 'org'].join('.'), host);
  const guilty = text.filter((file) => host.test(readFileSync(join(root, file), 'utf8')));
  assert.deepEqual(guilty, [], 'name the package instead');
});

test('every dependency of a package has its reason in docs/dependencies.md', () => {
  const reasons = readFileSync(join(root, 'docs/dependencies.md'), 'utf8');
  const manifests = [
    'package.json',
    'packages/core/package.json',
    'packages/agent/package.json',
    'packages/server/package.json',
  ];
  const missing = manifests.flatMap((file) => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, file), 'utf8'));
    return Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }).filter(
      (name) => !name.startsWith('@writ/') && !reasons.includes(`\`${name}\``),
    );
  });
  assert.deepEqual(missing, [], 'a dependency arrives with one line of reason');
});

test('dependencies are pinned exactly', () => {
  for (const file of ['package.json', 'packages/server/package.json']) {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, file), 'utf8'));
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })) {
      assert.match(String(version), /^(npm:[^@]+@)?\d+\.\d+\.\d+[\w.-]*$/, `${file}: ${name} is ${version}`);
    }
  }
});

test('files stay short enough to hold in the head', () => {
  const long = text
    .filter(
      (file) =>
        file.startsWith('packages/') && file.endsWith('.ts') && !file.includes('/gen/') && !file.endsWith('.test.ts'),
    )
    .map((file) => [file, readFileSync(join(root, file), 'utf8').split('\n').length] as const)
    .filter(([, lines]) => lines > 450);
  assert.deepEqual(long, [], 'is there a room inside that wants its own door?');
});
