// Microseconds per decision, compiled and cedar-wasm in one run: a plane's schema, a question as the policy room puts it, and
// sets of 10 to 10,000 policies over 100 or 10,000 agents. Both are given the question as JSON and both check it.
//
//   node --conditions=writ-source packages/server/src/action/cedar-bench.ts [--rounds 2000]

import { parseArgs } from 'node:util';
import type { SchemaJson } from '@cedar-policy/cedar-wasm/nodejs';
import { cedar } from '@writ/core';
import { compilePolicies, compileSource, sameAnswer } from './cedar/compiled.ts';
import { type Random, seeded } from './cedar/compiled-samples.ts';
import { ask, type PolicySource, type Question } from './cedar/slots.ts';

const SCHEMA: SchemaJson<string> = {
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

const toolsPerServer = 20;

function sourceOf(policies: number, agents: number): PolicySource {
  const texts: Record<string, string> = {
    'guard.depth': 'forbid (principal, action, resource) when { context.depth > 4 };',
    'guard.hours':
      'forbid (principal, action, resource) when { context.now.toTime() < duration("1h") && resource.risk >= 4 };',
  };
  for (let i = 2; i < policies; i++) {
    const agent = `Writ::Agent::"a${i % agents}"`;
    const tool = `Writ::Tool::"s${i % 50}/t${i % toolsPerServer}"`;
    texts[`p${i}`] =
      i % 5 === 0
        ? `permit (principal in Writ::Class::"c${i % 10}", action in Writ::Action::"tool.call", resource in Writ::Server::"s${i % 50}") when { context.scopes.contains("s${i % 50}:read") };`
        : `permit (principal == ${agent}, action in Writ::Action::"tool.call", resource == ${tool}) when { context.amount.lessThanOrEqual(decimal("${i}.00")) && !context.via.contains("a${i + 1}") };`;
  }
  return { schema: SCHEMA, policies: { staticPolicies: texts } };
}

function questionOf(random: Random, agents: number): Question {
  const [agent, server] = [random.below(agents), random.below(50)];
  const tool = `s${server}/t${agent % toolsPerServer}`;
  const uid = (type: string, id: string) => ({ type: `Writ::${type}`, id });
  return {
    principal: uid('Agent', `a${agent}`),
    action: uid('Action', 'call'),
    resource: uid('Tool', tool),
    context: {
      actor: `a${agent}`,
      via: ['a1', `a${agent}`],
      depth: 2,
      scopes: [`s${server}:read`, 's1:write'],
      now: { __extn: { fn: 'datetime', arg: '2026-11-24T12:00:00.000Z' } },
      amount: { __extn: { fn: 'decimal', arg: '12.50' } },
    },
    entities: [
      { uid: uid('Agent', `a${agent}`), attrs: { path: `a${agent}` }, parents: [uid('Class', `c${agent % 10}`)] },
      { uid: uid('Tool', tool), attrs: { risk: 2 }, parents: [uid('Server', `s${server}`)] },
    ],
  };
}

/** Median of single decisions. */
function microsPerDecision(rounds: number, decide: (i: number) => unknown): number {
  const warm = Math.min(rounds, 500);
  for (let i = 0; i < warm; i++) decide(i);
  const micros = Array.from({ length: rounds }, (_, i) => {
    const started = process.hrtime.bigint();
    decide(i);
    return Number(process.hrtime.bigint() - started) / 1000;
  });
  return micros.sort((a, b) => a - b)[rounds >> 1]!;
}

/** What remains when the entities are in a store already and the request is read. */
function evaluationOnly(source: PolicySource, questions: readonly Question[], agents: number): (i: number) => unknown {
  const schema = cedar.schemaFromJson(SCHEMA);
  if ('unsupported' in schema) throw new Error(schema.unsupported);
  const policies = Object.entries(source.policies.staticPolicies ?? {}).map(([id, text]) => policyOf(id, text));
  const set = cedar.compileSet(policies);
  const store = new Map<string, cedar.Entity>(schema.actions);
  const everyone = Array.from({ length: agents }, (_, i) => ({
    uid: { type: 'Writ::Agent', id: `a${i}` },
    attrs: { path: `a${i}` },
    parents: [{ type: 'Writ::Class', id: `c${i % 10}` }],
  }));
  for (const all of [everyone, ...questions.map(({ entities }) => entities)]) {
    const read = schema.entities(all);
    if ('kind' in read) throw new Error(read.says);
    for (const [key, entity] of read) store.set(key, entity);
  }
  const requests = questions.map((question) => {
    const request = schema.request({ ...question });
    if ('kind' in request) throw new Error(request.says);
    return request;
  });
  return (i) => set.evaluate(requests[i % requests.length]!, store);
}

function policyOf(id: string, text: unknown): cedar.Compiled {
  const [compiled] = compilePolicies({ staticPolicies: { [id]: String(text) } });
  if (!compiled || 'unsupported' in compiled) throw new Error(`policy \`${id}\` does not compile`);
  return compiled;
}

function main(): void {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '2000' } } });
  const rounds = Number(values.rounds);
  const rows: object[] = [];
  for (const agents of [100, 10_000]) {
    for (const policies of [10, 100, 1000, 10_000]) {
      const source = sourceOf(policies, agents);
      const random = seeded(7);
      const questions = Array.from({ length: 200 }, () => questionOf(random, agents));
      const started = performance.now();
      const compiled = compileSource(source);
      const compileMillis = performance.now() - started;
      const same = questions.slice(0, 20).every((one) => sameAnswer(compiled.ask(one), ask(source, one)));
      if (!same || compiled.unsupported.length > 0) throw new Error('the two evaluators do not answer alike');
      const at = (i: number): Question => questions[i % questions.length]!;
      rows.push({
        agents,
        policies,
        'evaluate µs': round(microsPerDecision(rounds, evaluationOnly(source, questions, agents))),
        'ask µs': round(microsPerDecision(rounds, (i) => compiled.ask(at(i)))),
        'wasm µs': round(microsPerDecision(Math.min(rounds, 200), (i) => ask(source, at(i)))),
        'compile ms': round(compileMillis),
      });
    }
  }
  console.table(rows);
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}

if (import.meta.main) main();
