// The access-request profile of AuthZEN (draft, 2026): how another gateway learns that a person could still say yes, asks for it, waits
// for it, and evaluates again. The question is the plane's own approval (rules §4), opened by the evaluation that was denied; nothing
// here says yes, and an id or a token of this profile is worth nothing by itself: what counts is what the store holds.

import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { readEvaluation } from './request.ts';
import { type AuthzenCaller, operationOf } from './to-call.ts';

/** A question to a person, as the store holds it. */
export interface HeldApproval {
  readonly id: string;
  readonly state: 'open' | 'approved' | 'denied' | 'used';
  readonly expiresSeconds: number;
  readonly server: string;
  readonly tool: string;
  readonly arguments: { readonly [name: string]: unknown };
  readonly root: { readonly sub: string };
  readonly actors: readonly string[];
}

export interface AccessRequestPorts {
  nowSeconds(): number;
  findApproval(id: string): Promise<HeldApproval | null>;
  /** Where a person answers it. */
  approvalUrl(id: string): string;
}

/** Below the decision point's base. */
export const ACCESS_REQUESTS = '/access/v1/requests';
export const ACCESS_REQUEST_CAPABILITY = 'urn:openid:authzen:capability:access-request';

/** RFC 9457; the last part of its type. */
export type ProblemType = 'not_requestable' | 'expired_denial' | 'invalid_denial_binding' | 'unknown_task';

export type AccessAnswer =
  | { readonly status: 200 | 202; readonly json: JsonObject }
  | { readonly status: 400 | 404 | 410; readonly problem: ProblemType; readonly detail: string };

/** What a denial says of it (`context.access_request`). */
export async function accessRequestOf(id: string, base: string, ports: AccessRequestPorts): Promise<JsonObject> {
  const held = await ports.findApproval(id);
  if (held === null) return {};
  return {
    access_request: {
      endpoint: base + ACCESS_REQUESTS,
      expires_at: isoOf(held.expiresSeconds),
      binding_token: id,
      form_url: ports.approvalUrl(id),
    },
  };
}

/** A submission is bound to one denial and to exactly what was denied; it opens nothing that the evaluation has not. */
export async function submit(
  body: JsonValue,
  caller: AuthzenCaller,
  base: string,
  ports: AccessRequestPorts,
): Promise<AccessAnswer> {
  const asked = readEvaluation(body);
  if ('malformed' in asked) return problem(400, 'not_requestable', asked.malformed);
  const { denial } = body as JsonObject;
  const token = isJsonObject(denial) ? denial.binding_token : undefined;
  if (typeof token !== 'string') {
    return problem(400, 'invalid_denial_binding', '`denial.binding_token` is not the one of the denial');
  }
  const operation = operationOf(asked);
  const held = await ports.findApproval(token);
  const args = asked.action.properties.arguments ?? {};
  const fits =
    held !== null &&
    operation !== null &&
    caller.mayAsk(held.server) &&
    held.server === operation.callee &&
    held.tool === operation.name &&
    [held.root.sub, held.actors.at(-1)].includes(asked.subject.id) &&
    canonicalJson(held.arguments as JsonObject) === canonicalJson(args);
  if (!fits) return problem(400, 'invalid_denial_binding', 'the request is not the one that was denied');
  if (held.state === 'open' && ports.nowSeconds() >= held.expiresSeconds) {
    return problem(410, 'expired_denial', 'evaluate again for a new denial');
  }
  return { status: 202, json: taskOf(held, base, ports) };
}

export async function statusOf(
  id: string,
  caller: AuthzenCaller,
  base: string,
  ports: AccessRequestPorts,
): Promise<AccessAnswer> {
  const held = await ports.findApproval(id);
  // Somebody else’s question reads like one that was never asked.
  if (held === null || !caller.mayAsk(held.server)) return problem(404, 'unknown_task', 'there is no such request');
  return { status: 200, json: taskOf(held, base, ports) };
}

function taskOf(held: HeldApproval, base: string, ports: AccessRequestPorts): JsonObject {
  const { id, state, expiresSeconds } = held;
  const isOver = ports.nowSeconds() >= expiresSeconds;
  const status = state === 'open' ? (isOver ? 'expired' : 'pending') : state === 'denied' ? 'denied' : 'approved';
  return {
    task: {
      id,
      status,
      status_endpoint: `${base}${ACCESS_REQUESTS}/${id}`,
      expires_at: isoOf(expiresSeconds),
      links: { review: ports.approvalUrl(id) },
    },
    ...(status === 'approved'
      ? { result: { mode: 'reevaluate', approval: { id, approved_until: isoOf(expiresSeconds) } } }
      : {}),
  };
}

function problem(status: 400 | 404 | 410, type: ProblemType, detail: string): AccessAnswer {
  return { status, problem: type, detail };
}

export function isoOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
