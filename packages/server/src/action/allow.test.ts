// Lines of writ.yaml: numbering, wildcards, what is a problem and what only deserves a look.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Constraint } from '@writ/core';
import { riskReviewedIn } from './allow.ts';
import { loadPolicy } from './cedar.ts';
import type { ServerManifest } from './manifest.ts';
import { agent, answer, FILES, input, line, load, onServer, reviewedServer, SERVERS, spiffe, user } from './testing.ts';

const on = (name: string) => onServer('files', name);
const asks = (actor: string, name: string) => ({
  asker: agent(actor),
  target: on(name),
  args: { path: '/a', content: 'b' },
  actor,
});

test('lines are counted from 1 in file order', () => {
  const loaded = load([line('db/agent', 'files/read_file'), line('db/reader', 'files/read_file')]);
  assert.deepEqual(answer(loaded, asks('db/reader', 'read_file')).determining, ['allow.2.agent']);
});

test('a line for an OAuth client permits the client and people through it', () => {
  const loaded = load([line('client:desktop', 'files/read_file')]);
  const asked = asks('db/reader', 'read_file');
  assert.equal(answer(loaded, { ...asked, asker: { kind: 'client', clientId: 'desktop' } }).outcome, 'permit');
  assert.equal(answer(loaded, { ...asked, asker: { kind: 'agent', spiffeId: spiffe('desktop') } }).outcome, 'none');
});

test('several users on a line are those users', () => {
  const loaded = load([line('db/agent', 'files/read_file', { users: ['howard', 'ada'] })]);
  const asked = asks('db/agent', 'read_file');
  for (const [sub, outcome] of [
    ['howard', 'permit'],
    ['ada', 'permit'],
    ['eve', 'none'],
  ] as const) {
    assert.equal(answer(loaded, { ...asked, asker: user(sub) }).outcome, outcome, sub);
  }
});

test('a wildcard covers the reviewed tools of its server, on a boundary, and never risk 5', () => {
  const manifest: ServerManifest = { tools: { write_file: { risk: 5, effect: 'destroy' } } };
  const servers = [reviewedServer('files', FILES, manifest), SERVERS[1]!];
  const outcomes = (wildcard: string) => {
    const loaded = load([line('db/agent', `files/${wildcard}`)], '', { servers });
    return FILES.map(({ name }) => answer(loaded, asks('db/agent', String(name))).outcome);
  };
  assert.deepEqual(outcomes('*'), ['permit', 'none', 'permit']);
  assert.deepEqual(outcomes('list.*'), ['none', 'none', 'permit']);
  assert.deepEqual(outcomes('write_file'), ['none', 'permit', 'none']);
});

test('a wildcard that stands inside a word covers nothing and says so', () => {
  const loaded = load([line('db/agent', 'files/read*')]);
  assert.equal(loaded.notices[0]?.path, 'allow.0.tool');
  assert.equal(answer(loaded, asks('db/agent', 'read_file')).outcome, 'none');
});

test('a where clause on a wildcard holds for each tool by its own arguments', () => {
  const where = new Map([['/content', { oneOf: ['b'] }]]);
  const loaded = load([line('db/agent', 'files/*', { where })]);
  assert.equal(answer(loaded, asks('db/agent', 'write_file')).outcome, 'permit');
  assert.equal(answer(loaded, { ...asks('db/agent', 'read_file'), args: { path: '/a' } }).outcome, 'none');
});

test('a number that Cedar cannot hold is judged all the same, because core judges it', () => {
  const mail = (amount: number) => ({
    asker: agent('db/agent'),
    target: onServer('mail', 'send'),
    args: { to: ['a'], subject: 'b', amount },
    actor: 'db/agent',
  });
  const outcome = (constraint: Constraint, amount: number) =>
    answer(load([line('db/agent', 'mail/send', { where: new Map([['/amount', constraint]]) })]), mail(amount)).outcome;
  assert.equal(outcome({ any: true }, 1.00001), 'permit');
  assert.equal(outcome({ range: { max: '1.00001' } }, 1.00001), 'permit');
  assert.equal(outcome({ range: { max: '1' } }, 1.00001), 'none');
});

test('constraints that read alike keep apart', () => {
  const below = (root: string, separator: '/' | '\\') => new Map([['/path', { subpath: { root, separator } }]]);
  const loaded = load([
    line('db/agent', 'files/read_file', { where: below('C:\\a (separator \\)', '/') }),
    line('db/reader', 'files/read_file', { where: below('C:\\a', '\\') }),
  ]);
  const args = { path: 'C:\\a\\b' };
  assert.equal(answer(loaded, { ...asks('db/agent', 'read_file'), args }).outcome, 'none');
  assert.equal(answer(loaded, { ...asks('db/reader', 'read_file'), args }).outcome, 'permit');
});

test('a line about what no server offers permits nothing and is a notice', () => {
  const loaded = load([line('db/agent', 'files/remove_file')]);
  assert.deepEqual(loaded.notices, [
    {
      file: 'writ.yaml',
      line: 1,
      column: 1,
      path: 'allow.0.tool',
      says: '`files/remove_file` is no reviewed tool, so this line permits nothing',
      expected: 'a tool that `writ policy review files` lists',
    },
  ]);
});

test('a line about nobody is a problem, each fault at its key', () => {
  const lines = [
    line('db/writer', 'files/read_file'),
    line('client:phone', 'files/read_file'),
    line('db/agent', 'vault/read', { users: ['eve'] }),
    line('db/agent', 'files/read_file', { users: [] }),
  ];
  const result = loadPolicy(input(lines));
  assert.deepEqual('problems' in result && result.problems.map(({ path, says }) => [path, says]), [
    ['allow.0.agent', '`db/writer` is not configured'],
    ['allow.1.agent', '`client:phone` is not configured'],
    ['allow.2.tool', 'there is no server `vault`'],
    ['allow.2.users', 'there is no user `eve`'],
    ['allow.3.users', '`users` is empty'],
  ]);
});

test('the risk of a tool without manifest is what its lines say, the highest of them', () => {
  const lines = [
    line('db/agent', 'files/read_file', { risk: 0 }),
    line('db/reader', 'files/*', { risk: 2 }),
    line('db/reader', 'mail/send'),
  ];
  assert.equal(riskReviewedIn(lines, 'files', 'read_file'), 2);
  assert.equal(riskReviewedIn(lines.slice(0, 1), 'files', 'read_file'), 0);
  assert.equal(riskReviewedIn(lines, 'mail', 'send'), null);
  const { policy } = load(lines);
  assert.deepEqual(
    [policy.definition(on('read_file'))?.risk, policy.definition(on('read_file'))?.manifest],
    [2, false],
  );
  assert.equal(policy.definition(onServer('mail', 'send'))?.risk, 4);
});
