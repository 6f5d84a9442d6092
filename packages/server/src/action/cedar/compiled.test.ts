import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SchemaJson } from '@cedar-policy/cedar-wasm/nodejs';
import { compileSource, sameAnswer } from './compiled.ts';
import { exactPolicyJson, exactTemplateJson } from './compiled-json.ts';
import { type Random, seeded } from './compiled-samples.ts';
import { ask, type PolicySource, type Question } from './slots.ts';

const schema: SchemaJson<string> = {
  Shop: {
    entityTypes: {
      Team: {},
      User: { memberOfTypes: ['Team'], shape: { type: 'Record', attributes: { age: { type: 'Long' } } } },
      Item: { tags: { type: 'String' } },
    },
    actions: {
      any: {},
      buy: {
        memberOf: [{ id: 'any' }],
        appliesTo: {
          principalTypes: ['User'],
          resourceTypes: ['Item'],
          context: {
            type: 'Record',
            attributes: {
              n: { type: 'Long' },
              price: { type: 'Extension', name: 'decimal', required: false },
              by: { type: 'Entity', name: 'User', required: false },
              words: { type: 'Set', element: { type: 'String' }, required: false },
            },
          },
        },
      },
    },
  },
};

const policies: Record<string, string> = {
  group: 'permit (principal in Shop::Team::"t", action in Shop::Action::"any", resource) when { context.n < 3 };',
  price:
    'permit (principal, action == Shop::Action::"buy", resource is Shop::Item) when { context.price.lessThan(decimal("2.0")) };',
  self: 'permit (principal, action, resource) when { context has by && context.by == principal };',
  word: 'forbid (principal, action, resource) when { context has words && context.words.contains("no") };',
  age: 'forbid (principal, action, resource) unless { principal.age >= 18 };',
  tag: 'permit (principal, action, resource == Shop::Item::"i") when { resource.getTag("sale") like "y*" };',
  long: 'forbid (principal, action, resource) when { context.n == 9007199254740993 - 9007199254740991 };',
};

const source: PolicySource = { schema, policies: { staticPolicies: policies } };

/** Mostly a question that fits the schema; in one member in ten or so, not. */
function questionOf(random: Random): Question {
  const odd = <T>(right: T, ...wrong: readonly T[]): T => (random.chance(0.03) ? random.pick(wrong) : right);
  const user = { type: 'Shop::User', id: random.pick(['ann', 'bob']) };
  const item = { type: odd('Shop::Item', 'Shop::User', 'Item'), id: random.pick(['i', 'j']) };
  const maybe = (share: number, member: object): object => (random.chance(share) ? member : {});
  return {
    principal: odd(user, { type: 'Shop::Team', id: 't' }),
    action: { type: 'Shop::Action', id: odd('buy', 'any', 'sell') },
    resource: item,
    context: {
      ...maybe(0.98, { n: odd<unknown>(random.below(5), '1', 1.5, null) }),
      ...maybe(0.5, {
        price: odd<unknown>({ __extn: { fn: 'decimal', arg: '1.50' } }, 1, { __extn: { fn: 'ip', arg: '::1' } }),
      }),
      ...maybe(0.5, { by: odd<unknown>({ __entity: { type: 'Shop::User', id: 'ann' } }, { __entity: item }) }),
      ...maybe(0.5, { words: odd<unknown>([random.pick(['yes', 'no'])], ['yes', 1], 'no') }),
      ...maybe(0.02, { more: true }),
    } as Question['context'],
    entities: [
      ...(random.chance(0.8)
        ? [
            {
              uid: user,
              attrs: { age: odd<unknown>(random.pick([17, 18]), true) },
              parents: [odd({ type: 'Shop::Team', id: 't' }, item)],
            },
          ]
        : []),
      ...(random.chance(0.8)
        ? [
            {
              uid: { type: 'Shop::Item', id: 'i' },
              attrs: odd({}, { a: 1 }),
              parents: [],
              tags: { sale: odd<unknown>('yes', 1) },
            },
          ]
        : []),
      ...(random.chance(0.02) ? [{ uid: { type: 'Shop::Action', id: 'buy' }, attrs: {}, parents: [] }] : []),
    ] as Question['entities'],
  };
}

test('the compiled answer is the answer of cedar-wasm, and a question that fits is never handed over', () => {
  const compiled = compileSource(source);
  assert.deepEqual(compiled.unsupported, []);
  const seen = { allow: 0, deny: 0, failure: 0, failing: 0 };
  const random = seeded(11);
  for (let i = 0; i < 1500; i++) {
    const question = questionOf(random);
    const expected = ask(source, question);
    const judged = compiled.judge(question);
    const told = JSON.stringify({ question, expected, judged });
    assert.ok(sameAnswer(compiled.ask(question), expected), told);
    if (expected.type === 'failure') {
      assert.equal(judged, null, told);
      seen.failure++;
    } else {
      assert.ok(judged && sameAnswer(judged, expected), told);
      seen[expected.response.decision]++;
      if (expected.response.diagnostics.errors.length > 0) seen.failing++;
    }
  }
  for (const count of Object.values(seen)) assert.ok(count > 100, JSON.stringify(seen));
});

const question = { ...questionOf(seeded(1)), context: { n: 1 } };

test('one policy that is not known here sends every question of its set to cedar-wasm', () => {
  const odd = { ...policies, odd: 'permit (principal, action, resource) when { unknown("x") };' };
  const compiled = compileSource({ schema, policies: { staticPolicies: odd } });
  assert.deepEqual(compiled.unsupported, ['`odd`: `unknown`']);
  assert.equal(compiled.judge(question), null);
  const open = { Shop: { ...schema.Shop!, actions: { ...schema.Shop!.actions, x: { attributes: {} } } } };
  assert.deepEqual(compileSource({ ...source, schema: open }).unsupported, ['the schema: attributes of an action']);
  const unnamed = compileSource({ schema, policies: { staticPolicies: Object.values(policies).join('\n') } });
  assert.equal(unnamed.unsupported.length, 1);
  assert.equal(unnamed.judge(question), null);
});

test('a linked template answers by the id of its link', () => {
  const linked: PolicySource = {
    schema,
    policies: {
      templates: {
        mine: 'permit (principal == ?principal, action, resource in ?resource) when { context.n >= -9007199254740993 };',
      },
      templateLinks: ['ann', 'bob'].map((id) => ({
        templateId: 'mine',
        newId: `mine.${id}`,
        values: { '?principal': { type: 'Shop::User', id }, '?resource': { type: 'Shop::Item', id: 'i' } },
      })),
    },
  };
  const asked = {
    ...question,
    principal: { type: 'Shop::User', id: 'bob' },
    resource: { type: 'Shop::Item', id: 'i' },
    entities: [],
  };
  const judged = compileSource(linked).judge(asked);
  assert.ok(judged?.type === 'success' && sameAnswer(judged, ask(linked, asked)));
  assert.deepEqual(judged.response.diagnostics.reason, ['mine.bob']);
});

test('the message about a failing policy holds nothing of the request', () => {
  const text = 'permit (principal, action, resource) when { context.secret.word == 1 && resource.tagged };';
  const loose: SchemaJson<string> = structuredClone(schema);
  loose.Shop!.actions.buy!.appliesTo!.context = {
    type: 'Record',
    attributes: { secret: { type: 'Record', attributes: { hunter2: { type: 'String' } } } },
  };
  const compiled = compileSource({ schema: loose, policies: { staticPolicies: { p: text } } });
  const judged = compiled.judge({
    ...question,
    principal: { type: 'Shop::User', id: 'hunter2' },
    action: { type: 'Shop::Action', id: 'buy' },
    resource: { type: 'Shop::Item', id: 'hunter2' },
    context: { secret: { hunter2: 'hunter2' } },
    entities: [],
  });
  assert.ok(judged?.type === 'success');
  const [error] = judged.response.diagnostics.errors;
  assert.equal(error?.error.message, 'the attribute `word` does not exist');
});

test('longs past 2^53 come through the JSON of a policy with every digit', () => {
  const text = (condition: string) => `permit (principal, action, resource) when { ${condition} };`;
  const body = (condition: string) =>
    (exactPolicyJson(text(condition)) as { conditions: { body: unknown }[] } | null)?.conditions[0]?.body;
  assert.deepEqual(body('9007199254740993'), { Value: 9007199254740993n });
  assert.deepEqual(body('-9223372036854775808'), { Value: -(2n ** 63n) });
  assert.deepEqual(body('--9223372036854775808'), { neg: { arg: { Value: -(2n ** 63n) } } });
  assert.deepEqual(body('-9007199254740993'), { neg: { arg: { Value: 9007199254740993n } } });
  assert.deepEqual(body('1'), { Value: 1 });
  const quoted =
    '"9007199254740993\\"" == "long:1" // "9007199254740993\n && 9007199254740993 == A9007199254740993::"9007199254740993"';
  assert.deepEqual(body(quoted), {
    '&&': {
      left: { '==': { left: { Value: '9007199254740993"' }, right: { Value: 'long:1' } } },
      right: {
        '==': {
          left: { Value: 9007199254740993n },
          right: { Value: { __entity: { type: 'A9007199254740993', id: '9007199254740993' } } },
        },
      },
    },
  });
  assert.equal(exactPolicyJson(text('9223372036854775808')), null);
  assert.equal(exactPolicyJson('permit (principal == ?principal, action, resource);'), null);
  assert.ok(exactTemplateJson('permit (principal == ?principal, action, resource);'));
});
