// A constraint means the same whether Cedar judges it or core does, and no text in it can become policy.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Constraint, constraintHolds, type JsonObject, type JsonValue, leavesAt } from '@writ/core';
import fc from 'fast-check';
import { agent, answer, line, load, onServer, reviewedServer, tool } from './testing.ts';

const place = tool(
  'place',
  {
    to: { type: 'string' },
    cc: { type: 'string' },
    count: { type: 'integer' },
    amount: { type: 'number' },
    urgent: { type: 'boolean' },
    tags: { type: 'array', items: { type: 'string' } },
    meta: { type: 'object', properties: { a: { type: 'integer' }, 'b c': { type: 'string' } } },
    free: {},
  },
  ['to'],
);
const servers = [reviewedServer('mail', [place])];

const word = fc.constantFrom('a', 'b', '', 'ops@example.org', '"quoted"', 'a\\b', 'line\nbreak', '\u0000', 'é', '};');
const count = fc.constantFrom(-1, 0, 1, 2, 7, 2 ** 53 - 1);
const amount = fc.constantFrom(0, 0.1, 1, 1.00001, 99.5);
const scalar = fc.oneof(word, count, fc.boolean(), fc.constant(null));

const args: fc.Arbitrary<JsonObject> = fc.record(
  {
    to: word,
    cc: word,
    count,
    amount,
    urgent: fc.boolean(),
    tags: fc.array(word, { maxLength: 3 }),
    meta: fc.record({ a: count, 'b c': word }, { requiredKeys: [], noNullPrototype: true }),
    free: scalar,
  },
  { requiredKeys: ['to'], noNullPrototype: true },
);

const bound = fc.constantFrom('-1', '0', '1', '2', '1.0', '0.5', '9007199254740991', '99999999999999999999');
const constraint: fc.Arbitrary<Constraint> = fc.oneof(
  fc.array(scalar, { maxLength: 3 }).map((oneOf) => ({ oneOf })),
  fc.array(word, { minLength: 1, maxLength: 3 }).map((oneOf) => ({ oneOf })),
  fc.array(count, { minLength: 1, maxLength: 3 }).map((oneOf) => ({ oneOf })),
  fc.constant({ any: true as const }),
  fc.record({ min: bound, max: bound }, { requiredKeys: [], noNullPrototype: true }).map((range) => ({ range })),
  fc.constant({ subpath: { root: '/a', separator: '/' as const } }),
  fc.constant({ matches: '[a-z]*' }),
);
const range = fc.record({ min: bound, max: bound }, { requiredKeys: [], noNullPrototype: true });
const oneOf = (values: fc.Arbitrary<JsonValue>) => fc.array(values, { minLength: 1, maxLength: 3 });

/** Constraints that could hold at their pointer, and any constraint at any pointer. */
const entry: fc.Arbitrary<readonly [string, Constraint]> = fc.oneof(
  fc.tuple(
    fc.constantFrom('/to', '/cc', '/tags', '/tags/0', '/meta/b c'),
    oneOf(word).map((values) => ({ oneOf: values })),
  ),
  fc.tuple(
    fc.constantFrom('/count', '/meta/a'),
    oneOf(count).map((values) => ({ oneOf: values })),
  ),
  fc.tuple(
    fc.constantFrom('/count', '/meta/a', '/amount'),
    range.map((values) => ({ range: values })),
  ),
  fc.tuple(fc.constantFrom('/cc', '/urgent', '/meta', '/free', '/none'), fc.constant({ any: true as const })),
  fc.tuple(fc.constantFrom('/to', '/count', '/amount', '/urgent', '/tags', '/meta', '/free'), constraint),
);

test('a where clause admits what core admits, and nothing else', () => {
  const seen = { admitted: 0, refused: 0, inCedar: 0, byCore: 0 };
  fc.assert(
    fc.property(
      fc.array(entry, { minLength: 1, maxLength: 2 }),
      fc.array(args, { minLength: 4, maxLength: 4 }),
      (entries, calls) => {
        const where = new Map(entries);
        const loaded = load([line('claude/orchestrator', 'mail/place', { where })], '', { servers });
        const own = loaded
          .text()
          .split('\n\n')
          .find((text) => text.includes('"allow.1.agent"'))!;
        seen[own.includes('context.holds') ? 'byCore' : 'inCedar']++;
        for (const call of calls) {
          const admitted = [...where].every(
            ([at, one]) => leavesAt(call, at)?.every((leaf) => constraintHolds(one, leaf)) ?? false,
          );
          seen[admitted ? 'admitted' : 'refused']++;
          const found = answer(loaded, {
            asker: agent('claude/orchestrator'),
            target: onServer('mail', 'place'),
            args: call,
          });
          assert.deepEqual([found.outcome, found.errors], [admitted ? 'permit' : 'none', []]);
        }
      },
    ),
    { numRuns: 120 },
  );
  assert.ok(Math.min(...Object.values(seen)) > 15, JSON.stringify(seen));
});

test('no name and no value can become policy', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((text) => text.isWellFormed()),
    fc.constantFrom(
      '"); permit (principal, action, resource); //',
      '\\"',
      '\\u{41}',
      '*/',
      '\u2028',
      '__entity',
      '__proto__',
    ),
  );
  fc.assert(
    fc.property(hostile, hostile, hostile, (name, argument, value) => {
      fc.pre(name !== 'resources' && !name.startsWith('prompts/') && !name.endsWith('*'));
      const properties: JsonObject = Object.fromEntries([[argument, { type: 'string' }]]);
      const named = [reviewedServer('mail', [tool(name, properties), tool('other', {})])];
      const pointer = `/${argument.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      const where = new Map<string, Constraint>([[pointer, { oneOf: [value] }]]);
      const loaded = load([line('claude/orchestrator', `mail/${name}`, { where })], '', { servers: named });
      const ask = (tool: string, given: string) =>
        answer(loaded, {
          asker: agent('claude/orchestrator'),
          target: onServer('mail', tool),
          args: Object.fromEntries([[argument, given]]),
        });
      assert.equal(ask(name, value).outcome, 'permit');
      assert.equal(ask(name, `${value}x`).outcome, 'none');
      if (name !== 'other') assert.equal(ask('other', value).outcome, 'none');
    }),
    { numRuns: 80 },
  );
});
