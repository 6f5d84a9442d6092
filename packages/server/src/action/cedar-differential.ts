// The compiled evaluator against cedar-wasm on random worlds: the same decision, the same determining policies, the same
// failing policies for the same kind of reason, and the same inputs refused. One difference is one too many.
//
//   node --conditions=writ-source packages/server/src/action/cedar-differential.ts --worlds 100000 --seed 7

import { parseArgs } from 'node:util';
import {
  type PolicySet,
  policyToText,
  preparsePolicySet,
  type StatefulAuthorizationCall,
  statefulIsAuthorized,
} from '@cedar-policy/cedar-wasm/nodejs';
import { cedar } from '@writ/core';
import { exactPolicyJson } from './cedar/compiled-json.ts';
import { type Json, seeded } from './cedar/compiled-samples.ts';
import { type Request, type World, worldOf } from './cedar/compiled-worlds.ts';

export interface Difference {
  readonly seed: number;
  readonly request: string;
  readonly policies: readonly string[];
  readonly wasm: string;
  readonly compiled: string;
}

export interface Comparison {
  readonly worlds: number;
  readonly requests: number;
  readonly allowed: number;
  readonly forbidden: number;
  /** Requests with at least one failing policy. */
  readonly failing: number;
  /** Requests that both evaluators refused to read. */
  readonly refused: number;
  /** Policies that the compiler left to cedar-wasm. */
  readonly unsupported: number;
  readonly differences: readonly Difference[];
}

/** World `i` has the seed `seed + i`, so one difference can be looked at alone. */
export function compareWorlds(worlds: number, seed: number): Comparison {
  const differences: Difference[] = [];
  const counts = { requests: 0, allowed: 0, forbidden: 0, failing: 0, refused: 0, unsupported: 0 };
  for (let i = 0; i < worlds; i++) {
    const world = worldOf(seeded(seed + i));
    // Through text, as a plane's policies come, or straight as JSON, which is quicker.
    const isText = i % 4 === 0;
    const given = new Map([...world.policies].map(([id, json]) => [id, isText ? textOf(json) : raw(json)]));
    const policies: cedar.Compiled[] = [];
    for (const [id, json] of world.policies) {
      const compiled = cedar.compilePolicy(id, isText ? exactPolicyJson(String(given.get(id))) : json);
      if ('unsupported' in compiled) counts.unsupported++;
      else policies.push(compiled);
    }
    if (policies.length < given.size) continue;
    const set = cedar.compileSet(policies);
    preparsePolicySet(SET_NAME, { staticPolicies: Object.fromEntries(given) } as PolicySet);
    for (const request of world.requests) {
      const wasm = wasmAnswer(world, request);
      const compiled = compiledAnswer(set, world, request);
      counts.requests++;
      if (wasm.startsWith('allow')) counts.allowed++;
      if (/^deny p/.test(wasm)) counts.forbidden++;
      if (wasm.includes(':')) counts.failing++;
      if (wasm === REFUSED) counts.refused++;
      if (wasm !== compiled)
        differences.push({ seed: seed + i, request: printed(request), policies: policyTexts(world), wasm, compiled });
    }
  }
  return { worlds, ...counts, differences };
}

/** One name for all, since cedar-wasm never forgets a name. */
const SET_NAME = 'differential';
const REFUSED = 'refused';

function compiledAnswer(set: cedar.PolicySet, world: World, request: Request): string {
  const entities = cedar.entitiesFromJson(world.entities);
  const context = cedar.contextFromJson(request.context);
  const [principal, action, resource] = [request.principal, request.action, request.resource].map(cedar.uidFromJson);
  if ('kind' in entities || cedar.isFault(context)) return REFUSED;
  if (!principal || !action || !resource) return REFUSED;
  if (cedar.isFault(principal) || cedar.isFault(action) || cedar.isFault(resource)) return REFUSED;
  const { decision, reasons, errors } = set.evaluate({ principal, action, resource, context }, entities);
  return gist(
    decision,
    reasons,
    errors.map(({ id, fault }) => `${id}:${fault}`),
  );
}

function wasmAnswer(world: World, request: Request): string {
  const call = raw({ ...request, entities: world.entities, preparsedPolicySetId: SET_NAME });
  const answer = statefulIsAuthorized(call as StatefulAuthorizationCall);
  if (answer.type === 'failure') return REFUSED;
  const { decision, diagnostics } = answer.response;
  const errors = diagnostics.errors.map(({ policyId, error }) => `${policyId}:${faultOf(error.message)}`);
  return gist(decision, diagnostics.reason, errors);
}

function gist(decision: string, reasons: readonly string[], errors: readonly string[]): string {
  return [decision, [...reasons].sort().join(), [...errors].sort().join()].join(' ');
}

const FAULTS: readonly (readonly [RegExp, cedar.FaultKind])[] = [
  [/^type error/, 'type'],
  [/^integer overflow/, 'overflow'],
  [/^wrong number of arguments/, 'arity'],
  [/^error while evaluating/, 'extension'],
  [/does not have the attribute/, 'no_attribute'],
  [/does not have the tag/, 'no_tag'],
  [/^entity .* does not exist/s, 'no_entity'],
];

function faultOf(message: string): string {
  return FAULTS.find(([form]) => form.test(message))?.[1] ?? message;
}

function policyTexts({ policies }: World): readonly string[] {
  return [...policies.values()].map(textOf);
}

function textOf(json: Json): string {
  const answer = policyToText(raw(json) as Parameters<typeof policyToText>[0]);
  if (answer.type === 'failure') throw new Error(`a generated policy is none: ${answer.errors[0]?.message}`);
  return answer.text;
}

/** cedar-wasm is handed its input as JSON text; this is how a bigint gets into it with all its digits. */
function raw(json: unknown): unknown {
  if (typeof json === 'bigint') return rawJson(String(json));
  if (Array.isArray(json)) return json.map(raw);
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(Object.entries(json).map(([name, member]) => [name, raw(member)]));
}

const { rawJSON: rawJson } = JSON as typeof JSON & { rawJSON(text: string): unknown };

function printed(json: unknown): string {
  return JSON.stringify(raw(json));
}

function main(): void {
  const { values } = parseArgs({
    options: { worlds: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
  });
  const started = performance.now();
  const { differences, ...counts } = compareWorlds(Number(values.worlds), Number(values.seed));
  const seconds = (performance.now() - started) / 1000;
  console.log(JSON.stringify({ seed: Number(values.seed), ...counts, differences: differences.length, seconds }));
  for (const difference of differences.slice(0, 5)) console.log(JSON.stringify(difference, null, 2));
  process.exitCode = differences.length === 0 && counts.unsupported === 0 ? 0 : 1;
}

if (import.meta.main) main();
