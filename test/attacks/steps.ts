// Acts out the steps of one case, in order. A refused step must leave no trace at the tool server or the callee.

import assert from 'node:assert/strict';
import type { ConnectionOptions } from 'node:tls';
import { type DenialCode, isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import type { Step } from './case.ts';
import { bodyOf, check } from './checks.ts';
import { type Forgery, forge } from './forge.ts';
import { endsWithItsSvid, luredNowhere, nothingIsResumed, refusedAtTheDoor } from './knocks.ts';
import { answerQuestion, lookAtQuestion, passTime } from './people.ts';
import { baseOf, requestOf } from './requests.ts';
import { calleeSaw, upstreamSaw } from './saw.ts';
import { type Names, openNames, type Stage } from './stage.ts';
import { ends, stay } from './stays.ts';
import { type Answer, send, sendText } from './wire.ts';

/** A connection that was left open, and when it ended. */
export interface Open {
  readonly ended: Promise<number>;
  destroy(): void;
}

export interface Scene {
  readonly stage: Stage;
  readonly names: Names;
  readonly open: Map<string, Open>;
  /** When the last withdrawal had been answered. */
  revokedMillis: number;
}

export async function act(steps: readonly Step[], stage: Stage): Promise<void> {
  stage.upstream.hush();
  stage.callee.says(null);
  if (stage.isHouse) passTime(stage.plane.dataDir, 3601); // so that no case uses up the questions of the next one
  const scene: Scene = { stage, names: openNames(stage), open: new Map(), revokedMillis: Number.NaN };
  try {
    for (const [i, step] of steps.entries()) {
      await actOne(step, scene).catch((error: unknown) => {
        const what = `step ${i + 1}, ${step.verb} ${JSON.stringify(step.on)}`;
        throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      });
    }
  } finally {
    for (const { destroy } of scene.open.values()) destroy();
  }
}

async function actOne(step: Step, scene: Scene): Promise<void> {
  switch (step.verb) {
    case 'open':
      return openTask(step, scene);
    case 'forge':
      return forgeToken(step, scene);
    case 'take':
    case 'call':
    case 'message':
    case 'request':
      return exchange(step, scene);
    case 'knock':
    case 'resume':
    case 'outlive':
    case 'lure':
      return atTheDoor(step, scene);
    case 'text':
      return writeText(step, scene);
    case 'stay':
      return stay(step, scene);
    case 'ends':
      return ends(step, scene);
    case 'revoke':
      return person(scene, '/revocations', 'POST', scene.names.fill(step.on));
    case 'end':
      return person(scene, `/tasks/${scene.names.find(String(step.on)).task}`, 'DELETE', null);
    case 'describe':
      return scene.stage.upstream.describe(String(step.on), step.with);
    case 'question':
      return lookAtQuestion(step, scene.stage, scene.names);
    case 'answer':
      return answerQuestion(step, scene.stage, scene.names);
    case 'passes':
      return passTime(scene.stage.plane.dataDir, Number(step.on));
    case 'race':
      return race(step, scene);
    case 'upstream':
      return upstreamSaw(step, scene.stage, scene.names);
    case 'callee':
      return calleeSaw(step, scene.stage, scene.names);
  }
}

async function atTheDoor({ verb, on, with: how }: Step, { stage }: Scene): Promise<void> {
  const [name, certificate] = [String(on), String(how.certificate)];
  const before = traces(stage);
  if (verb === 'knock') {
    const tls = (how.tls ?? {}) as ConnectionOptions;
    await refusedAtTheDoor(stage, certificate, name, tls, String(how.code) as DenialCode);
  } else if (verb === 'resume') await nothingIsResumed(stage, name);
  else if (verb === 'outlive') await endsWithItsSvid(stage, name, Number(how.seconds));
  else await luredNowhere(stage, certificate, name, String(how.caller));
  assert.equal(traces(stage), before, 'something reached the other side');
}

async function openTask({ on, with: ask }: Step, { stage, names }: Scene): Promise<void> {
  const { for: agent = 'claude/orchestrator', status = 201, code, ...rest } = ask;
  const body = JSON.stringify({ agent, prompt: 'read my notes', ...rest });
  const answer = await stage.plane.person('/tasks', { method: 'POST', body });
  assert.equal(answer.status, status, await answer.clone().text());
  if (status !== 201) return assert.equal(((await answer.json()) as JsonObject).code, code);
  const { task, subjectToken } = (await answer.json()) as { task: string; subjectToken: string };
  names.keep(String(on), { token: subjectToken, isContinuation: true, task });
}

function forgeToken({ on, with: how }: Step, { stage, names }: Scene): void {
  const from = names.find(String(how.from));
  const forgery = {
    header: isJsonObject(how.header) ? names.fill(how.header) : {},
    claims: isJsonObject(how.claims) ? names.fill(how.claims) : {},
    signed: String(how.signed ?? 'kept') as Forgery['signed'],
  };
  names.keep(String(on), { ...from, token: forge(from.token, forgery, stage.keys), isContinuation: false });
}

/** What stands at the other side; nobody refused may add to it. */
function traces({ upstream, callee }: Stage): number {
  return upstream.calls.length + callee.arrived.length;
}

/** `times`: one after the other, each with its number as `{{i}}`. */
async function exchange(step: Step, scene: Scene): Promise<void> {
  for (let i = 0; i < Number(step.with.times ?? 1); i++) {
    scene.names.note('i', String(i));
    await exchangeInTime(step, scene);
  }
}

async function exchangeInTime(step: Step, scene: Scene): Promise<void> {
  const deadline = performance.now() + step.withinMillis;
  while (performance.now() < deadline) {
    try {
      return await exchangeOnce(step, scene);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10)); // not yet
    }
  }
  return exchangeOnce(step, scene);
}

async function exchangeOnce(asked: Step, scene: Scene): Promise<void> {
  const { stage, names } = scene;
  const step = await withToken(asked, scene);
  sayFirst(step, scene);
  const before = traces(stage);
  const sender = step.at === 'mtls' ? await stage.sender(step.as) : null;
  const answer = await send(sender, requestOf(step, stage, names));
  check(step, answer, stage, names);
  const { expect } = step;
  const untouched = expect.outcome === 'hangup' || (expect.outcome === 'refuse' && !expect.reaches);
  if (untouched) assert.equal(traces(stage), before, 'something reached the other side');
  else if (isAct(step)) assert.equal(traces(stage), before + 1, 'nothing reached the other side');
  if (step.verb === 'take' && expect.outcome === 'allow') keepToken(step, answer!, names);
}

/** Where a step says nothing of a token, its actor takes one of the task (`in`, usually `task`) for exactly this. */
async function withToken(step: Step, scene: Scene): Promise<Step> {
  const { verb, on, as, with: how } = step;
  const task = String(how.in ?? 'task');
  const isCall = verb === 'call' || verb === 'message';
  if (!scene.stage.isHouse || !isCall || how.token !== undefined || !scene.names.has(task)) return step;
  const [server, tool] = String(on).split('/') as [string, string];
  const to =
    verb === 'call' ? { to: server, scope: `${server}:${tool}` } : { to: String(on), scope: `${String(on)}:send` };
  const token = `${task} of ${as} for ${String(on)}`;
  const taking = { ...step, verb: 'take', on: token, with: { of: task, ...to }, expect: ALLOW } as const;
  if (!scene.names.has(token)) await exchangeOnce(taking, scene);
  return { ...step, with: { ...how, token } };
}

const ALLOW = { outcome: 'allow', claims: {}, never: [] } as const;

/** What the other side will answer, where the step tells. */
function sayFirst({ verb, on, with: { says, result } }: Step, { stage, names }: Scene): void {
  if (verb === 'call' && says !== undefined)
    stage.upstream.says(String(on), { content: [], structuredContent: names.fill(says) });
  if (verb === 'call' && isJsonObject(result)) stage.upstream.says(String(on), names.fill(result));
  if (verb === 'message' && isJsonObject(says)) stage.callee.says(names.fill(says));
}

/** Calls that are written before any of them is answered. */
async function race({ on, with: { through, code } }: Step, scene: Scene): Promise<void> {
  const { stage, names } = scene;
  const steps: Step[] = [];
  for (const one of on as unknown as Step[]) {
    const step = await withToken(one, scene);
    sayFirst(step, scene);
    steps.push(step);
  }
  const before = traces(stage);
  const answers = await Promise.all(
    steps.map(async (step) => send(await stage.sender(step.as), requestOf(step, stage, names))),
  );
  const refused = answers.filter((answer) => bodyOf(answer!).error !== undefined);
  const passed = answers.length - refused.length;
  assert.ok([through].flat().includes(passed), JSON.stringify(answers.map((answer) => answer?.text)));
  assert.equal(traces(stage), before + passed, 'at the other side');
  for (const { text } of refused as Answer[]) assert.match(text, new RegExp(`"code":"${String(code)}"`));
}

function isAct({ verb, with: { method } }: Step): boolean {
  return (verb === 'call' || verb === 'message') && method === undefined;
}

function keepToken({ on, with: { of } }: Step, answer: Answer, names: Names): void {
  const token = String(bodyOf(answer).access_token);
  names.keep(String(on), { token, isContinuation: false, task: names.find(String(of)).task });
}

/** Exactly one answer comes back: what was written is one request, whoever reads it. */
async function writeText(step: Step, { stage, names }: Scene): Promise<void> {
  const before = traces(stage);
  const lines = names.fill([step.on].flat()) as string[];
  const text = await sendText(await stage.sender(step.as), baseOf(step, stage), lines.join('\r\n'));
  const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
  const { expect } = step;
  assert.deepEqual(statuses, [expect.outcome === 'refuse' ? expect.status : 200], text.slice(0, 400));
  assert.equal(traces(stage), expect.outcome === 'refuse' ? before : before + 1, 'at the other side');
}

async function person(scene: Scene, path: string, method: string, body: JsonValue): Promise<void> {
  const init = { method, ...(body === null ? {} : { body: JSON.stringify(body) }) };
  const answer = await scene.stage.plane.person(path, init);
  assert.equal(answer.status, 200, await answer.text());
  scene.revokedMillis = performance.now();
}
