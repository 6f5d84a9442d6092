// The tree of scopes against the plainest reading of a scope there is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Entity } from './entities.ts';
import { type Compiled, compilePolicy, type Scope } from './policy.ts';
import { compileSet } from './policy-set.ts';
import { cedarRecord, type EntityUid, entityUid } from './value.ts';

const uid = fc.record({ type: fc.constantFrom('A', 'A::B'), id: fc.constantFrom('x', 'B"x') });

const scope = fc.oneof(
  fc.constant({ op: 'All' }),
  fc.record({ op: fc.constant('=='), entity: uid }),
  fc.record({ op: fc.constant('in'), entity: uid }),
  fc.record({ op: fc.constant('in'), entities: fc.array(uid, { maxLength: 4 }) }),
  fc.record({ op: fc.constant('is'), entity_type: fc.constantFrom('A', 'A::B') }),
  fc.record({ op: fc.constant('is'), entity_type: fc.constantFrom('A', 'A::B'), in: fc.record({ entity: uid }) }),
);

const policies = fc
  .array(fc.record({ principal: scope, action: scope, resource: scope }), { maxLength: 12 })
  .map((scopes) =>
    scopes.map((one, i) => compilePolicy(`p${i}`, { effect: 'permit', ...one, conditions: [] }) as Compiled),
  );

const keyed = uid.map(({ type, id }) => entityUid(type, id));
const store = fc
  .array(fc.tuple(keyed, fc.array(keyed, { maxLength: 6 })), { maxLength: 10 })
  .map((all) => new Map(all.map(([one, above]) => [one.key, entityOf(one, above)])));

function entityOf(one: EntityUid, above: readonly EntityUid[]): Entity {
  return { uid: one, attrs: new Map(), tags: new Map(), ancestors: new Set(above.map(({ key }) => key)) };
}

function fits(wanted: Scope, one: EntityUid, ancestors: ReadonlySet<string>): boolean {
  const isIn = ({ key }: EntityUid): boolean => key === one.key || ancestors.has(key);
  switch (wanted.op) {
    case 'any':
      return true;
    case '==':
      return wanted.uid.key === one.key;
    case 'in':
      return wanted.groups.some(isIn);
    case 'is':
      return wanted.type === one.type && (!wanted.group || isIn(wanted.group));
  }
}

test('the tree finds exactly the policies whose scope fits, in their order', () => {
  let found = 0;
  fc.assert(
    fc.property(policies, store, keyed, keyed, keyed, (all, entities, principal, action, resource) => {
      const above = (one: EntityUid) => entities.get(one.key)?.ancestors ?? new Set<string>();
      const expected = all.filter(
        (one) =>
          fits(one.principal, principal, above(principal)) &&
          fits(one.action, action, above(action)) &&
          fits(one.resource, resource, above(resource)),
      );
      const request = { principal, action, resource, context: cedarRecord(new Map()) };
      const { reasons } = compileSet(all).evaluate(request, entities);
      found += reasons.length > 1 ? 1 : 0;
      assert.deepEqual(
        reasons,
        expected.map(({ id }) => id),
      );
    }),
    { numRuns: 2000 },
  );
  assert.ok(found > 100, 'the worlds hold sets of which several policies fit');
});
