// docs/conformance.md is made of docs/conformance.json by the list of peers; `npm run check` compares them, and here is what both need.

import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { peers } from '../../scripts/interop/peers.ts';
import { conformancePage, readConformance } from '../../scripts/lib/conformance.ts';

const root = resolve(import.meta.dirname, '../..');

test('every peer has a name of its own, a line that fits a table, and tests that are there', () => {
  assert.equal(new Set(peers.map(({ name }) => name)).size, peers.length);
  for (const { name, shows, tests } of peers) {
    assert.match(shows, /^[^|\n]{10,160}$/, name);
    for (const pattern of tests) assert.ok(globSync(pattern, { cwd: root }).length > 0, `${name}: ${pattern}`);
  }
});

test('figures are kept for peers that there are', () => {
  const names = peers.map(({ name }) => name);
  assert.deepEqual(
    Object.keys(readConformance().peers).filter((name) => !names.includes(name)),
    [],
  );
});

test('a failure that was measured is told as one', () => {
  const peer = peers[0]!;
  const figures = {
    version: '1.2.3',
    passed: 4,
    failed: 1,
    skipped: 2,
    notYet: [{ title: 'a thing', says: 'why not' }],
  };
  const page = conformancePage([peer], { peers: { [peer.name]: figures }, cedar: null });
  assert.match(page, new RegExp(`\\| ${peer.name} \\| 1\\.2\\.3 \\| ${peer.tier} \\| 4 \\| 1 \\| 2 \\|`));
  assert.match(page, /- .*: a thing: why not/);
  assert.match(conformancePage([peer], { peers: {}, cedar: null }), /not measured yet/);
});
