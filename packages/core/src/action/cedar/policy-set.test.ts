import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Entity, type EntitySource, entitiesFromJson } from './entities.ts';
import { contextFromJson } from './json.ts';
import type { CedarRequest } from './operators.ts';
import { type Compiled, compilePolicy } from './policy.ts';
import { type CedarAnswer, compileSet } from './policy-set.ts';
import { type CedarRecord, entityUid, isFault } from './value.ts';

const ALL = { op: 'All' };
const context = (json: unknown): CedarRecord => {
  const read = contextFromJson(json);
  return isFault(read) ? assert.fail(read.says) : read;
};
const is = (operator: string, left: unknown, right: unknown) => ({ [operator]: { left, right } });
const attr = (name: string) => ({ '.': { left: { Var: 'context' }, attr: name } });

function policy(id: string, further: object = {}): Compiled {
  const json = { effect: 'permit', principal: ALL, action: ALL, resource: ALL, conditions: [], ...further };
  const compiled = compilePolicy(id, json);
  return 'unsupported' in compiled ? assert.fail(compiled.unsupported) : compiled;
}

const when = (...bodies: unknown[]) => ({ conditions: bodies.map((body) => ({ kind: 'when', body })) });

const request: CedarRequest = {
  principal: entityUid('User', 'ann'),
  action: entityUid('Action', 'read'),
  resource: entityUid('Doc', 'd'),
  context: context({ yes: true, no: false, n: 1 }),
};

const NONE: EntitySource = new Map();
const evaluate = (policies: readonly Compiled[], entities = NONE): CedarAnswer =>
  compileSet(policies).evaluate(request, entities);

function fault(body: unknown): string | boolean {
  const { decision, errors } = evaluate([policy('p', when(body))]);
  return errors[0]?.fault ?? decision === 'allow';
}

test('forbid beats permit, nothing permits by itself, and the reasons are those that decided', () => {
  const forbid = { effect: 'forbid' };
  assert.deepEqual(evaluate([]), { decision: 'deny', reasons: [], errors: [] });
  assert.deepEqual(evaluate([policy('b'), policy('a')]), { decision: 'allow', reasons: ['b', 'a'], errors: [] });
  assert.deepEqual(evaluate([policy('p'), policy('f', forbid), policy('g', forbid)]).reasons, ['f', 'g']);
  assert.deepEqual(evaluate([policy('p', when(attr('no')))]).reasons, []);
});

test('a failing policy is named with its kind of failure and decides nothing', () => {
  const failing = { effect: 'forbid', ...when(attr('absent')) };
  assert.deepEqual(evaluate([policy('p'), policy('f', failing)]), {
    decision: 'allow',
    reasons: ['p'],
    errors: [{ id: 'f', fault: 'no_attribute', says: 'the attribute `absent` does not exist' }],
  });
});

test('conditions run in order and no further than the first that does not hold', () => {
  const [yes, no, bad] = [attr('yes'), attr('no'), attr('absent')];
  assert.equal(evaluate([policy('p', when(no, bad))]).errors.length, 0);
  assert.equal(evaluate([policy('p', when(yes, bad))]).errors.length, 1);
  assert.equal(fault(is('&&', no, bad)), false);
  assert.equal(fault(is('||', yes, bad)), true);
  assert.equal(fault(is('&&', is('&&', yes, bad), no)), 'no_attribute');
  const unless = { conditions: [{ kind: 'unless', body: no }] };
  assert.equal(evaluate([policy('p', unless)]).decision, 'allow');
});

test('of several members of a record that fail, the first by name is told', () => {
  const [type, missing] = [{ '!': { arg: attr('n') } }, attr('absent')];
  const told = (record: object) => fault(is('==', { Record: record }, attr('n')));
  assert.equal(told({ b: type, a: missing }), 'no_attribute');
  assert.equal(told({ a: type, b: missing }), 'type');
  // As numbers JavaScript would put 9 first, as UTF-16 the face.
  assert.equal(told({ 9: type, 10: missing }), 'no_attribute');
  assert.equal(told({ '\u{1f600}': type, '\uffee': missing }), 'no_attribute');
});

test('every wrong type is a failure, also where the result would not matter', () => {
  const n = attr('n');
  const literal = (json: unknown) => ({ Value: json });
  const uid = literal({ __entity: { type: 'User', id: 'ann' } });
  const table: readonly (readonly [unknown, string | boolean])[] = [
    [n, 'type'],
    [is('&&', attr('yes'), n), 'type'],
    [is('||', n, attr('yes')), 'type'],
    [{ '!': { arg: n } }, 'type'],
    [is('==', n, literal('1')), false],
    [is('<', n, literal('1')), 'type'],
    [is('+', n, literal(true)), 'type'],
    [is('<', is('+', literal(2n ** 63n - 1n), n), n), 'overflow'],
    [is('==', { neg: { arg: literal(-(2n ** 63n)) } }, n), 'overflow'],
    [is('in', n, uid), 'type'],
    [is('in', uid, n), 'type'],
    [is('in', uid, { Set: [uid, n] }), 'type'],
    [is('in', uid, { Set: [uid] }), true],
    [is('contains', n, n), 'type'],
    [is('containsAll', { Set: [] }, n), 'type'],
    [{ isEmpty: { arg: n } }, 'type'],
    [{ has: { left: n, attr: 'x' } }, 'type'],
    [{ has: { left: { Var: 'context' }, attr: ['n', 'x'] } }, 'type'],
    [{ has: { left: { Var: 'context' }, attr: ['absent', 'x'] } }, false],
    [{ has: { left: { Var: 'principal' }, attr: 'x' } }, false],
    [{ '.': { left: { Var: 'principal' }, attr: 'x' } }, 'no_entity'],
    [is('hasTag', uid, literal('x')), false],
    [is('hasTag', uid, n), 'type'],
    [is('getTag', uid, literal('x')), 'no_entity'],
    [{ like: { left: n, pattern: ['Wildcard'] } }, 'type'],
    [{ is: { left: n, entity_type: 'User' } }, 'type'],
    [{ is: { left: uid, entity_type: 'Doc', in: n } }, false],
    [{ is: { left: uid, entity_type: 'User', in: n } }, 'type'],
    [{ ip: [literal('no')] }, 'extension'],
    [{ isIpv4: [{ ip: [literal('::1')] }, n] }, 'arity'],
    [is('==', { Set: [attr('absent')] }, n), 'no_attribute'],
    [is('==', { Record: { a: attr('absent') } }, n), 'no_attribute'],
  ];
  for (const [body, expected] of table) assert.equal(fault(body), expected, JSON.stringify(body, printable));
});

function printable(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}` : value;
}

test('tags and attributes are found apart, and a store may be anything with `get`', () => {
  const entity: Entity = {
    uid: request.principal,
    attrs: new Map([['x', true]]),
    tags: new Map([['t', true]]),
    ancestors: new Set([entityUid('Group', 'g').key]),
  };
  const source: EntitySource = { get: (key) => (key === request.principal.key ? entity : undefined) };
  const principal = { Var: 'principal' };
  const bodies = [
    { '.': { left: principal, attr: 'x' } },
    is('getTag', principal, { Value: 't' }),
    is('in', principal, { Value: { __entity: { type: 'Group', id: 'g' } } }),
    { '!': { arg: is('hasTag', principal, { Value: 'x' }) } },
    { '!': { arg: { has: { left: principal, attr: 't' } } } },
  ];
  assert.deepEqual(evaluate([policy('p', when(...bodies))], source).reasons, ['p']);
  const missing = evaluate([policy('p', when(is('getTag', principal, { Value: 'x' })))], source);
  assert.equal(missing.errors[0]?.fault, 'no_tag');
});

test('what is not known is said, never guessed', () => {
  const json = (body: unknown) => ({ effect: 'permit', principal: ALL, action: ALL, resource: ALL, ...when(body) });
  const bodies = [
    { unknown: [{ Value: 'x' }] },
    { Value: 2 ** 53 },
    { Value: null },
    { Value: { __extn: { fn: 'ip', arg: 'no' } } },
    { Var: 'time' },
    { Slot: '?principal' },
    { '<=>': { left: { Value: 1 }, right: { Value: 1 } } },
    { '!': { arg: { Value: true } }, neg: { arg: { Value: 1 } } },
    { is: { left: { Var: 'principal' }, entity_type: 'not a name' } },
    { like: { left: { Value: 'a' }, pattern: [{ Regex: 'a' }] } },
    { contains: [{ Value: 1 }] },
    { has: { left: { Var: 'context' }, attr: [] } },
    {},
    null,
  ];
  for (const body of bodies) assert.ok('unsupported' in compilePolicy('p', json(body)), JSON.stringify(body));
  const whole = json({ Value: true });
  const others = [
    null,
    { ...whole, effect: 'maybe' },
    { ...whole, principal: { op: '~', entity: { type: 'A', id: 'a' } } },
    { ...whole, principal: { op: '==', slot: '?principal' } },
    { ...whole, action: { op: 'in', entities: [{ type: 'A' }] } },
    { ...whole, conditions: [{ kind: 'where', body: { Value: true } }] },
    { ...whole, conditions: undefined },
  ];
  for (const one of others) assert.ok('unsupported' in compilePolicy('p', one), JSON.stringify(one));
});

test('a template is a policy once its slots have values', () => {
  const json = {
    effect: 'permit',
    principal: { op: '==', slot: '?principal' },
    action: ALL,
    resource: { op: 'in', slot: '?resource' },
    ...when({ Value: true }),
  };
  const linked = (id: string, who: string) =>
    compilePolicy(
      id,
      json,
      new Map([
        ['?principal', entityUid('User', who)],
        ['?resource', request.resource],
      ]),
    );
  const links = [linked('link.ann', 'ann'), linked('link.bob', 'bob')] as Compiled[];
  assert.deepEqual(evaluate(links).reasons, ['link.ann']);
});

test('annotations stay with the policy, a bare one as empty text', () => {
  const { annotations } = policy('p', { annotations: { outcome: 'approval', flag: null } });
  assert.deepEqual(
    [...annotations],
    [
      ['outcome', 'approval'],
      ['flag', ''],
    ],
  );
});

test('a long chain of conditions is as deep as a short one', () => {
  let body: unknown = attr('no');
  for (let i = 0; i < 50_000; i++) body = is('||', body, i === 49_999 ? attr('yes') : attr('no'));
  assert.equal(fault(body), true);
  let deep: unknown = attr('yes');
  for (let i = 0; i < 50_000; i++) deep = { '!': { arg: deep } };
  const json = { effect: 'permit', principal: ALL, action: ALL, resource: ALL, ...when(deep) };
  assert.deepEqual(compilePolicy('p', json), { unsupported: 'a deeply nested expression' });
});

test('two policies of one id are refused', () => {
  assert.throws(() => compileSet([policy('p'), policy('p')]), RangeError);
});

test('a decision looks only at policies whose scope fits, and only at the entities it needs', () => {
  const doc = (i: number) => ({ type: 'Doc', id: `d${i}` });
  const many = Array.from({ length: 10_000 }, (_, i) => policy(`p${i}`, { resource: { op: '==', entity: doc(i) } }));
  let evaluated = 0;
  const counted = many.map((one) => ({ ...one, conditions: { isConstant: false, run: () => ++evaluated > 0 } }));
  const looked: string[] = [];
  const source: EntitySource = { get: (key) => void looked.push(key) };
  const asked = { ...request, resource: entityUid('Doc', 'd7') };
  assert.deepEqual(compileSet(counted).evaluate(asked, source).reasons, ['p7']);
  assert.equal(evaluated, 1);
  assert.equal(looked.length, 3);
});

test('the hierarchy in the request decides as it does in the store', () => {
  const read = entitiesFromJson([
    { uid: { type: 'Doc', id: 'd' }, attrs: {}, parents: [{ type: 'Folder', id: 'f' }] },
    { uid: { type: 'Folder', id: 'f' }, attrs: {}, parents: [{ type: 'Root', id: 'r' }] },
  ]);
  const entities = 'kind' in read ? assert.fail(read.says) : read;
  const inside = (type: string, id: string) => ({ resource: { op: 'in', entity: { type, id } } });
  const policies = [
    policy('far', inside('Root', 'r')),
    policy('self', inside('Doc', 'd')),
    policy('other', inside('Root', 'x')),
  ];
  assert.deepEqual(evaluate(policies, entities).reasons, ['far', 'self']);
});
