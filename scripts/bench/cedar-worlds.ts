// Policies and questions for the rows about policy, in every engine's own form: a plane's schema and Cedar text, data for Rego, one
// expression a policy for CEL. What each policy says is the same everywhere.

import type { SchemaJson } from '@cedar-policy/cedar-wasm/nodejs';
import { type Random, seeded } from '../../packages/server/src/action/cedar/compiled-samples.ts';
import type { PolicySource, Question } from '../../packages/server/src/action/cedar/slots.ts';

export const SCHEMA: SchemaJson<string> = {
  Writ: {
    entityTypes: {
      Class: {},
      Agent: { memberOfTypes: ['Class'], shape: { type: 'Record', attributes: { path: { type: 'String' } } } },
      Server: {},
      Tool: { memberOfTypes: ['Server'], shape: { type: 'Record', attributes: { risk: { type: 'Long' } } } },
    },
    actions: {
      'tool.call': {},
      call: {
        memberOf: [{ id: 'tool.call' }],
        appliesTo: {
          principalTypes: ['Agent'],
          resourceTypes: ['Tool'],
          context: {
            type: 'Record',
            attributes: {
              actor: { type: 'String' },
              via: { type: 'Set', element: { type: 'String' } },
              depth: { type: 'Long' },
              scopes: { type: 'Set', element: { type: 'String' } },
              now: { type: 'Extension', name: 'datetime' },
              amount: { type: 'Extension', name: 'decimal' },
            },
          },
        },
      },
    },
  },
};

/** One permit: for a whole class of agents on a whole server, or for one agent and one tool. */
type Permit =
  | { readonly id: string; readonly class: string; readonly server: string; readonly scope: string }
  | {
      readonly id: string;
      readonly agent: string;
      readonly tool: string;
      readonly limit: number;
      readonly without: string;
    };

/** Two forbids, and permits up to `policies`. */
function permitsOf(policies: number, agents: number): readonly Permit[] {
  return Array.from({ length: policies - 2 }, (_, at): Permit => {
    const i = at + 2;
    const server = `s${i % 50}`;
    if (i % 5 === 0) return { id: `p${i}`, class: `c${i % 10}`, server, scope: `${server}:read` };
    return { id: `p${i}`, agent: `a${i % agents}`, tool: `${server}/t${i % 20}`, limit: i, without: `a${i + 1}` };
  });
}

export function cedarOf(policies: number, agents: number): PolicySource {
  const texts: Record<string, string> = {
    'guard.depth': 'forbid (principal, action, resource) when { context.depth > 4 };',
    'guard.hours':
      'forbid (principal, action, resource) when { context.now.toTime() < duration("1h") && resource.risk >= 4 };',
  };
  for (const one of permitsOf(policies, agents)) {
    texts[one.id] =
      'class' in one
        ? `permit (principal in Writ::Class::"${one.class}", action in Writ::Action::"tool.call", resource in Writ::Server::"${one.server}") when { context.scopes.contains("${one.scope}") };`
        : `permit (principal == Writ::Agent::"${one.agent}", action in Writ::Action::"tool.call", resource == Writ::Tool::"${one.tool}") when { context.amount.lessThanOrEqual(decimal("${one.limit}.00")) && !context.via.contains("${one.without}") };`;
  }
  return { schema: SCHEMA, policies: { staticPolicies: texts } };
}

type Index = { [outer: string]: { [inner: string]: Permit[] } };

/** `data` of permits.rego. */
export function regoDataOf(policies: number, agents: number): object {
  const byAgent: Index = {};
  const byClass: Index = {};
  const into = (index: Index, outer: string, inner: string, one: Permit): void => {
    index[outer] ??= {};
    index[outer][inner] ??= [];
    index[outer][inner].push(one);
  };
  for (const one of permitsOf(policies, agents)) {
    if ('class' in one) into(byClass, one.class, one.server, one);
    else into(byAgent, one.agent, one.tool, one);
  }
  return { byAgent, byClass };
}

/** CEL has expressions and no sets of them: one of each policy, and whoever asks tries them all. */
export function celOf(policies: number, agents: number): readonly { readonly id: string; readonly text: string }[] {
  const permits = permitsOf(policies, agents).map((one) => ({
    id: one.id,
    text:
      'class' in one
        ? `"${one.class}" in classes && server == "${one.server}" && "${one.scope}" in scopes`
        : `agent == "${one.agent}" && tool == "${one.tool}" && amount <= ${one.limit}.0 && !("${one.without}" in via)`,
  }));
  return [
    { id: 'guard.depth', text: 'depth > 4' },
    { id: 'guard.hours', text: 'secondOfDay < 3600 && risk >= 4' },
    ...permits,
  ];
}

/** The same facts as plain data, for engines without entities. */
export interface PlainQuestion {
  readonly agent: string;
  readonly classes: readonly string[];
  readonly server: string;
  readonly tool: string;
  readonly via: readonly string[];
  readonly depth: number;
  readonly scopes: readonly string[];
  readonly secondOfDay: number;
  readonly amount: number;
  readonly risk: number;
}

/** Half of them by agents that a policy names, half of those about the server it names. */
export function questionsOf(
  count: number,
  policies: number,
  agents: number,
): readonly { readonly cedar: Question; readonly plain: PlainQuestion }[] {
  const random = seeded(7);
  return Array.from({ length: count }, () => plainQuestion(random, policies, agents)).map((plain) => ({
    plain,
    cedar: cedarQuestion(plain),
  }));
}

function plainQuestion(random: Random, policies: number, agents: number): PlainQuestion {
  const agent = random.below(random.below(2) === 0 ? Math.min(policies, agents) : agents);
  const server = random.below(2) === 0 ? agent % 50 : random.below(50);
  return {
    agent: `a${agent}`,
    classes: [`c${agent % 10}`],
    server: `s${server}`,
    tool: `s${server}/t${agent % 20}`,
    via: ['a1', `a${agent}`],
    depth: 2,
    scopes: [`s${server}:read`, 's1:write'],
    secondOfDay: 43_200,
    amount: 12.5,
    risk: 2,
  };
}

const uid = (type: string, id: string) => ({ type: `Writ::${type}`, id });

function cedarQuestion({ agent, classes, server, tool, via, depth, scopes, risk }: PlainQuestion): Question {
  return {
    principal: uid('Agent', agent),
    action: uid('Action', 'call'),
    resource: uid('Tool', tool),
    context: {
      ...{ actor: agent, via: [...via], depth, scopes: [...scopes] },
      now: { __extn: { fn: 'datetime', arg: '2026-11-24T12:00:00.000Z' } },
      amount: { __extn: { fn: 'decimal', arg: '12.50' } },
    },
    entities: [
      agentEntity(agent, classes),
      { uid: uid('Tool', tool), attrs: { risk }, parents: [uid('Server', server)] },
    ],
  };
}

function agentEntity(agent: string, classes: readonly string[]) {
  return { uid: uid('Agent', agent), attrs: { path: agent }, parents: classes.map((one) => uid('Class', one)) };
}

/** Everybody whom the plane knows. */
export function everyAgent(agents: number): Question['entities'] {
  return Array.from({ length: agents }, (_, i) => agentEntity(`a${i}`, [`c${i % 10}`]));
}
