import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CedarSchema, schemaFromJson } from './schema.ts';
import { entityUid } from './value.ts';

const LONG = { type: 'Long' };
const record = (attributes: object) => ({ type: 'Record', attributes });

const SCHEMA = {
  Shop: {
    entityTypes: {
      User: {
        memberOfTypes: ['Team'],
        shape: record({ age: LONG, boss: { type: 'Entity', name: 'User', required: false } }),
      },
      Team: { memberOfTypes: ['Org'] },
      Org: {},
      Kind: { enum: ['new', 'used'] },
      Item: { tags: { type: 'String' } },
    },
    actions: {
      any: {},
      write: { memberOf: [{ id: 'any' }] },
      buy: {
        memberOf: [{ id: 'write', type: 'Shop::Action' }],
        appliesTo: {
          principalTypes: ['User'],
          resourceTypes: ['Shop::Item'],
          context: record({
            n: LONG,
            at: { type: 'Extension', name: 'datetime', required: false },
            tags: { type: 'Set', element: { type: 'String' }, required: false },
            by: { ...record({ ok: { type: 'Boolean' } }), required: false },
          }),
        },
      },
    },
  },
};

function schema(): CedarSchema {
  const read = schemaFromJson(SCHEMA);
  return 'unsupported' in read ? assert.fail(read.unsupported) : read;
}

const ann = { type: 'Shop::User', id: 'ann' };
const user = (attrs: unknown, parents: readonly unknown[] = []) => ({ uid: ann, attrs, parents });

interface Asked {
  readonly principal?: string;
  readonly action?: string;
  readonly resource?: string;
  readonly context?: unknown;
  readonly entities?: readonly unknown[];
}

function fits(asked: Asked): boolean {
  const {
    principal = 'Shop::User',
    action = 'buy',
    resource = 'Shop::Item',
    context = { n: 1 },
    entities = [],
  } = asked;
  const read = schema();
  const request = read.request({
    principal: { type: principal, id: 'ann' },
    action: { type: 'Shop::Action', id: action },
    resource: { type: resource, id: 'i' },
    context,
  });
  return !('kind' in request) && !('kind' in read.entities(entities));
}

test('actions stand in all the groups above them', () => {
  const above = (id: string) => [...schema().actions.get(entityUid('Shop::Action', id).key)!.ancestors].sort();
  const [any, write] = ['any', 'write'].map((id) => entityUid('Shop::Action', id).key);
  assert.deepEqual(above('buy'), [any, write]);
  assert.deepEqual(above('any'), []);
});

test('a request fits only as the action takes it', () => {
  const datetime = { __extn: { fn: 'datetime', arg: '2024-01-01' } };
  assert.ok(fits({}));
  assert.ok(fits({ context: { n: 1, at: datetime, tags: ['a'], by: { ok: true } } }));
  const wrong: readonly Asked[] = [
    { principal: 'Shop::Team' },
    { principal: 'User' },
    { action: 'write' },
    { action: 'sell' },
    { resource: 'Shop::User' },
    { context: {} },
    { context: { n: '1' } },
    { context: { n: 1, more: 1 } },
    { context: { n: 1, at: '2024-01-32' } },
    { context: { n: 1, at: { __extn: { fn: 'duration', arg: '1d' } } } },
    { context: { n: 1, tags: ['a', 1] } },
    { context: { n: 1, by: {} } },
    { context: { n: 1, by: { ok: true, no: true } } },
  ];
  for (const asked of wrong) assert.ok(!fits(asked), JSON.stringify(asked));
});

test('an entity fits with its attributes, its tags and whatever may stand above it', () => {
  const boss = { __entity: { type: 'Shop::User', id: 'bob' } };
  const item = { uid: { type: 'Shop::Item', id: 'i' }, attrs: {}, parents: [], tags: { t: 'x' } };
  const right: readonly unknown[] = [
    user({ age: 1 }),
    user({ age: 1, boss }, [{ type: 'Shop::Team', id: 't' }]),
    user({ age: 1 }, [{ type: 'Shop::Org', id: 'o' }]),
    item,
    { uid: { type: 'Shop::Kind', id: 'new' }, attrs: {}, parents: [] },
    { uid: { type: 'Shop::Action', id: 'write' }, attrs: {}, parents: [{ type: 'Shop::Action', id: 'any' }] },
  ];
  for (const entity of right) assert.ok(fits({ entities: [entity] }), JSON.stringify(entity));
  const wrong: readonly unknown[] = [
    user({}),
    user({ age: 1, more: 1 }),
    user({ age: 1, boss: { __entity: { type: 'Shop::Team', id: 'bob' } } }),
    user({ age: 1 }, [{ type: 'Shop::User', id: 'bob' }]),
    { ...user({ age: 1 }), tags: { t: 'x' } },
    { ...item, tags: { t: 1 } },
    { ...item, uid: { type: 'Shop::Thing', id: 'i' } },
    { uid: { type: 'Shop::Action', id: 'buy' }, attrs: {}, parents: [] },
    { uid: { type: 'Shop::Action', id: 'sell' }, attrs: {}, parents: [] },
    user({ age: 1 }, [{ type: 'Shop::Kind', id: 'new' }]),
    { uid: { type: 'Shop::Kind', id: 'odd' }, attrs: {}, parents: [] },
  ];
  for (const entity of wrong) assert.ok(!fits({ entities: [entity] }), JSON.stringify(entity));
});

test('with a type to expect, an entity and an extension value may be written short', () => {
  const escaped = { __extn: { fn: 'datetime', arg: '2024-01-01' } };
  const asked = (at: unknown) =>
    schema().request({
      principal: ann,
      action: { type: 'Shop::Action', id: 'buy' },
      resource: { type: 'Shop::Item', id: 'i' },
      context: { n: 1, at },
    });
  for (const short of ['2024-01-01', { fn: 'datetime', arg: '2024-01-01' }])
    assert.deepEqual(asked(short), asked(escaped));
  const [short, long] = [{ type: 'Shop::User', id: 'bob' }, { __entity: { type: 'Shop::User', id: 'bob' } }].map(
    (boss) => schema().entities([user({ age: 1, boss })]),
  );
  assert.ok(short && !('kind' in short));
  assert.deepEqual(short, long);
});

test('names are found in their own namespace first, common types before entity types', () => {
  const read = schemaFromJson({
    '': {
      commonTypes: { T: { type: 'String' }, C: { type: 'Record', attributes: { t: { type: 'T' } } } },
      entityTypes: {},
      actions: {},
    },
    N: {
      commonTypes: { T: { type: '__cedar::Long' } },
      entityTypes: {
        A: { shape: record({ t: { type: 'T' }, c: { type: 'C' }, d: { type: 'decimal', required: false } }) },
      },
      actions: { a: { appliesTo: { principalTypes: ['A'], resourceTypes: ['N::A'], context: { type: 'C' } } } },
    },
  });
  if ('unsupported' in read) assert.fail(read.unsupported);
  const entity = (attrs: unknown) => read.entities([{ uid: { type: 'N::A', id: 'x' }, attrs, parents: [] }]);
  assert.ok(!('kind' in entity({ t: 1, c: { t: 'x' }, d: '1.0' })));
  assert.ok('kind' in entity({ t: 'x', c: { t: 'x' } }));
  assert.ok('kind' in entity({ t: 1, c: { t: 1 } }));
  const uid = { type: 'N::A', id: 'x' };
  const request = { principal: uid, action: { type: 'N::Action', id: 'a' }, resource: uid };
  assert.ok(!('kind' in read.request({ ...request, context: { t: 'x' } })));
  assert.ok('kind' in read.request({ ...request, context: { t: 1 } }));
});

test('a schema with more in it than is known here is not read by halves', () => {
  const withType = (type: object) => ({ '': { entityTypes: { A: { shape: record({ a: type }) } }, actions: {} } });
  const schemas: readonly unknown[] = [
    { '': { entityTypes: {}, actions: { a: { attributes: {} } } } },
    { '': { entityTypes: { A: { memberOfTypes: ['B'] } }, actions: {} } },
    withType({ type: 'T' }),
    withType({ type: 'EntityOrCommon', name: 'Nothing' }),
    withType({ type: 'Entity', name: 'B' }),
    withType({ type: 'Extension', name: 'unknown' }),
    withType({ ...record({}), additionalAttributes: true }),
    withType({ type: 7 }),
    { '': { entityTypes: {}, actions: { a: { memberOf: [{ id: 'b' }] } } } },
    { '': { commonTypes: { T: { type: 'T' } }, entityTypes: { A: { shape: { type: 'T' } } }, actions: {} } },
  ];
  for (const one of schemas) assert.ok('unsupported' in schemaFromJson(one), JSON.stringify(one));
});
