import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cedarSchema } from '../schema.ts';
import { answerOf } from './answer.ts';
import { ask } from './slots.ts';

test('what cedar-wasm says of a failure is repeated as far as the policy’s own text goes', () => {
  const schema = cedarSchema([], new Map());
  schema.Writ!.actions.ping = {
    appliesTo: {
      principalTypes: ['Client'],
      resourceTypes: ['Server'],
      context: { type: 'Record', attributes: { head: { type: 'Long' } } },
    },
  };
  const text = 'forbid (principal, action, resource) when { context.head + 9223372036854775807 > 0 };';
  const answer = ask(
    { schema, policies: { staticPolicies: { sum: text } } },
    {
      principal: { type: 'Writ::Client', id: 'a' },
      action: { type: 'Writ::Action', id: 'ping' },
      resource: { type: 'Writ::Server', id: 's' },
      context: { head: 480_151_623 },
      entities: [],
    },
  );
  const answering = {
    action: 'ping',
    policies: [{ id: 'sum', text }],
    asking: new Set<string>(),
    permitted: () => false,
  };
  assert.deepEqual(answerOf(answer, answering).errors, [
    'policy `sum` failed: integer overflow while attempting to add the values `…` and `9223372036854775807`',
  ]);
});
