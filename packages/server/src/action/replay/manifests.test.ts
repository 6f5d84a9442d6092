import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noticesOf, readManifests } from './manifests.ts';

const file = (server: string, tool: string, path = `${server}.yaml`) => ({
  path,
  text: `manifest: 1\nservers: { ${server}: { tools: { ${tool}: { risk: 0, effect: read, args: { /a: { role: value } } } } } }\n`,
});

test('several files are one manifest, in which every server stands once', () => {
  const read = readManifests([file('s', 'x'), file('t', 'y')]);
  assert.ok('manifests' in read);
  assert.equal(read.manifests.tool('t', 'y')?.risk, 0);
  assert.equal(read.manifests.tool('t', 'x'), null);
  assert.equal(read.manifests.tool('t', 'constructor'), null);
  const twice = readManifests([file('s', 'x'), file('s', 'y', 'other.yaml')]);
  assert.ok('problems' in twice && twice.problems[0]!.file === 'other.yaml');
});

test('a reviewer hears of tools without an entry, entries without a tool, and arguments without a role', () => {
  const read = readManifests([file('s', 'x')]);
  assert.ok('manifests' in read);
  const tools = new Map([['s', new Map([['y', []]])]]);
  assert.deepEqual(noticesOf(read.manifests, tools), [
    '`s/y` has no manifest: risk 4, every argument a target',
    '`s/x` is not a tool of this suite',
  ]);
  assert.deepEqual(noticesOf(read.manifests, new Map([['s', new Map([['x', ['a', 'b']]])]])), [
    '`s/x`: /b without a role counts as a target',
  ]);
});
