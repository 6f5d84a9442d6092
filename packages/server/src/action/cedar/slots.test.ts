import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import { cedarSchema } from '../schema.ts';
import { ask, type PolicySource, type Question, slotsMax } from './slots.ts';

const schema = cedarSchema([], new Map());
schema.Writ!.actions.ping = { appliesTo: { principalTypes: ['Client'], resourceTypes: ['Server'] } };

const question: Question = {
  principal: { type: 'Writ::Client', id: 'a' },
  action: { type: 'Writ::Action', id: 'ping' },
  resource: { type: 'Writ::Server', id: 's' },
  context: {},
  entities: [],
};

const source = (id: string, text = 'permit (principal, action, resource);'): PolicySource => ({
  schema,
  policies: { staticPolicies: { [id]: text } },
});

function reasons(of: PolicySource): readonly string[] {
  const answer = ask(of, question);
  return answer.type === 'success' ? answer.response.diagnostics.reason : assert.fail(answer.errors[0]!.message);
}

test('many sets share few names, and each answers for itself', () => {
  const sources = Array.from({ length: 30 }, (_, i) => source(`p${i}`));
  for (const round of [0, 1]) {
    for (const [i, one] of sources.entries()) assert.deepEqual(reasons(one), [`p${i}`], `round ${round}`);
  }
  // cedar-wasm never frees a name: one that was not used cannot have been leaked.
  const known = (name: string): boolean =>
    statefulIsAuthorized({ ...question, preparsedPolicySetId: name, preparsedSchemaName: name }).type === 'success';
  const names = Array.from({ length: slotsMax + 4 }, (_, i) => `writ-${i}`);
  assert.deepEqual(
    names.map(known),
    names.map((_, i) => i < slotsMax),
  );
});

test('a set that does not parse answers nothing, and the place it would have taken answers for nobody else', () => {
  const good = source('good');
  assert.deepEqual(reasons(good), ['good']);
  const bad = () => ({ ...source('bad', 'permit (principal'), schema: cedarSchema([], new Map()) });
  for (let i = 0; i < slotsMax; i++) assert.throws(() => ask(bad(), question), /does not parse/);
  assert.deepEqual(reasons(good), ['good']);
});

test('a question that cannot be read is thrown, for the caller to turn into an error', () => {
  const { principal: _, ...rest } = question;
  assert.throws(() => ask(source('p'), rest as Question));
});
