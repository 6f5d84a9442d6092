// The compiled evaluator behind the question and the answer of slots.ts. A set with a policy or a schema that the compiler does
// not know, and a question that does not certainly fit the schema, go to cedar-wasm as before: what comes back is the same.

import type { AuthorizationError, DetailedError, PolicySet } from '@cedar-policy/cedar-wasm/nodejs';
import { cedar } from '@writ/core';
import { exactPolicyJson, exactTemplateJson } from './compiled-json.ts';
import { ask, type PolicySource, type Question } from './slots.ts';

export type Answer = ReturnType<typeof ask>;

export interface CompiledSource {
  ask(question: Question): Answer;
  /** The compiled answer alone; null for what is cedar-wasm's to judge. */
  judge(question: Question): Answer | null;
  /** Why every question of this set goes to cedar-wasm. Empty: none has to. */
  readonly unsupported: readonly string[];
}

export function compileSource(source: PolicySource): CompiledSource {
  const schema = cedar.schemaFromJson(source.schema);
  const compiled = compilePolicies(source.policies);
  const unsupported = compiled.flatMap((one) => ('unsupported' in one ? [`\`${one.id}\`: ${one.unsupported}`] : []));
  if ('unsupported' in schema) unsupported.push(`the schema: ${schema.unsupported}`);
  if ('unsupported' in schema || unsupported.length > 0)
    return { unsupported, ask: (question) => ask(source, question), judge: () => null };
  const set = cedar.compileSet(compiled.flatMap((one) => ('unsupported' in one ? [] : [one])));
  const judge = (question: Question): Answer | null => answer(set, schema, question);
  return { unsupported, ask: (question) => judge(question) ?? ask(source, question), judge };
}

type Named = cedar.Compiled | (cedar.Unsupported & { readonly id: string });

/** Every policy of the set under the id it answers with. */
export function compilePolicies({ staticPolicies = {}, templates = {}, templateLinks = [] }: PolicySet): Named[] {
  if (typeof staticPolicies === 'string' || Array.isArray(staticPolicies))
    return [{ id: '*', unsupported: 'policies without ids of their own' }];
  const policies = Object.entries(staticPolicies).map(([id, policy]) =>
    named(id, typeof policy === 'string' ? exactPolicyJson(policy) : policy),
  );
  const links = templateLinks.map(({ templateId, newId, values }) => {
    const template = templates[templateId];
    const slots = new Map<string, cedar.EntityUid>();
    for (const [slot, value] of Object.entries(values)) {
      const uid = cedar.uidFromJson(value);
      if (!cedar.isFault(uid)) slots.set(slot, uid);
    }
    return named(newId, typeof template === 'string' ? exactTemplateJson(template) : template, slots);
  });
  return [...policies, ...links];
}

function named(id: string, json: unknown, slots?: ReadonlyMap<string, cedar.EntityUid>): Named {
  const compiled = cedar.compilePolicy(id, json, slots);
  return 'unsupported' in compiled ? { id, ...compiled } : compiled;
}

/** Null for a question that is cedar-wasm's to judge. */
function answer(set: cedar.PolicySet, schema: cedar.CedarSchema, question: Question): Answer | null {
  const request = schema.request({ ...question });
  if ('kind' in request) return null;
  const entities = schema.entities(question.entities);
  if ('kind' in entities) return null;
  const { decision, reasons, errors } = set.evaluate(request, {
    get: (key) => schema.actions.get(key) ?? entities.get(key),
  });
  const diagnostics = { reason: [...reasons], errors: errors.map(errorOf) };
  return { type: 'success', response: { decision, diagnostics }, warnings: [] };
}

function errorOf({ id, says }: cedar.PolicyFailure): AuthorizationError {
  const error: DetailedError = { message: says, help: null, code: null, url: null, severity: null };
  return { policyId: id, error };
}

/** The same decision for the same reasons with the same policies failing. */
export function sameAnswer(a: Answer, b: Answer): boolean {
  return gistOf(a) === gistOf(b);
}

/** Null: the question could not be put. */
export function gistOf(one: Answer | null): string {
  if (one === null || one.type === 'failure') return 'failure';
  const { decision, diagnostics } = one.response;
  const failing = diagnostics.errors.map(({ policyId }) => policyId);
  return JSON.stringify([decision, [...diagnostics.reason].sort(), failing.sort()]);
}
