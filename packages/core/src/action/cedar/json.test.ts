import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Entity, entitiesFromJson } from './entities.ts';
import { contextFromJson, uidFromJson, valueFromJson } from './json.ts';
import { entityUid, isFault } from './value.ts';

const isRefused = (json: unknown): boolean => {
  const value = valueFromJson(json);
  return isFault(value);
};

test('longs are 64 bits and exact, or nothing', () => {
  assert.equal(valueFromJson(-0), 0n);
  assert.equal(valueFromJson(2n ** 63n - 1n), 2n ** 63n - 1n);
  assert.equal(valueFromJson(Number.MAX_SAFE_INTEGER), 2n ** 53n - 1n);
  for (const number of [2 ** 53, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2n ** 63n, -(2n ** 63n) - 1n])
    assert.ok(isRefused(number), String(number));
});

test('an escape is an object of exactly that form; any other is a record', () => {
  assert.deepEqual(valueFromJson({ __entity: { type: 'A::B', id: 'x', more: 1 } }), entityUid('A::B', 'x'));
  const records = [
    { __entity: { type: 'A' } },
    { __entity: { type: 'A', id: 'x' }, more: 1 },
    { __extn: { fn: 'ip' } },
    { __extn: { fn: 'ip', args: '::1' } },
    { __expr: 1 },
    JSON.parse('{"__proto__": 1}'),
  ];
  for (const json of records) {
    const value = valueFromJson(json);
    assert.ok(typeof value === 'object' && value.kind === 'record', JSON.stringify(json));
    assert.deepEqual([...value.fields.keys()], Object.keys(json));
  }
  const refused = [
    null,
    [1, null],
    { a: { b: null } },
    undefined,
    { __expr: 'ip("::1")' },
    { __entity: { type: 'if', id: 'x' } },
    { __entity: { type: 'A:: B', id: 'x' } },
    { __entity: { type: '__cedar::A', id: 'x' } },
    { __entity: { type: 'A', id: '\ud800' } },
    { __extn: { fn: 'ip', arg: null } },
    { __extn: { fn: 'ip', arg: 'no' } },
    { __extn: { fn: 'unknown', arg: 'x' } },
    { __extn: { fn: 'toString', arg: 'x' } },
    '\ud800',
    { '\udc00': 1 },
  ];
  for (const json of refused) assert.ok(isRefused(json), JSON.stringify(json));
});

test('a call may be made of calls, and need not make an extension value', () => {
  const ip = { __extn: { fn: 'ip', arg: '127.0.0.1' } };
  assert.equal(valueFromJson({ __extn: { fn: 'isLoopback', args: [ip] } }), true);
});

test('a context is a record', () => {
  assert.ok(!isFault(contextFromJson({ a: 1 })));
  for (const json of [[], 1, 'a', { __entity: { type: 'A', id: 'x' } }, { a: null }])
    assert.ok(isFault(contextFromJson(json)), JSON.stringify(json));
});

test('a value nested past all use is refused rather than walked', () => {
  let json: unknown = 1;
  for (let i = 0; i < 100_000; i++) json = [json];
  assert.ok(isRefused(json));
});

const item = (id: string, parents: readonly string[] = [], attrs: unknown = {}) => ({
  uid: { type: 'A', id },
  attrs,
  parents: parents.map((parent) => ({ type: 'A', id: parent })),
});

function entities(json: readonly unknown[]): ReadonlyMap<string, Entity> | null {
  const read = entitiesFromJson(json);
  return 'kind' in read ? null : read;
}

test('ancestors are everything above, also past what is not there', () => {
  const read = entities([item('a', ['b', 'c']), item('b', ['d']), item('c', ['d']), item('d', ['gone'])])!;
  const above = (id: string) => [...read.get(entityUid('A', id).key)!.ancestors].map((key) => key.slice(2)).sort();
  assert.deepEqual(above('a'), ['b', 'c', 'd', 'gone']);
  assert.deepEqual(above('c'), ['d', 'gone']);
  assert.equal(read.has(entityUid('A', 'gone').key), false);
});

test('a chain of any length is linked, a circle of any length refused', () => {
  const chain = Array.from({ length: 2000 }, (_, i) => item(`e${i}`, [`e${i + 1}`]));
  assert.equal(entities(chain)?.get(entityUid('A', 'e0').key)?.ancestors.size, 2000);
  assert.equal(entities([...chain, item('e2000', ['e0'])]), null);
  assert.equal(entities([item('a', ['a'])]), null);
  assert.equal(entities([item('a', ['b']), item('b', ['c', 'd']), item('c'), item('d', ['b'])]), null);
});

test('an entity may be told twice, never in two ways', () => {
  assert.equal(entities([item('a', ['b'], { x: [1, 2] }), item('a', ['b'], { x: [2, 1, 1] })])?.size, 1);
  assert.equal(entities([item('a'), item('a', ['b'])]), null);
  assert.equal(entities([item('a', [], { x: 1 }), item('a', [], { x: 2 })]), null);
  assert.equal(entities([item('a'), { ...item('a'), tags: { x: 1 } }]), null);
});

test('an action has only actions above it, and an entity all of its parts', () => {
  const action = { type: 'N::Action', id: 'a' };
  assert.equal(entities([{ uid: action, attrs: {}, parents: [{ type: 'A', id: 'x' }] }]), null);
  assert.equal(entities([{ uid: action, attrs: {}, parents: [{ type: 'Action', id: 'x' }] }])?.size, 1);
  const { uid, attrs, parents } = item('a');
  for (const json of [{ uid, attrs }, { uid, parents }, { attrs, parents }, { uid: 'A::"a"', attrs, parents }, 1])
    assert.equal(entities([json]), null, JSON.stringify(json));
  assert.equal(entities([{ uid, attrs, parents, tags: null }]), null);
  assert.deepEqual(uidFromJson({ __entity: uid }), uidFromJson(uid));
});
