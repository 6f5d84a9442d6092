// The rules of a replay as Cedar: the shipped trust rules and a folder of the operator's, loaded and asked as the plane does it, in
// place of the plain form (contract §9). Everything else is permitted here, since a replay has no allow list: what counts is
// who forbids and who asks.

import {
  type Asker,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type PolicyAnswer,
  type PolicyRequest,
  type Question,
  type TrustPlaces,
  type TrustVerdict,
} from '@writ/core';
import type { AllowLine } from '../allow.ts';
import type { CedarFile } from '../cedar/files.ts';
import { spiffeIdOf } from '../cedar/request.ts';
import { TRUST_RULES } from '../cedar/trust-rules.ts';
import { type LoadedPolicy, loadPolicy } from '../cedar.ts';
import type { ServerInput } from '../definitions.ts';
import { digestOf } from '../digest.ts';
import { type Pin, readListing } from '../pins.ts';
import type { Problem } from '../problem.ts';
import type { RuleForm, StepAsked } from './gate.ts';
import type { Manifests } from './manifests.ts';

export interface PolicyFormInput {
  readonly cedarFiles: readonly CedarFile[];
  /** Definitions by suite, as the file of tools has them. */
  readonly tools: JsonValue;
  readonly manifests: Manifests;
  /** Everybody on whose behalf a case runs. */
  readonly principals: Iterable<string>;
}

export type PolicyFormResult =
  | { readonly form: RuleForm; readonly notices: readonly string[] }
  | { readonly problems: readonly Problem[] };

/** Trust domain and issuer: a replay has neither. */
const HERE = 'replay';
/** The one that reads, and after a hop the one that acts. */
const AGENTS = ['agent/1', 'agent/2'] as const;

export function loadPolicyForm(input: PolicyFormInput): PolicyFormResult {
  const servers = serversOf(input);
  const allow = servers.flatMap(({ key, pins }) =>
    pins.flatMap(({ name }) => AGENTS.map((agent) => permitted(agent, key, name))),
  );
  const loaded = loadPolicy({
    cedarFiles: input.cedarFiles,
    allow,
    directory: {
      trustDomain: HERE,
      issuer: HERE,
      agents: new Map(AGENTS.map((path) => [path, servers.map(({ key }) => key)])),
      clients: new Map(),
      users: new Set(input.principals),
    },
    servers,
    locate: () => ({ file: HERE, line: 1, column: 1 }),
    trustRules: TRUST_RULES,
  });
  if ('problems' in loaded) return loaded;
  const notices = loaded.toolNotices.map(({ server, name, says }) => `\`${server}/${name}\`: ${says}`);
  return { form: { digest: digestOf(loaded.text()), judge: (asked) => judge(loaded, asked) }, notices };
}

/** Pins are given as reviewed. */
function serversOf({ tools, manifests }: PolicyFormInput): readonly ServerInput[] {
  return Object.entries(isJsonObject(tools) ? tools : {}).map(([key, defined]) => {
    const listing = {
      instructions: null,
      tools: (Array.isArray(defined) ? defined : []).filter(isJsonObject).map(definitionOf),
      prompts: [],
      resourceTemplates: [],
      resources: false,
    };
    const pins = readListing(listing).listed.map((listed): Pin => ({ ...listed, by: HERE, atSeconds: 0 }));
    const manifest = Object.hasOwn(manifests.servers, key) ? manifests.servers[key]! : null;
    return { key, pins, listing, manifest, trustAnnotations: false };
  });
}

function definitionOf({ name, description, parameters, required }: JsonObject): JsonObject {
  const properties = parameters ?? {};
  return {
    name: name!,
    description: description ?? '',
    inputSchema: { type: 'object', properties, required: required ?? [] },
  };
}

function permitted(agent: string, server: string, tool: string): AllowLine {
  return { agent, server, tool, where: new Map(), users: null, risk: null };
}

/** Whoever acts and whoever it is done for need a permit; an agent before them is asked for its forbids (rules §3.13). */
function judge({ policy }: LoadedPolicy, { seen, one, step, agent }: StepAsked): TrustVerdict {
  const via = AGENTS.slice(0, agent).map((path) => spiffeIdOf(HERE, path));
  const root = { iss: HERE, sub: one.principalName };
  const request: Omit<PolicyRequest, 'asker'> = {
    target: { kind: 'server', server: one.suite, name: step.tool },
    operation: 'tools/call',
    arguments: step.arguments,
    context: {
      ...{ actor: via.at(-1)!, root, via, depth: via.length, task: one.id },
      ...{ scopes: [`${one.suite}:${step.tool}`], protocol: 'mcp', nowSeconds: 0, trust: seen.facts },
    },
  };
  const answers = [
    ...via.map((spiffeId, i): readonly [Asker, boolean] => [{ kind: 'agent', spiffeId }, i < via.length - 1]),
    [{ kind: 'user', principal: root }, false] as const,
  ].map(([asker, forbidsOnly]) => told(policy.evaluate({ asker, forbidsOnly, ...request }), asker, seen.places));
  return {
    denials: distinct(answers.flatMap(({ denials }) => denials)),
    questions: distinct(answers.flatMap(({ questions }) => questions)),
  };
}

function told({ outcome, determining, errors }: PolicyAnswer, asker: Asker, places: TrustPlaces): TrustVerdict {
  const no = asker.kind === 'user' ? 'action.user_not_permitted' : 'action.policy_forbids';
  if (outcome === 'permit') return { denials: [], questions: [] };
  if (outcome === 'approval') return { denials: [], questions: named(determining, 'action.approval_required', places) };
  if (errors.length > 0 || outcome !== 'forbid') {
    const code = errors.length > 0 ? 'action.policy_error' : no;
    return { denials: [{ rule: determining[0] ?? 'no policy permits it', code, argument: null }], questions: [] };
  }
  const refusing = determining.filter((id) => !TRUST_RULES.some((rule) => rule.id === id && rule.asks));
  return { denials: named(refusing, no, places), questions: [] };
}

/** Shipped rules in their order and under their names, then the operator's. */
function named(ids: readonly string[], code: Question['code'], places: TrustPlaces): readonly Question[] {
  const shipped = TRUST_RULES.filter(({ id }) => ids.includes(id));
  const own = ids.filter((id) => !shipped.some((rule) => rule.id === id));
  return [
    ...shipped.map((rule) => ({
      rule: rule.rule,
      code: rule.code,
      argument: rule.place === null ? null : places[rule.place],
    })),
    ...own.map((rule) => ({ rule, code, argument: null })),
  ];
}

/** Each rule once, as it was first told. */
function distinct(questions: readonly Question[]): readonly Question[] {
  return questions.filter(({ rule }, i) => questions.findIndex((one) => one.rule === rule) === i);
}
