// AuthZEN requests as they come, read strictly: what is required is there and of its type, what is unknown is ignored (AuthZEN 1.0
// §5–6). Says nothing about what they mean here; that is to-call.ts.

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';

export interface Entity {
  readonly type: string;
  readonly id: string;
  readonly properties: JsonObject;
}

export interface Evaluation {
  readonly subject: Entity;
  readonly resource: Entity;
  readonly action: { readonly name: string; readonly properties: JsonObject };
  readonly context: JsonObject;
}

export type Semantic = 'execute_all' | 'deny_on_first_deny' | 'permit_on_first_permit';

export interface Batch {
  readonly semantic: Semantic;
  /** Complete, or what is wrong with this one. */
  readonly items: readonly (Evaluation | Malformed)[];
}

/** A sentence for whoever wrote the request. */
export interface Malformed {
  readonly malformed: string;
}

const SEMANTICS: readonly Semantic[] = ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'];
/** One of ours: the standard gives no limit, and every item is a decision on disk. */
export const evaluationsMax = 100;

export function readEvaluation(body: JsonValue): Evaluation | Malformed {
  if (!isJsonObject(body)) return { malformed: 'the body is no JSON object' };
  const malformed =
    entityFault(body, 'subject') ??
    entityFault(body, 'resource') ??
    memberFault(body, 'action', 'name') ??
    propertiesFault(body.action, 'action') ??
    objectFault(body, 'context');
  if (malformed !== null) return { malformed };
  const action = body.action as JsonObject;
  return {
    subject: entityOf(body.subject as JsonObject),
    resource: entityOf(body.resource as JsonObject),
    action: { name: action.name as string, properties: objectOf(action.properties) },
    context: objectOf(body.context),
  };
}

/** Null where there is no `evaluations`: then the request is a single one (AuthZEN 1.0 §7.1). */
export function readBatch(body: JsonValue): Batch | Malformed | null {
  if (!isJsonObject(body)) return { malformed: 'the body is no JSON object' };
  const { evaluations, options, ...defaults } = body;
  if (evaluations === undefined || evaluations === null) return null;
  if (!Array.isArray(evaluations)) return { malformed: '`evaluations` is no list' };
  if (evaluations.length === 0) return null;
  if (evaluations.length > evaluationsMax) return { malformed: `more than ${evaluationsMax} evaluations` };
  const semantic = semanticOf(options);
  if (typeof semantic !== 'string') return semantic;
  const items = evaluations.map((item): Evaluation | Malformed =>
    // A member of an item replaces the default whole.
    isJsonObject(item) ? readEvaluation({ ...defaults, ...item }) : { malformed: 'the evaluation is no JSON object' },
  );
  return { semantic, items };
}

function semanticOf(options: JsonValue | undefined): Semantic | Malformed {
  if (options === undefined || options === null) return 'execute_all';
  if (!isJsonObject(options)) return { malformed: '`options` is no JSON object' };
  const wanted = options.evaluations_semantic ?? 'execute_all';
  const known = SEMANTICS.find((one) => one === wanted);
  return known ?? { malformed: `\`options.evaluations_semantic\` is none of ${SEMANTICS.join(', ')}` };
}

function entityFault(body: JsonObject, name: string): string | null {
  return memberFault(body, name, 'type') ?? memberFault(body, name, 'id') ?? propertiesFault(body[name], name);
}

/** `body.name` is an object with a text `part` that says something. */
export function memberFault(body: JsonObject, name: string, part: string): string | null {
  const found = Object.hasOwn(body, name) ? body[name] : undefined;
  if (!isJsonObject(found)) return `\`${name}\` is missing or no JSON object`;
  const text = Object.hasOwn(found, part) ? found[part] : undefined;
  return typeof text === 'string' && text !== '' ? null : `\`${name}.${part}\` is missing, empty or no text`;
}

function propertiesFault(of: JsonValue | undefined, name: string): string | null {
  return isJsonObject(of) && objectFault(of, 'properties') !== null ? `\`${name}.properties\` is no JSON object` : null;
}

/** Absent and null are nothing said. */
function objectFault(body: JsonObject, name: string): string | null {
  const found = body[name] ?? null;
  return found === null || isJsonObject(found) ? null : `\`${name}\` is no JSON object`;
}

function entityOf({ type, id, properties }: JsonObject): Entity {
  return { type: type as string, id: id as string, properties: objectOf(properties) };
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
