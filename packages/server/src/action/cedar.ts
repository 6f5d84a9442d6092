// The policy of this plane: the operator's Cedar files and the lines of writ.yaml, validated together against a schema made
// from the reviewed tools, frozen into core's Policy port. A set with one fault is refused whole. Every answer that is not a
// clean one is an error, and every error denies (design D6): Cedar alone would skip a `forbid` that fails.

import { type PolicySet, policyToJson, type SchemaJson, schemaToText, validate } from '@cedar-policy/cedar-wasm/nodejs';
import type { Asker, Policy, PolicyAnswer, PolicyRequest, Target, ToolTrust } from '@writ/core';
import { type AllowLine, type Compiled, compileAllow, riskReviewedIn } from './allow.ts';
import { compileCalls } from './calls.ts';
import { failed } from './cedar/answer.ts';
import { couldPermit, type Parsed } from './cedar/could-permit.ts';
import { createEvaluator, type EvaluatorParts } from './cedar/evaluator.ts';
import { type AuthoredPolicy, type CedarFile, policyProblem, readCedarFiles } from './cedar/files.ts';
import type { Directory } from './cedar/parties.ts';
import { readsOf } from './cedar/reads.ts';
import { principalEntity, questionOf, resourceEntity } from './cedar/request.ts';
import type { PolicySource } from './cedar/slots.ts';
import type { PolicyText } from './cedar/text.ts';
import type { Omission } from './cedar/types.ts';
import { operationsOf, type ReviewedRisk, type ServerInput, type ToolNotice } from './definitions.ts';
import { digestOf } from './digest.ts';
import { actionId, definitionOf, type Operation } from './operation.ts';
import type { Locate, Problem } from './problem.ts';
import { type ActionSchema, cedarSchema, holdsTypeOf, inputTypeOf, READS_ALL, type Reads } from './schema.ts';

export interface PolicyInput {
  readonly cedarFiles: readonly CedarFile[];
  readonly allow: readonly AllowLine[];
  readonly directory: Directory;
  /** Every configured server, also one that nobody reviewed yet. */
  readonly servers: readonly ServerInput[];
  readonly locate: Locate;
  /** Given: every request carries `context.trust`, and these rules over it are part of the set. */
  readonly trustRules?: readonly PolicyText[];
}

export interface LoadedPolicy {
  readonly policy: Policy;
  /** The whole compiled set, for `writ policy show`. */
  text(): string;
  /** What reviewed manifests say of each tool, by action. */
  trustOf(): ReadonlyMap<string, ToolTrust>;
  /** The schema as Cedar text, for editors and `writ policy schema`. */
  schemaText(): string;
  /** Arguments that policy cannot look at, by action. */
  readonly omitted: readonly (Omission & { readonly action: string })[];
  /** What deserves a look and refuses nothing. */
  readonly notices: readonly Problem[];
  readonly toolNotices: readonly ToolNotice[];
}

export type PolicyResult = LoadedPolicy | { readonly problems: readonly Problem[] };

/** `parts`: who watches the answers. */
export function loadPolicy(input: PolicyInput, parts: EvaluatorParts = {}): PolicyResult {
  const reviewedRisk: ReviewedRisk = (server, tool) => riskReviewedIn(input.allow, server, tool);
  const { operations, notices: toolNotices } = operationsOf(input.directory.agents.keys(), input.servers, reviewedRisk);
  // Policy is written for what was reviewed; the rest is refused before policy is asked.
  const known = operations.filter((operation) => operation.pinned);
  const servers = new Set(input.servers.map(({ key }) => key));
  const compiled = compileAllow(input.allow, known, input.directory, servers, input.locate);
  const authored = readCedarFiles(input.cedarFiles);
  const problems = [...compiled.problems, ...authored.problems];
  if (problems.length > 0) return { problems };

  const { trustRules = [] } = input;
  const hasTrust = input.trustRules !== undefined;
  const texts = [...compileCalls(input.directory), ...compiled.policies, ...trustRules, ...authored.policies];
  const omitted: (Omission & { action: string })[] = [];
  const full = cedarSchema(known, actionsOf(known, compiled, READS_ALL, hasTrust, omitted));
  const checked = check(texts, full, authored.policies);
  if (checked.problems.length > 0) return { problems: checked.problems };

  const parsed = texts.map(parse);
  const actions = actionsOf(known, compiled, readsOf(parsed.map(({ json }) => json)), hasTrust, []);
  const source: PolicySource = { schema: cedarSchema(known, actions), policies: setOf(texts) };
  return {
    policy: policyOf(operations, input.directory, compiled, actions, source, parsed, parts),
    text: () =>
      texts
        .map(({ text }) => text.trimEnd())
        .join('\n\n')
        .concat('\n'),
    trustOf: () => new Map(operations.map(({ action, trust }) => [action, trust])),
    schemaText: () => schemaTextOf(full),
    omitted,
    notices: [...compiled.notices, ...checked.notices],
    toolNotices,
  };
}

function policyOf(
  operations: readonly Operation[],
  directory: Directory,
  { held }: Compiled,
  actions: ReadonlyMap<string, ActionSchema>,
  source: PolicySource,
  parsed: readonly Parsed[],
  parts: EvaluatorParts,
): Policy {
  const byAction = new Map(operations.map((operation) => [operation.action, operation]));
  const find = (target: Target): Operation | undefined => {
    const operation = byAction.get(actionId(target) ?? '');
    return operation?.target.kind === target.kind ? operation : undefined;
  };
  const definitions = new Map(operations.map((operation) => [operation, definitionOf(operation)]));

  const version = versionOf(operations, directory, source);
  const evaluator = createEvaluator(source, parsed, version, parts);
  const evaluate = (request: PolicyRequest): PolicyAnswer => {
    const operation = find(request.target);
    const schema = operation && actions.get(operation.action);
    if (!operation?.reviewed || !schema) return failed(`\`${actionId(request.target)}\` is no reviewed operation`);
    try {
      const asked = questionOf(request, operation, schema, held.get(operation.action) ?? new Map(), directory);
      if ('says' in asked) return failed(asked.says);
      return evaluator.answer(asked.question, operation.action, request);
    } catch {
      // The message of a throw may repeat what was asked; what was asked may be secret.
      return failed(`the question about \`${operation.action}\` could not be put to Cedar`);
    }
  };

  return {
    version,
    definition: (target) => definitions.get(find(target)!),
    evaluate,
    couldPermit(asker: Asker, target: Target): boolean {
      const operation = find(target);
      const principal = principalEntity(asker, directory);
      if (!operation?.reviewed || !principal) return false;
      return couldPermit(parsed, operation, principal, resourceEntity(operation, directory));
    },
  };
}

function actionsOf(
  known: readonly Operation[],
  { held }: Compiled,
  reads: Reads,
  trust: boolean,
  omitted: (Omission & { action: string })[],
): ReadonlyMap<string, ActionSchema> {
  return new Map(
    known.map((operation) => {
      const { action } = operation;
      const input = inputTypeOf(operation, reads, (omission) => omitted.push({ action, ...omission }));
      return [action, { input, holds: holdsTypeOf(held.get(action)?.keys() ?? []), trust }];
    }),
  );
}

/** Strict validation: an optional argument read without `has`, a tool or argument that does not exist, a wrong type. */
function check(
  texts: readonly PolicyText[],
  schema: SchemaJson<string>,
  authored: readonly AuthoredPolicy[],
): { readonly problems: readonly Problem[]; readonly notices: readonly Problem[] } {
  const answer = validate({ schema, policies: setOf(texts), validationSettings: { mode: 'strict' } });
  if (answer.type === 'failure') throw new Error(`the schema made here is not one: ${answer.errors[0]?.message}`);
  const byId = new Map(authored.map((policy) => [policy.id, policy]));
  const inOrder = new Map(authored.map((policy, i) => [policy.id, i]));
  const located = (errors: typeof answer.validationErrors): readonly Problem[] =>
    onceEach(
      errors
        .filter(({ policyId }) => byId.has(policyId))
        // Cedar's own order differs from run to run.
        .sort((a, b) => (a.error.message < b.error.message ? -1 : 1))
        .sort((a, b) => inOrder.get(a.policyId)! - inOrder.get(b.policyId)!)
        .map(({ policyId, error }) => policyProblem(byId.get(policyId)!, error)),
    );
  const own = answer.validationErrors.find(({ policyId }) => !byId.has(policyId));
  if (own) throw new Error(`the compiled policy ${own.policyId} does not validate: ${own.error.message}`);
  return { problems: located(answer.validationErrors), notices: located(answer.validationWarnings) };
}

/** Cedar checks a policy for every action it may be about and repeats itself for each; a person mends it once. */
function onceEach(problems: readonly Problem[]): readonly Problem[] {
  const keyOf = ({ path, line, column, says }: Problem): string =>
    JSON.stringify([path, line, column, says.replace(/Writ::Action::"[^"]*"/g, '')]);
  return [...new Map(problems.toReversed().map((problem) => [keyOf(problem), problem])).values()].toReversed();
}

function setOf(texts: readonly PolicyText[]): PolicySet {
  return { staticPolicies: Object.fromEntries(texts.map(({ id, text }) => [id, text])) };
}

function parse({ id, text }: PolicyText): Parsed {
  const answer = policyToJson(text);
  if (answer.type === 'failure') throw new Error(`policy ${id} validated and does not parse`);
  return { id, text, json: answer.json };
}

function schemaTextOf(schema: SchemaJson<string>): string {
  const answer = schemaToText(schema);
  if (answer.type === 'failure') throw new Error(`the schema made here is not one: ${answer.errors[0]?.message}`);
  return answer.text;
}

/** Over everything that can change an answer. */
function versionOf(operations: readonly Operation[], directory: Directory, source: PolicySource): string {
  const { issuer, trustDomain, users } = directory;
  return digestOf({
    policies: source.policies.staticPolicies,
    schema: source.schema,
    definitions: operations.map(({ action, digest, reviewed, risk, manifest, baseRisk, riskWhen, trust }) => ({
      action,
      digest,
      reviewed,
      manifest,
      risk: [risk, baseRisk, riskWhen],
      trust,
    })),
    parties: [trustDomain, issuer, [...users].sort()],
  });
}
