// Parsed policy sets inside cedar-wasm. It keeps whatever it was given under a name and never frees a name, so there is a
// fixed number of names here, and a set that lost its place is parsed again when it is next asked. Parses are kept, answers
// never.

import {
  type PolicySet,
  preparsePolicySet,
  preparseSchema,
  type SchemaJson,
  type StatefulAuthorizationCall,
  statefulIsAuthorized,
} from '@cedar-policy/cedar-wasm/nodejs';

export interface PolicySource {
  readonly schema: SchemaJson<string>;
  readonly policies: PolicySet;
}

export type Question = Omit<
  StatefulAuthorizationCall,
  'preparsedSchemaName' | 'preparsedPolicySetId' | 'validateRequest'
>;

/** One set judges; the others are for a reload being checked, a dry run and a comparison. */
export const slotsMax = 4;

/** Most recently asked last. */
const order: { readonly name: string; source: PolicySource | null }[] = Array.from({ length: slotsMax }, (_, i) => ({
  name: `writ-${i}`,
  source: null,
}));

/** Cedar's answer, or its failure, or a throw for a question it could not even read. */
export function ask(source: PolicySource, question: Question): ReturnType<typeof statefulIsAuthorized> {
  const name = place(source);
  return statefulIsAuthorized({
    ...question,
    preparsedSchemaName: name,
    preparsedPolicySetId: name,
    validateRequest: true,
  });
}

function place(source: PolicySource): string {
  const found = order.findIndex((slot) => slot.source === source);
  const [slot] = order.splice(Math.max(found, 0), 1);
  order.push(slot!);
  if (found >= 0) return slot!.name;
  // Nobody's until both halves are in: half a set must never answer for a whole one.
  slot!.source = null;
  for (const answer of [preparseSchema(slot!.name, source.schema), preparsePolicySet(slot!.name, source.policies)]) {
    if (answer.type === 'failure')
      throw new Error(`a validated policy set does not parse: ${answer.errors[0]?.message}`);
  }
  slot!.source = source;
  return slot!.name;
}
