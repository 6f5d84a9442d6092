// `writ policy test`: calls with the answer they should get, as data beside the policy. Each is put to core's action judge under
// the policy in force; transport and token are taken as passed, and provenance is not part of it.

import { type Call, type DenialCode, type JsonObject, judgeAction, type World } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import * as z from 'zod';
import { type DataFile, type DataResult, readData } from './data-file.ts';
import { type Caller, type OperationView, type PlaneView, userOf } from './plane-view.ts';
import { type Supposition, supposedCall, supposedToken } from './supposed.ts';

const text = z.string().min(1);

const Case = z.strictObject({
  name: text,
  request: z.strictObject({
    /** Agent key or `client:<id>`: who acts. */
    agent: text,
    /** Who handed on to it, the task's own agent first. */
    through: z.array(text).optional(),
    user: text,
    /** `files/read_file`, or an agent key for a message to it. */
    call: text,
    arguments: z.record(z.string(), z.json()).optional(),
    /** RFC 3339; absent: now. */
    at: z.iso.datetime({ offset: true }).optional(),
  }),
  expect: z.strictObject({
    outcome: z.enum(['allow', 'deny', 'approval']),
    code: text.optional(),
    /** Exactly these policies; absent: whichever. */
    determining: z.array(text).optional(),
  }),
});

const CaseFile = z.strictObject({ cases: z.array(Case).min(1) });

export type PolicyCase = z.output<typeof Case>;

export interface CaseResult {
  readonly name: string;
  readonly ok: boolean;
  readonly outcome: 'allow' | 'deny' | 'approval' | null;
  readonly code: DenialCode | null;
  readonly determining: readonly string[];
  /** What differs, or why the case cannot be asked; empty when all is as expected. */
  readonly says: readonly string[];
}

export function readCases(file: DataFile): DataResult<readonly PolicyCase[]> {
  const read = readData(
    file,
    CaseFile,
    'cases with `name`, `request` (`agent`, `user`, `call`) and `expect` (`outcome`)',
  );
  return 'problems' in read ? read : { value: read.value.cases };
}

/** `tasks`: what the plane knows of the task, usually `untrackedTasks`. */
export function runCase(
  plane: PlaneView,
  one: PolicyCase,
  { tasks, nowSeconds }: Pick<World, 'tasks'> & { readonly nowSeconds: number },
): CaseResult {
  const supposition = suppositionOf(plane, one);
  if (typeof supposition === 'string') {
    return { name: one.name, ok: false, outcome: null, code: null, determining: [], says: [supposition] };
  }
  const at = one.request.at === undefined ? nowSeconds : Math.floor(Date.parse(one.request.at) / 1000);
  const world = {
    policy: plane.policy,
    tasks,
    limits: [],
    modeOf: () => 'enforce' as const,
    approvals: [],
    engine: nodeEngine,
    memoryOf: (key: string) => plane.callers.get(key)?.memory ?? null,
  };
  return compared(one, judgeAction(supposedCall(supposition), supposedToken(supposition), world, at));
}

function suppositionOf(plane: PlaneView, { request }: PolicyCase): Supposition | string {
  const keys = [...(request.through ?? []), request.agent];
  const actors = keys.map((key) => plane.callers.get(key));
  const missing = keys.find((_, i) => actors[i] === undefined);
  if (missing !== undefined) return `\`${missing}\` is not configured; name an agent key or \`client:<id>\``;
  const operation = operationCalled(plane, request.call);
  if (!operation) return `\`${request.call}\` is no operation that this plane knows`;
  return {
    root: userOf(plane, request.user),
    actors: actors as [Caller, ...Caller[]],
    operation,
    arguments: (request.arguments ?? {}) as JsonObject as Call['arguments'],
    task: 'tsk_case',
  };
}

/** By `server/tool`, or an agent's key. */
function operationCalled(plane: PlaneView, name: string): OperationView | undefined {
  return plane.operations.find(({ target, action }) => name === (target.kind === 'agent' ? target.server : action));
}

function compared({ name, expect }: PolicyCase, verdict: ReturnType<typeof judgeAction>): CaseResult {
  const outcome = verdict.outcome === 'pass' ? 'allow' : verdict.outcome;
  const code = verdict.outcome === 'pass' ? null : verdict.denial.code;
  const determining = determiningOf(verdict);
  const says: string[] = [];
  if (outcome !== expect.outcome)
    says.push(`expected ${expect.outcome}, and it is ${outcome}${code ? ` (${code})` : ''}`);
  if (expect.code !== undefined && code !== expect.code) says.push(`expected ${expect.code}, and it is ${code}`);
  if (expect.determining && [...expect.determining].sort().join('\n') !== determining.join('\n')) {
    says.push(`expected ${listed(expect.determining)} to decide, and it was ${listed(determining)}`);
  }
  return { name, ok: says.length === 0, outcome, code, determining, says };
}

function determiningOf(verdict: ReturnType<typeof judgeAction>): readonly string[] {
  if (verdict.outcome === 'pass') return [...verdict.facts.determining].sort();
  const told = verdict.outcome === 'approval' ? verdict.denial.detail.rules : verdict.denial.detail.policies;
  return Array.isArray(told) ? [...(told as readonly string[])].sort() : [];
}

function listed(ids: readonly string[]): string {
  return ids.length === 0 ? 'no policy' : ids.map((id) => `\`${id}\``).join(', ');
}
