// One policy question, at more and more policies and more and more agents: the compiled evaluator beside cedar-wasm, OPA and CEL, each
// asked the same questions about the same policies in the same runs. A baseline that answers otherwise ends the bench.

import { resolve } from 'node:path';
import { Environment } from '@marcbachmann/cel-js';
import { loadPolicy } from '@open-policy-agent/opa-wasm';
import { cedar } from '@writ/core';
import { type Answer, compilePolicies, compileSource } from '../../packages/server/src/action/cedar/compiled.ts';
import { ask, type Question } from '../../packages/server/src/action/cedar/slots.ts';
import { readBundle } from '../../packages/server/src/action/remote/bundle-file.ts';
import { cedarOf, celOf, everyAgent, type PlainQuestion, questionsOf, regoDataOf, SCHEMA } from './cedar-worlds.ts';
import { type Row, type Run, row, timed } from './figures.ts';

/** An engine with a set loaded: determining policies of question `i` that permit it, sorted; none: refused. */
interface Engine {
  readonly baseline: string;
  readonly samples: number;
  answer(i: number): unknown;
  permitsIn(answer: unknown): readonly string[];
}

const questionCount = 200;
const oursSamples = 2000;
const manyAgents = 100;
const manyPolicies = 1000;

export async function benchPolicy(runs: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const policies of [10, 100, 1000, 10_000]) rows.push(...(await atPolicies(policies, runs)));
  for (const agents of [100, 10_000, 100_000]) rows.push(atAgents(agents, runs));
  return rows;
}

async function atPolicies(policies: number, runs: number): Promise<Row[]> {
  const questions = questionsOf(questionCount, policies, manyAgents);
  const asked = questions.map(({ cedar: question }) => question);
  const plain = questions.map(({ plain: question }) => question);
  const source = cedarOf(policies, manyAgents);
  const compiled = compileSource(source);
  const few = policies > manyPolicies;
  const engines: Engine[] = [
    {
      baseline: 'the same inside cedar-wasm',
      samples: few ? 30 : 100,
      answer: (i) => ask(source, asked[i]!),
      permitsIn: (answer) => permitsOfCedar(answer as Answer),
    },
    await opaEngine(policies, plain),
    celEngine(policies, plain, few ? 30 : 200),
  ];
  const ours = (i: number): Answer => compiled.judge(asked[i]!)!;
  for (const engine of engines) agree(engine, (i) => permitsOfCedar(ours(i)));

  const own: Run[] = [];
  const theirs = engines.map((): Run[] => []);
  for (let run = 0; run <= runs; run++) {
    const one = timed(oursSamples, (i) => ours(i % questionCount));
    const others = engines.map(({ samples, answer }) => timed(samples, (i) => answer(i % questionCount)));
    if (run === 0) continue; // the first run compiles
    own.push(one);
    for (const [i, other] of others.entries()) theirs[i]!.push(other);
  }
  const figure = `one policy question, ${policies.toLocaleString('en')} policies, ${manyAgents} agents`;
  const goal = policies === manyPolicies ? '≤ 25 µs' : 'none';
  return engines.map(({ baseline }, i) => row({ figure, unit: 'µs', baseline, goal }, own, theirs[i]!));
}

/** Every agent stands in the evaluator's own store; cedar-wasm keeps none and is handed the two entities of the question. */
function atAgents(agents: number, runs: number): Row {
  const questions = questionsOf(questionCount, manyPolicies, agents).map(({ cedar: question }) => question);
  const source = cedarOf(manyPolicies, agents);
  const evaluate = withEverybody(source.policies.staticPolicies as Record<string, string>, questions, agents);
  const [own, theirs]: [Run[], Run[]] = [[], []];
  for (let run = 0; run <= runs; run++) {
    const one = timed(oursSamples, (i) => evaluate(i % questionCount));
    const other = timed(100, (i) => ask(source, questions[i % questionCount]!));
    if (run > 0) [own, theirs].map((into, i) => into.push([one, other][i]!));
  }
  return row(
    {
      figure: `one policy question, ${manyPolicies.toLocaleString('en')} policies, ${agents.toLocaleString('en')} agents known`,
      unit: 'µs',
      baseline: 'the same inside cedar-wasm, which is told of one agent only',
      goal: 'flat from 100 to 10,000 agents',
    },
    own,
    theirs,
  );
}

function withEverybody(
  policies: Record<string, string>,
  questions: readonly Question[],
  agents: number,
): (i: number) => cedar.CedarAnswer {
  const schema = cedar.schemaFromJson(SCHEMA);
  if ('unsupported' in schema) throw new Error(schema.unsupported);
  const compiled = compilePolicies({ staticPolicies: policies });
  const set = cedar.compileSet(
    compiled.map((one) => {
      if ('unsupported' in one) throw new Error(one.unsupported);
      return one;
    }),
  );
  const store = new Map<string, cedar.Entity>(schema.actions);
  for (const all of [everyAgent(agents), ...questions.map(({ entities }) => entities)]) {
    const read = schema.entities(all);
    if ('kind' in read) throw new Error(read.says);
    for (const [key, entity] of read) store.set(key, entity);
  }
  return (i) => {
    const request = schema.request({ ...questions[i]! });
    if ('kind' in request) throw new Error(request.says);
    return set.evaluate(request, store);
  };
}

async function opaEngine(policies: number, plain: readonly PlainQuestion[]): Promise<Engine> {
  const { wasm } = readBundle(resolve(import.meta.dirname, 'rego/permits.tar.gz'));
  const opa = await loadPolicy(wasm, { initial: 100, maximum: 1000 });
  opa.setData(regoDataOf(policies, manyAgents));
  return {
    baseline: 'the same in Rego inside opa-wasm, its permits as data by agent and tool',
    samples: 1000,
    answer: (i) => opa.evaluate(plain[i]!),
    permitsIn(answer) {
      const [{ result }] = answer as [{ result: { allow: boolean; reasons: string[] } }];
      return result.allow ? result.reasons.sort() : [];
    },
  };
}

function celEngine(policies: number, plain: readonly PlainQuestion[], samples: number): Engine {
  const types = {
    ...{ agent: 'string', classes: 'list<string>', server: 'string', tool: 'string', via: 'list<string>' },
    ...{ depth: 'int', scopes: 'list<string>', secondOfDay: 'int', amount: 'double', risk: 'int' },
  } as const;
  const environment = new Environment();
  for (const [name, type] of Object.entries(types)) environment.registerVariable(name, type);
  const expressions = celOf(policies, manyAgents).map(({ id, text }) => ({ id, holds: environment.parse(text) }));
  const [forbids, permits] = [expressions.slice(0, 2), expressions.slice(2)];
  const facts = plain.map((one) => ({
    ...{ ...one, depth: BigInt(one.depth), secondOfDay: BigInt(one.secondOfDay), risk: BigInt(one.risk) },
  }));
  return {
    baseline: 'the same in CEL (cel-js), each policy an expression and each tried',
    samples,
    answer(i) {
      const about = facts[i]!;
      if (forbids.some(({ holds }) => holds(about) === true)) return [];
      return permits.filter(({ holds }) => holds(about) === true).map(({ id }) => id);
    },
    permitsIn: (answer) => (answer as string[]).sort(),
  };
}

function permitsOfCedar(answer: Answer): readonly string[] {
  if (answer.type === 'failure') throw new Error(answer.errors[0]?.message);
  const { decision, diagnostics } = answer.response;
  return decision === 'allow' ? [...diagnostics.reason].sort() : [];
}

/** On questions of which some are permitted and some are not. */
function agree({ baseline, answer, permitsIn }: Engine, ours: (i: number) => readonly string[]): void {
  const permitted = Array.from({ length: questionCount }, (_, i) => ours(i)).filter(({ length }) => length > 0);
  if (permitted.length === 0 || permitted.length === questionCount) throw new Error('all questions have one answer');
  for (let i = 0; i < 40; i++) {
    const [one, other] = [ours(i).join(), permitsIn(answer(i)).join()];
    if (one !== other) throw new Error(`${baseline} answers ${other || 'no'} to question ${i}, and not ${one || 'no'}`);
  }
}
