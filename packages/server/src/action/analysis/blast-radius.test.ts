import assert from 'node:assert/strict';
import { test } from 'node:test';
import { line, load } from '../testing.ts';
import { type BlastRadius, blastRadius } from './blast-radius.ts';
import { radiusDiff } from './radius-diff.ts';
import { ENTITLEMENTS, view } from './testing.ts';

const allow = [
  line('claude/orchestrator', 'files/read_file'),
  line('claude/orchestrator', 'mail/send', { where: new Map([['/subject', { oneOf: ['report'] }]]) }),
  line('db/reader', 'files/read_file', { users: ['ada'] }),
  line('db/reader', 'files/write_file'),
];

const radius = (holder: string, cedar = '', over: Parameters<typeof view>[1] = {}, lines = allow): BlastRadius =>
  blastRadius(view(load(lines, cedar), over), holder)!;

const gist = ({ reach }: BlastRadius) =>
  reach.map(({ action, through, when, users }) => `${action} by ${through.join('>')} ${when} for ${users}`).sort();

test('what a holder does itself, and what others do on what it hands on', () => {
  assert.deepEqual(gist(radius('claude/orchestrator')), [
    'db/agent/send by claude/orchestrator always for ada,howard',
    'db/reader/send by claude/orchestrator>db/agent always for ada,howard',
    'files/read_file by claude/orchestrator always for ada,howard',
    'files/read_file by claude/orchestrator>db/agent>db/reader always for ada',
    'mail/send by claude/orchestrator maybe for ada,howard',
  ]);
});

test('a scope that somebody on the way does not hold goes no further', () => {
  // The orchestrator holds files:write_file and the reader may use it, but the agent between them holds it not.
  assert.ok(!gist(radius('claude/orchestrator')).some((one) => one.startsWith('files/write_file')));
  const entitlements = new Map([
    ...ENTITLEMENTS,
    ['db/agent', ['files:read_file', 'files:write_file', 'db/reader:send']],
  ]);
  assert.ok(
    gist(radius('claude/orchestrator', '', { entitlements })).includes(
      'files/write_file by claude/orchestrator>db/agent>db/reader always for ada,howard',
    ),
  );
});

test('what a holder does not hold itself, nobody does on its authority', () => {
  assert.ok(gist(radius('db/reader')).some((one) => one.startsWith('files/write_file')));
  assert.ok(!gist(radius('db/agent')).some((one) => one.startsWith('files/write_file')));
});

test('the shortest way is shown, and one around whom policy keeps out', () => {
  const edges = new Map([
    ['claude/orchestrator', new Set(['db/agent', 'x/y', 'files'])],
    ['db/agent', new Set(['db/reader'])],
    ['x/y', new Set(['x/z'])],
    ['x/z', new Set(['db/reader'])],
    ['db/reader', new Set(['files'])],
  ]);
  const entitlements = new Map(
    ['claude/orchestrator', 'db/agent', 'x/y', 'x/z', 'db/reader'].map((key) => [key, ['files:read_file']]),
  );
  const agents = [...edges.keys()].map((key) => [key, 'task'] as const);
  const through = (cedar: string) =>
    radius('claude/orchestrator', cedar, { edges, entitlements, agents }).reach.find(
      ({ actor }) => actor === 'db/reader',
    )?.through;
  const not = (path: string) =>
    `forbid(principal == Writ::Agent::"spiffe://zylos.local/${path}", action == Writ::Action::"files/read_file", resource);`;
  assert.deepEqual(through(''), ['claude/orchestrator', 'db/agent', 'db/reader']);
  assert.deepEqual(through(not('db/agent')), ['claude/orchestrator', 'x/y', 'x/z', 'db/reader']);
  assert.equal(through(not('db/agent') + not('x/z')), undefined);
  assert.equal(through(not('claude/orchestrator')), undefined);
});

test('memory that nobody stated keeps a holder below risk 3', () => {
  const agents = [
    ['claude/orchestrator', null],
    ['db/agent', 'task'],
  ] as const;
  assert.deepEqual(gist(radius('claude/orchestrator', '', { agents })), [
    'db/agent/send by claude/orchestrator always for ada,howard',
  ]);
});

test('a token that anybody could hold asks above risk 1', () => {
  const lines = [line('client:desktop', 'files/read_file')];
  assert.ok(
    gist(radius('client:desktop', '', {}, lines)).includes('files/read_file by client:desktop asks for ada,howard'),
  );
});

test('a holder that is not configured has no radius', () => {
  assert.equal(blastRadius(view(load(allow)), 'db/nobody'), null);
});

const changes = (...after: Parameters<typeof radius>) =>
  radiusDiff(radius('claude/orchestrator'), radius(...after)).changes.map(({ action, actor, wider }) => [
    action,
    actor,
    wider,
  ]);

test('nothing changed, nothing told', () => {
  assert.deepEqual(radiusDiff(radius('claude/orchestrator'), radius('claude/orchestrator')), {
    widens: false,
    changes: [],
  });
});

test('one more line is one more reach', () => {
  const lines = [...allow, line('claude/orchestrator', 'files/write_file')];
  assert.deepEqual(changes('claude/orchestrator', '', {}, lines), [
    ['files/write_file', 'claude/orchestrator', ['new']],
  ]);
});

test('a line less is a change that widens nothing', () => {
  const diff = radiusDiff(radius('claude/orchestrator'), radius('claude/orchestrator', '', {}, allow.slice(1)));
  assert.equal(diff.widens, false);
  assert.deepEqual(
    diff.changes.map(({ action, is }) => [action, is]),
    [['files/read_file', null]],
  );
});

test('more people, fewer conditions, other conditions: each is wider, whatever the lines are called', () => {
  const widened = (change: (lines: typeof allow) => typeof allow) =>
    changes('claude/orchestrator', '', {}, change([...allow]));
  const reader = line('db/reader', 'files/read_file');
  assert.deepEqual(
    widened(([a, b, , d]) => [a!, b!, reader, d!]),
    [['files/read_file', 'db/reader', ['also for howard']]],
  );
  const mail = (where: [string, { oneOf: string[] }][]) =>
    line('claude/orchestrator', 'mail/send', { where: new Map(where) });
  assert.deepEqual(
    widened(([a, , c, d]) => [a!, mail([]), c!, d!]),
    [['mail/send', 'claude/orchestrator', ['maybe became always']]],
  );
  assert.deepEqual(
    widened(([a, , c, d]) => [a!, mail([['/subject', { oneOf: ['report', 'secret'] }]]), c!, d!]),
    [['mail/send', 'claude/orchestrator', ['other conditions']]],
  );
  // The same lines in another order have other ids and say the same.
  assert.deepEqual(
    widened(([a, b, c, d]) => [d!, c!, b!, a!]),
    [],
  );
});

test('a rule that asks instead of forbidding is wider', () => {
  const forbid = 'forbid(principal, action == Writ::Action::"mail/send", resource);';
  const before = radius('claude/orchestrator', forbid);
  const after = radius('claude/orchestrator', `@outcome("approval") ${forbid}`);
  assert.deepEqual(
    radiusDiff(before, after).changes.map(({ action, wider }) => [action, wider]),
    [['mail/send', ['new']]],
  );
  assert.equal(radiusDiff(after, before).widens, false);
});

test('a higher risk, or a review meanwhile, is wider; a lower risk is not', () => {
  const before = radius('claude/orchestrator');
  const [first, ...others] = before.reach;
  const wider = (change: Partial<typeof first & object>, from: Partial<typeof first & object> = {}) =>
    radiusDiff(
      { ...before, reach: [{ ...first!, ...from }, ...others] },
      { ...before, reach: [{ ...first!, ...change }, ...others] },
    ).changes.flatMap(({ wider }) => wider);
  assert.deepEqual(wider({ risk: first!.risk + 1 }), [`risk ${first!.risk} became ${first!.risk + 1}`]);
  assert.deepEqual(wider({ risk: first!.risk - 1 }), []);
  assert.deepEqual(wider({}, { reviewed: false }), ['reviewed meanwhile']);
  assert.deepEqual(wider({ reviewed: false }), []);
});
