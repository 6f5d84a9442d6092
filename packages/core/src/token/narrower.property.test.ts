import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../std/json.ts';
import { refusalOfLink } from './admits.ts';
import { type Budget, type Constraint, DETAIL_TYPE, type Detail, type Level, type Link } from './chain.ts';
import { constraintContained, constraintHolds } from './constraints.ts';
import { narrower } from './narrower.ts';
import { parseScope, scopeCovers } from './scope.ts';

const runs = { numRuns: 2000 };
const scope = fc.constantFrom(
  'files:*',
  'files:read.*',
  'files:read.text',
  'files:read.all',
  'files:write',
  'files:prompts/*',
  'files:prompts/a',
  'mail:send',
  'mail:*',
);
const path = fc.constantFrom(
  '/',
  '/docs',
  '/docs/a',
  '/docs/../etc',
  '/docs/a/../b',
  '/docsx',
  'docs',
  '/docs/\0a',
  '\\docs',
);
const leaf: fc.Arbitrary<JsonValue> = fc.oneof(
  path,
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom('1', '10.0.0.1', '10.1.0.1', 'https://a.example/x', 'https://a.example@b.example/', true, null, 1.5),
);
const decimal = fc.integer({ min: -4, max: 4 }).map(String);
const constraint: fc.Arbitrary<Constraint> = fc.oneof(
  fc.constant({ any: true as const }),
  fc.array(leaf, { maxLength: 3 }).map((oneOf) => ({ oneOf })),
  path.map((root) => ({ subpath: { root, separator: '/' as const } })),
  fc.subarray(['a.example', 'b.example']).map((urlHost) => ({ urlHost })),
  fc.subarray(['10.0.0.0/8', '10.0.0.0/16']).map((cidr) => ({ cidr })),
  fc.record({ min: decimal, max: decimal }, { requiredKeys: ['min'] }).map((range) => ({ range })),
  fc.constantFrom('[0-9]+', '/docs.*').map((matches) => ({ matches })),
);
const detail: fc.Arbitrary<Detail> = fc.record(
  {
    type: fc.constant(DETAIL_TYPE as typeof DETAIL_TYPE),
    actions: fc.subarray(['files:*', 'files:read.*', 'files:write', 'mail:send'], { minLength: 1 }),
    arguments: fc.dictionary(fc.constantFrom('', '/path', '/amount'), constraint),
  },
  { requiredKeys: ['type', 'actions'] },
);
const budget: fc.Arbitrary<readonly Budget[]> = fc.uniqueArray(
  fc.record({ unit: fc.constantFrom('calls', 'EUR'), max: fc.nat(9) }),
  { selector: (b) => b.unit },
);
const link: fc.Arbitrary<Link> = fc.record(
  {
    actor: fc.constant({ iss: 'spiffe://td', sub: 'spiffe://td/a/b' }),
    audience: fc.constant('https://x'),
    scopes: fc.uniqueArray(scope, { maxLength: 4 }),
    details: fc.array(detail, { maxLength: 3 }),
    budget,
    depth: fc.nat(3),
    untilSeconds: fc.integer({ min: 90, max: 110 }),
    ceiling: fc.integer({ min: 0, max: 4 }) as fc.Arbitrary<Level>,
    row: fc.constant('r'),
  },
  { requiredKeys: ['actor', 'audience', 'scopes', 'budget', 'depth', 'untilSeconds', 'ceiling', 'row'] },
) as fc.Arbitrary<Link>;
const args: fc.Arbitrary<JsonObject> = fc.dictionary(
  fc.constantFrom('path', 'amount', 'extra'),
  leaf,
) as fc.Arbitrary<JsonObject>;
const asked = fc.record({
  scopes: fc.tuple(fc.constantFrom('files:read.text', 'files:read.all', 'files:write', 'files:prompts/a', 'mail:send')),
  arguments: args,
  anyScopeOf: fc.constant(null),
});

/** A child made from the parent by taking away, so that narrow pairs are not rare. */
function shrunk(parent: Link, other: Link, keep: readonly boolean[]): Link {
  const { details: _own, ...rest } = parent;
  const details = keep[1] ? parent.details?.filter((_, i) => keep[i % keep.length]) : parent.details;
  return {
    ...rest,
    ...(details ? { details } : {}),
    scopes: keep[0] ? parent.scopes.filter((_, i) => keep[i % keep.length]) : other.scopes,
    depth: Math.max(0, parent.depth - 1),
    untilSeconds: Math.min(parent.untilSeconds, other.untilSeconds),
    ceiling: Math.min(parent.ceiling, other.ceiling) as Level,
  };
}
const pair = fc
  .tuple(link, link, fc.array(fc.boolean(), { minLength: 3, maxLength: 5 }), fc.boolean())
  .map(([parent, other, keep, made]) => ({ parent, child: made ? shrunk(parent, other, keep) : other }));

test('a child never holds more than its parent: what a narrower link admits, its parent admits', () => {
  let narrow = 0;
  fc.assert(
    fc.property(pair, asked, ({ parent, child }, ask) => {
      if (!narrower(child, parent)) return;
      narrow++;
      // Absent in the child means inherited: both are asked, so the child alone is compared only where it says something.
      const own =
        child.details === undefined && parent.details !== undefined ? { ...child, details: parent.details } : child;
      if (refusalOfLink(own, ask, 1, 89) === null) assert.equal(refusalOfLink(parent, ask, 0, 89), null);
    }),
    runs,
  );
  assert.ok(narrow > 200, `only ${narrow} narrow pairs were tried`);
});

test('narrowing is transitive', () => {
  fc.assert(
    fc.property(link, link, link, fc.array(fc.boolean(), { minLength: 3 }), (a, b, c, keep) => {
      const second = shrunk(a, b, keep);
      const third = shrunk(second, c, keep);
      if (narrower(second, a) && narrower(third, second)) {
        const inherited = {
          ...third,
          ...((third.details ?? second.details) ? { details: third.details ?? second.details! } : {}),
        };
        assert.ok(narrower(inherited, a, 1));
      }
    }),
    runs,
  );
});

test('every link is narrower than itself by a move, and never by a take while depth is left equal', () => {
  fc.assert(
    fc.property(link, (one) => {
      assert.equal(narrower(one, one, 0), true);
      assert.equal(narrower(one, one, 1), false);
    }),
    { numRuns: 500 },
  );
});

test('adding a scope, a day, a level or a hop to a link is never narrower', () => {
  fc.assert(
    fc.property(link, (one) => {
      const child = { ...one, depth: Math.max(0, one.depth - 1) };
      const parent = { ...one, depth: child.depth + 1 };
      assert.ok(narrower(child, parent));
      assert.ok(!narrower({ ...child, scopes: [...child.scopes, 'other:thing'] }, parent));
      assert.ok(!narrower({ ...child, untilSeconds: parent.untilSeconds + 1 }, parent));
      assert.ok(!narrower({ ...child, depth: parent.depth }, parent));
      if (parent.ceiling < 4) assert.ok(!narrower({ ...child, ceiling: (parent.ceiling + 1) as Level }, parent));
    }),
    { numRuns: 500 },
  );
});

test('a contained constraint admits nothing its container refuses', () => {
  let contained = 0;
  fc.assert(
    fc.property(constraint, constraint, leaf, (inner, outer, value) => {
      if (!constraintContained(inner, outer)) return;
      contained++;
      if (constraintHolds(inner, value))
        assert.ok(constraintHolds(outer, value), JSON.stringify({ inner, outer, value }));
    }),
    { numRuns: 20_000 },
  );
  assert.ok(contained > 500);
});

test('an unknown constraint holds of nothing', () => {
  for (const unknown of [{}, { colour: 'red' }, { any: false }, { any: true, oneOf: [1] }]) {
    assert.equal(constraintHolds(unknown as unknown as Constraint, 'x'), false);
  }
});

test('a covering scope covers what its cover covers', () => {
  fc.assert(
    fc.property(scope, scope, scope, (a, b, c) => {
      if (scopeCovers(a, b) && scopeCovers(b, c)) assert.ok(scopeCovers(a, c));
      assert.ok(scopeCovers(a, a));
    }),
    runs,
  );
});

test('a wildcard stands for a whole action or what follows a dot or slash, never alone and never in the name', () => {
  for (const good of ['files:*', 'files:read.*', 'files:prompts/*', 'db/agent:send', 'files:read_file'])
    assert.ok(parseScope(good), good);
  for (const bad of [
    '*',
    ':*',
    '*:*',
    'fi*:read',
    'files:re*',
    'files:*read',
    'files:',
    'files',
    'a/b/c:send',
    'files:a b',
    'files:**',
    'files:.*.*',
    'files:ä',
  ]) {
    assert.equal(parseScope(bad), null, bad);
  }
  assert.equal(scopeCovers('files:read.*', 'files:readme'), false);
  assert.equal(scopeCovers('files:*', 'files2:read'), false);
});

test('paths are compared after normalisation and at segment boundaries', () => {
  const under = (root: string, value: JsonValue) => constraintHolds({ subpath: { root, separator: '/' } }, value);
  assert.ok(under('/docs', '/docs/a'));
  assert.ok(under('/docs', '/x/../docs//./a'));
  for (const out of ['/docsx', '/docs/../etc/passwd', '/docs/..', 'docs/a', '/../docs', '/docs/\0/../../etc', 7])
    assert.ok(!under('/docs', out), String(out));
});

test('hosts are read by WHATWG rules, without userinfo, spaces or backslashes', () => {
  const to = (value: string) => constraintHolds({ urlHost: ['a.example'] }, value);
  assert.ok(to('https://a.example/x'));
  assert.ok(to('https://A.EXAMPLE/x'));
  for (const out of [
    'https://a.example@evil.example/',
    'https://evil.example/a.example',
    'https://a.example.evil.example',
    'javascript://a.example/%0a',
    'https:\\\\a.example',
    ' https://a.example',
    '//a.example',
  ])
    assert.ok(!to(out), out);
});

test('numbers are compared as exact decimals and strings are not numbers', () => {
  const within = (value: JsonValue) => constraintHolds({ range: { min: '0.1', max: '0.3' } }, value);
  assert.ok(within(0.3));
  assert.ok(!within(0.30000000000000004));
  assert.ok(!within('0.2'));
});
