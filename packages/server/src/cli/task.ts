// `writ task`: opening and ending work on somebody's behalf. A task belongs to the person behind it; agents open none.

import { isJsonObject, type JsonObject, type JsonValue, parseStrictJsonText } from '@writ/core';
import { duration, durationSeconds } from '../config/words.ts';
import { findPlane } from './plane.ts';
import { usage } from './stop.ts';
import { visible } from './terminal.ts';
import { planeOptions, type VerbGroup, verb } from './verb.ts';

const start = verb({
  summary: 'open a task for an agent',
  options: {
    user: { type: 'string', required: true, valueHint: 'name', description: 'person it is for' },
    agent: { type: 'string', required: true, valueHint: 'agent', description: 'agent that is to do it' },
    prompt: {
      type: 'string',
      required: true,
      valueHint: 'text',
      description: 'what is to be done, in the person’s own words',
    },
    scope: {
      type: 'string',
      repeat: true,
      valueHint: 'scope',
      description: 'what may be asked (default: all the agent may)',
    },
    planned: {
      type: 'string',
      valueHint: 'json',
      description: 'what a planner thinks it needs, `{"scopes","constraints"}`; may only narrow',
    },
    depth: { type: 'string', valueHint: 'n', description: 'how often it may be handed on' },
    budget: { type: 'string', valueHint: 'json', description: 'ceilings, such as `[{"unit":"calls","max":20}]`' },
    ttl: { type: 'string', valueHint: 'duration', description: 'until when, such as 15m' },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    const { user, agent, prompt } = args;
    const body: JsonObject = {
      ...{ user, agent, prompt },
      ...(args.scope.length === 0 ? {} : { scope: args.scope }),
      ...(args.planned === undefined ? {} : { planned: plannedOf(args.planned) }),
      ...(args.depth === undefined ? {} : { depth: depthOf(args.depth) }),
      ...(args.budget === undefined ? {} : { budget: budgetOf(args.budget) }),
      ...(args.ttl === undefined ? {} : { ttlSeconds: ttlOf(args.ttl) }),
    };
    const answer = await findPlane({ ...args, env: channels.env }).act('POST', 'tasks', body);
    terminal.answer(answer, () => startedText(answer));
    return 0;
  },
});

/** With what the task may ask, since that is told from the prompt where the configuration says so. */
function startedText({ task, expires, scope, constraints }: JsonObject): string {
  const scopes = Array.isArray(scope) ? scope.map((one) => `  ${visible(String(one))}`) : [];
  const bound = (Array.isArray(constraints) ? constraints : []).filter(isJsonObject);
  const limits = bound
    .filter((entry) => entry.arguments !== undefined)
    .map((entry) => `  ${visible(`${String(entry.actions)} only with ${JSON.stringify(entry.arguments)}`)}`);
  return [`${task} until ${expires}`, ...scopes, ...limits].join('\n');
}

function plannedOf(text: string): JsonValue {
  const parsed = parseStrictJsonText(text);
  if (!parsed.ok || !isJsonObject(parsed.value))
    throw usage('`--planned` takes JSON, such as `{"scopes":["files:read_file"]}`');
  return parsed.value;
}

function depthOf(text: string): number {
  if (!/^[0-9]{1,2}$/.test(text)) throw usage(`\`${text}\` is not a depth; it is a whole number`);
  return Number(text);
}

function budgetOf(text: string): JsonValue {
  const parsed = parseStrictJsonText(text);
  if (!parsed.ok) throw usage('`--budget` takes JSON, such as `[{"unit":"calls","max":20}]`');
  const list = Array.isArray(parsed.value) ? parsed.value : [parsed.value];
  if (!list.every(isJsonObject)) throw usage('`--budget` takes a list of `{"unit","max"}`');
  return list;
}

function ttlOf(text: string): number {
  const read = duration.safeParse(text);
  if (!read.success) throw usage(`\`${text}\` is not a duration; write one such as \`15m\``);
  return durationSeconds(read.data);
}

const end = verb({
  summary: 'end a task, with its tokens, leases and continuations',
  options: { id: { type: 'positional', description: 'task id' }, ...planeOptions },
  async run({ args, terminal, channels }) {
    const answer = await findPlane({ ...args, env: channels.env }).act(
      'DELETE',
      `tasks/${encodeURIComponent(args.id)}`,
    );
    terminal.answer({ task: args.id, ...answer }, () => `ended: ${args.id}`);
    return 0;
  },
});

const group: VerbGroup = { summary: 'open and end tasks', verbs: { start, end } };
export default group;
