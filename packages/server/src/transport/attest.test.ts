import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSpiffeId } from '@writ/core';
import { attest, type Kin, type LaunchFact } from './attest.ts';
import { type AttestEntry, type AttestSelectors, validateEntries, withDefaults } from './attest-entries.ts';
import type { Observed } from './observe.ts';

const entry = (agent: string, selectors: Partial<AttestSelectors>): AttestEntry => ({
  agent,
  spiffeId: parseSpiffeId(`spiffe://zylos.local/${agent}`)!,
  attest: withDefaults(selectors, 1000),
});

const observed = (change: Partial<Observed> = {}): Observed => ({
  pid: 42,
  uid: 1001,
  gid: 1001,
  path: '/usr/bin/agent',
  sha256: 'a'.repeat(64),
  cgroup: '/system.slice/agent.service',
  pm2: 'agent',
  ancestry: [{ pid: 42, startTicks: 1 }],
  ...change,
});

const launchOf = (agent: string, uid = 1001): LaunchFact => ({ agent, uid });
const kin = (known: Partial<Kin> = {}): Kin => ({ launch: null, parent: null, ...known });

test('a uid of its own is an identity', () => {
  const answer = attest(observed(), [entry('a/one', { uid: 1001 }), entry('a/two', { uid: 1002 })], kin());
  assert.deepEqual(answer, {
    identity: { agent: 'a/one', spiffeId: 'spiffe://zylos.local/a/one', boundary: 'uid' },
  });
});

test('a process that matches two entries gets none', () => {
  const entries = [entry('a/one', { uid: 1001 }), entry('a/two', { uid: 1001, path: '/usr/bin/agent' })];
  const answer = attest(observed(), entries, kin());
  assert.ok('denial' in answer);
  assert.equal(answer.denial.code, 'transport.ambiguous_attestation');
  assert.deepEqual(answer.denial.detail.agents, ['a/one', 'a/two']);
});

test('a launch tells agents of one uid apart', () => {
  const entries = ['a/one', 'a/two'].map((agent) => entry(agent, { uid: 1001, launched: true }));
  for (const agent of ['a/one', 'a/two']) {
    const answer = attest(observed(), entries, kin({ launch: launchOf(agent) }));
    assert.ok('identity' in answer);
    assert.equal(answer.identity.agent, agent);
    assert.equal(answer.identity.boundary, 'launch');
  }
});

const refused: readonly (readonly [
  string,
  Partial<AttestSelectors>,
  Partial<Observed>,
  LaunchFact | null,
  string[],
])[] = [
  ['another uid', { uid: 1001 }, { uid: 1002 }, null, ['uid']],
  ['another gid', { uid: 1001, gid: 5 }, {}, null, ['gid']],
  ['several gids at once', { uid: 1001, gid: 1001 }, { gid: null }, null, ['gid']],
  ['another program', { uid: 1001, path: '/usr/bin/other' }, {}, null, ['path']],
  ['a program that cannot be seen', { uid: 1001, path: '/usr/bin/agent' }, { path: null }, null, ['path']],
  [
    'a program replaced on disk',
    { uid: 1001, path: '/usr/bin/agent' },
    { path: '/usr/bin/agent (deleted)' },
    null,
    ['path'],
  ],
  ['another digest', { uid: 1001, sha256: 'b'.repeat(64) }, {}, null, ['sha256']],
  ['a digest that was not read', { uid: 1001, sha256: 'a'.repeat(64) }, { sha256: null }, null, ['sha256']],
  ['another parent', { uid: 1001, parent: 'a/parent' }, {}, null, ['parent']],
  ['another unit', { uid: 1001, unit: 'other.service' }, {}, null, ['unit']],
  [
    "a user's unit of that name",
    { uid: 1001, unit: 'a.service' },
    { cgroup: '/user.slice/user@1.service/a.service' },
    null,
    ['unit'],
  ],
  ['a unit that cannot be seen', { uid: 1001, unit: 'agent.service' }, { cgroup: null }, null, ['unit']],
  ['another control group', { uid: 1001, cgroup: '/agents' }, {}, null, ['cgroup']],
  ['a control group that only begins so', { uid: 1001, cgroup: '/a' }, { cgroup: '/ab' }, null, ['cgroup']],
  ['another PM2 name', { uid: 1001, pm2: 'other' }, {}, null, ['pm2']],
  ['a PM2 name that cannot be seen', { uid: 1001, pm2: 'agent' }, { pm2: null }, null, ['pm2']],
  ['no launch', { uid: 1001, launched: true }, {}, null, ['launch']],
  ['the launch of another agent', { uid: 1001, launched: true }, {}, launchOf('a/two'), ['launch']],
  [
    'a launch whose process changed its uid',
    { uid: 1002, launched: true },
    { uid: 1002 },
    launchOf('a/one', 1001),
    ['launch'],
  ],
  ['the uid default, which is the plane’s', {}, {}, null, ['uid']],
];
for (const [what, selectors, seen, launch, missing] of refused) {
  test(`no identity by ${what}, and the nearest entry says what was missing`, () => {
    const answer = attest(observed(seen), [entry('a/one', selectors)], kin({ launch }));
    assert.ok('denial' in answer);
    assert.equal(answer.denial.code, 'transport.peer_not_attested');
    assert.equal(answer.nearest?.agent, 'a/one');
    assert.deepEqual(
      answer.nearest?.missing.map(({ kind }) => kind),
      missing,
    );
    assert.match(answer.nearest!.fix, /^(run|start|give|let)/);
  });
}

test('every selector that matches is an identity, and together they are one', () => {
  const selectors = {
    ...{ uid: 1001, gid: 1001, path: '/usr/bin/agent', sha256: 'a'.repeat(64), parent: 'a/parent' },
    ...{ unit: 'agent.service', cgroup: '/system.slice', pm2: 'agent' },
  };
  for (const one of [selectors, ...Object.entries(selectors).map(([key, value]) => ({ uid: 1001, [key]: value }))]) {
    const answer = attest(observed(), [entry('a/one', one)], kin({ parent: 'a/parent' }));
    assert.ok('identity' in answer, JSON.stringify(answer));
    assert.equal(answer.identity.boundary, 'uid');
  }
});

test('without entries there is no identity and nothing near', () => {
  const answer = attest(observed(), [], kin());
  assert.ok('denial' in answer);
  assert.equal(answer.nearest, null);
});

test('an entry of the same uid is nearer than one of another uid', () => {
  const entries = [entry('a/other', { uid: 7 }), entry('a/mine', { uid: 1001, path: '/x', sha256: 'b'.repeat(64) })];
  const answer = attest(observed(), entries, kin());
  assert.ok('denial' in answer);
  assert.equal(answer.nearest?.agent, 'a/mine');
});

test('one uid for one agent, and any number of launched agents on another, are no problem', () => {
  const entries = [
    entry('a/one', { uid: 1001, path: '/usr/bin/agent' }),
    entry('a/two', { uid: 1002, launched: true, command: ['node', 'x.js'], env: ['HOME'] }),
    entry('a/three', { uid: 1002, launched: true }),
  ];
  assert.deepEqual(validateEntries(entries), []);
});

const problems: readonly (readonly [string, readonly Partial<AttestSelectors>[], readonly string[]])[] = [
  ['a uid with a launched and another entry', [{ uid: 5, launched: true }, { uid: 5 }], ['agents.a/1.attest']],
  ['two entries of one uid', [{ uid: 5 }, { uid: 5 }], ['agents.a/0.attest', 'agents.a/1.attest']],
  [
    'two entries that differ by interpreter',
    [
      { uid: 5, path: '/bin/sh' },
      { uid: 5, path: '/usr/bin/node' },
    ],
    ['agents.a/0.attest', 'agents.a/1.attest'],
  ],
  [
    'two entries that differ by digest',
    [
      { uid: 5, sha256: 'a'.repeat(64) },
      { uid: 5, sha256: 'b'.repeat(64) },
    ],
    ['agents.a/0.attest', 'agents.a/1.attest'],
  ],
  ['two entries on the default uid', [{}, {}], ['agents.a/0.attest', 'agents.a/1.attest']],
  ['a uid below zero', [{ uid: -1 }], ['agents.a/0.attest.uid']],
  ['the overflow uid', [{ uid: 65534 }], ['agents.a/0.attest.uid']],
  ['a relative path', [{ uid: 5, path: 'node' }], ['agents.a/0.attest.path']],
  ['a digest in capitals', [{ uid: 5, sha256: 'A'.repeat(64) }], ['agents.a/0.attest.sha256']],
  ['a command without launch', [{ uid: 5, command: ['x'] }], ['agents.a/0.attest.command']],
  ['a path beside launch', [{ uid: 5, launched: true, path: '/x' }], ['agents.a/0.attest.path']],
  ['a unit beside launch', [{ uid: 5, launched: true, unit: 'a.service' }], ['agents.a/0.attest.unit']],
  ['a relative control group', [{ uid: 5, cgroup: 'a' }], ['agents.a/0.attest.cgroup']],
  ['a parent that is nobody', [{ uid: 5, parent: 'a/9' }], ['agents.a/0.attest.parent']],
  ['a parent that is itself', [{ uid: 5, parent: 'a/0' }], ['agents.a/0.attest.parent']],
  [
    'a parent of a parent',
    [{ uid: 5 }, { uid: 6, parent: 'a/0' }, { uid: 7, parent: 'a/1' }],
    ['agents.a/2.attest.parent'],
  ],
  ['an empty command', [{ uid: 5, launched: true, command: [] }], ['agents.a/0.attest.command']],
  ['a variable with its value', [{ uid: 5, launched: true, env: ['A=1'] }], ['agents.a/0.attest.env']],
];
for (const [what, selectors, paths] of problems) {
  test(`validate reports ${what}`, () => {
    const found = validateEntries(selectors.map((one, i) => entry(`a/${i}`, one)));
    assert.deepEqual(
      found.map(({ path }) => path.join('.')),
      paths,
    );
  });
}
