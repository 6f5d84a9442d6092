import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../std/json.ts';
import { refusalOfLink } from '../../token/admits.ts';
import { type Constraint, DETAIL_TYPE, type Detail, type Link } from '../../token/chain.ts';
import { anyScopeCovers } from '../../token/scope.ts';
import type { ArgumentRule } from './manifest.ts';
import { noPrompt, withTurn } from './prompt.ts';
import { authorityFromPrompt, plannedAuthority, type ScopedTool, type TaskAuthority } from './task-scope.ts';

const accounts = ['GB29NWBK60161331926819', 'US133000000121212121212'];
const value = fc.constantFrom(
  ...accounts,
  'ann@corp.example',
  'eve@evil.example',
  '/docs',
  '/docs/a',
  'www.a.example',
  '',
);
const words = fc.constantFrom(
  'pay',
  'send',
  'read',
  'the',
  'рay',
  '\n>',
  '\n```\n',
  ...accounts,
  'ann@corp.example',
  '/docs',
  'www.a.example',
);
const text = fc.array(words, { maxLength: 8 }).map((parts) => parts.join(' '));
const rule: fc.Arbitrary<ArgumentRule> = fc.record({
  role: fc.constantFrom('target' as const, 'value' as const, 'payload' as const),
  type: fc.constantFrom('iban' as const, 'email' as const, 'url' as const, 'id' as const, 'text' as const),
});
const argument = fc.constantFrom('to', 'path', 'note');
const tool: fc.Arbitrary<ScopedTool> = fc.record({
  name: fc.constantFrom('a', 'b', 'part.c', 'part.d', 'prompts/p'),
  risk: fc.integer({ min: 0, max: 5 }),
  intent: fc.option(fc.subarray(['pay', 'send', 'read']), { nil: undefined }),
  args: fc.dictionary(
    argument.map((name) => `/${name}`),
    rule,
  ),
  takes: fc.option(
    fc.uniqueArray(fc.record({ name: argument, required: fc.boolean() }), { selector: ({ name }) => name }),
    { nil: null },
  ),
});
const tools = fc.uniqueArray(tool, { selector: ({ name }) => name, maxLength: 5 });
const servers = fc.tuple(tools, tools).map(
  ([x, y]) =>
    new Map([
      ['x', x],
      ['y', y],
    ]),
);
const scope = fc.constantFrom(
  'x:*',
  'x:a',
  'x:b',
  'x:part.*',
  'x:part.c',
  'x:prompts/*',
  'y:a',
  'y:*',
  'db/agent:send',
);
const scopes = fc.uniqueArray(scope, { maxLength: 5 });
const world = fc.record({ held: scopes, asked: fc.option(scopes, { nil: null }), text, servers });
const args: fc.Arbitrary<JsonObject> = fc.dictionary(argument, value) as fc.Arbitrary<JsonObject>;
const call = fc.record({
  scope: fc.constantFrom('x:a', 'x:b', 'x:part.c', 'x:part.d', 'x:prompts/p', 'y:a', 'y:b', 'db/agent:send'),
  args,
});
const limit: fc.Arbitrary<Constraint> = fc.oneof(
  fc.constant({ any: true as const }),
  fc.array(value, { maxLength: 3 }).map((oneOf) => ({ oneOf })),
);
const detail: fc.Arbitrary<Detail> = fc.record(
  {
    type: fc.constant(DETAIL_TYPE as typeof DETAIL_TYPE),
    actions: fc.array(scope, { minLength: 1, maxLength: 2 }),
    arguments: fc.dictionary(fc.constantFrom('', '/to', '/path', '/note'), limit),
  },
  { requiredKeys: ['type', 'actions'] },
);
const planned = fc.record({ scopes, details: fc.array(detail, { maxLength: 2 }) }, { requiredKeys: [] });

function derived({
  held,
  asked,
  text: said,
  servers: known,
}: {
  held: readonly string[];
  asked: readonly string[] | null;
  text: string;
  servers: Map<string, readonly ScopedTool[]>;
}) {
  const { prompt } = withTurn(noPrompt, { origin: 'direct', opensTask: true, text: said }, 3);
  return authorityFromPrompt({
    held,
    asked,
    prompt,
    servers: known,
    rootAddresses: ['howard@corp.example'],
    bindArguments: true,
  });
}

const link = (authority: TaskAuthority): Link => ({
  ...authority,
  actor: { iss: 'i', sub: 's' },
  ...{ audience: 'https://x', budget: [], depth: 0, untilSeconds: 1, ceiling: 4, row: 'r' },
});
const admitted = (authority: TaskAuthority, { scope: needed, args: given }: { scope: string; args: JsonObject }) =>
  refusalOfLink(link(authority), { scopes: [needed], anyScopeOf: null, arguments: given }, 0, 0) === null;

describe('for any agent, prompt and manifest', () => {
  test('what is derived lies within what was asked, else within what the agent holds', () => {
    fc.assert(
      fc.property(world, (one) => {
        const within = one.asked ?? one.held;
        const outside = derived(one).scopes.filter((each) => !anyScopeCovers(within, each));
        assert.deepEqual(outside, []);
      }),
      { numRuns: 2000 },
    );
  });

  test('a call that the derived task admits, the agent’s own scopes admit', () => {
    fc.assert(
      fc.property(world, call, (one, asked) => {
        if (admitted(derived(one), asked)) assert.ok(admitted({ scopes: one.asked ?? one.held }, asked));
      }),
      { numRuns: 2000 },
    );
  });

  test('what no value of the prompt binds is admitted as before', () => {
    fc.assert(
      fc.property(world, call, (one, asked) => {
        const task = derived({ ...one, asked: one.held });
        const wildRisky = (one.servers.get(asked.scope.split(':')[0]!) ?? []).some(
          ({ name, risk }) => risk === 5 && asked.scope.endsWith(`:${name}`),
        );
        const isKnown = (one.servers.get(asked.scope.split(':')[0]!) ?? []).some(({ name }) =>
          asked.scope.endsWith(`:${name}`),
        );
        const speaksOf = task.details?.some(
          (each) => each.arguments !== undefined && each.actions.includes(asked.scope),
        );
        if (!isKnown || wildRisky || speaksOf) return;
        assert.equal(admitted(task, asked), admitted({ scopes: one.held }, asked));
      }),
      { numRuns: 2000 },
    );
  });

  test('a plan that passes admits nothing that the derived task does not', () => {
    fc.assert(
      fc.property(world, planned, call, (one, plan, asked) => {
        const task = derived(one);
        const verdict = plannedAuthority(plan, task);
        if (verdict.outcome === 'pass' && admitted(verdict.facts, asked)) assert.ok(admitted(task, asked));
      }),
      { numRuns: 3000 },
    );
  });

  test('the task itself is a plan', () => {
    fc.assert(
      fc.property(world, (one) => {
        const task = derived(one);
        assert.deepEqual(plannedAuthority(task, task), { outcome: 'pass', facts: task });
      }),
    );
  });
});
