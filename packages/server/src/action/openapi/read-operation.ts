// One operation of an OpenAPI document: what its request looks like, what it may answer, and the definition that a person reviews.

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { type Answer, NotOffered, type OperationLayout, type Segment } from './document.ts';
import { inputSchema, parameterJson, readParameters } from './parameters.ts';
import { type Dialect, openSchemas, type Schemas } from './schemas.ts';

export interface Place {
  readonly document: JsonObject;
  readonly dialect: Dialect;
  readonly template: string;
  readonly segments: readonly Segment[];
  /** Parameters that the whole path has. */
  readonly shared: JsonValue | undefined;
}

export interface ReadOperation {
  readonly layout: OperationLayout;
  readonly definition: JsonObject;
}

const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/;
const STATUS = /^(?:[1-5](?:\d\d|XX)|default)$/;
// Said by the gateway or to it, never by a callee to a caller.
const NOT_ANSWERED =
  /^(?:connection|keep-alive|te|trailer|transfer-encoding|upgrade|set-cookie2?|www-authenticate|authorization|location|refresh|alt-svc|clear-site-data|strict-transport-security|date|content-.*|cache-control|(?:proxy|writ|access-control)-.*)$/;

/** Throws NotOffered with the reason. */
export function readOperation(name: string, method: string, operation: JsonObject, place: Place): ReadOperation {
  const { document, dialect, template, segments } = place;
  if (operation.servers !== undefined) throw new NotOffered('it names servers of its own');
  if (segments.some(({ kind }) => kind === 'mixed')) {
    throw new NotOffered(`\`${template}\` has a segment that is partly a parameter`);
  }
  const schemas = openSchemas(document, dialect);
  const parameters = readParameters([operation.parameters, place.shared], derefIn(document, 'parameters'), schemas);
  const inPath = parameters.flatMap(({ parameter }) => (parameter.in === 'path' ? [parameter.name] : []));
  const inTemplate = segments.flatMap((segment) => (segment.kind === 'parameter' ? [segment.name] : []));
  if (
    inTemplate.length !== new Set(inTemplate).size ||
    [...inPath].sort().join('/') !== [...inTemplate].sort().join('/')
  ) {
    throw new NotOffered(`its path parameters are not those of \`${template}\``);
  }
  const body = bodyOf(operation.requestBody, derefIn(document, 'requestBodies'), schemas);
  const answers = answersOf(operation.responses, document);
  const schema = inputSchema(parameters, body, schemas.defs());
  const layout: OperationLayout = {
    name,
    method,
    segments,
    parameters: parameters.map(({ parameter }) => parameter),
    bodyType: body?.type ?? null,
    answers,
  };
  return { layout, definition: definitionOf(operation, template, layout, schema) };
}

function definitionOf(
  operation: JsonObject,
  template: string,
  { name, method, parameters, bodyType, answers }: OperationLayout,
  schema: JsonObject,
): JsonObject {
  const text = (member: 'summary' | 'description'): JsonObject =>
    typeof operation[member] === 'string'
      ? { [member === 'summary' ? 'title' : 'description']: operation[member] }
      : {};
  const told = [...answers].map(([status, { types, headers }]) => [status, { types, headers }] as const);
  return {
    name,
    ...text('summary'),
    ...text('description'),
    inputSchema: schema,
    http: {
      method,
      path: template,
      parameters: parameters.map(parameterJson),
      bodyType,
      answers: Object.fromEntries(told),
    },
    // The whole of it: a change of what it says is a change, too (rules §3.7).
    operation,
  };
}

function bodyOf(
  given: JsonValue | undefined,
  deref: (value: JsonValue) => JsonObject,
  schemas: Schemas,
): { readonly type: string; readonly schema: JsonValue; readonly required: boolean } | null {
  if (given === undefined) return null;
  const { content, required } = deref(given);
  const types = Object.keys(isJsonObject(content) ? content : {});
  const json = types.filter((type) => isJsonType(type.toLowerCase()));
  const type =
    json.find((one) => one.toLowerCase() === 'application/json') ?? (json.length === 1 ? json[0] : undefined);
  if (type === undefined) {
    if (required === true) throw new NotOffered(`its body is none of JSON but ${types.join(', ') || 'undescribed'}`);
    return null;
  }
  const media = (content as JsonObject)[type]!;
  const schema = isJsonObject(media) ? media.schema : undefined;
  if (schema === undefined) throw new NotOffered('its body has no schema');
  return { type: type.toLowerCase(), schema: schemas.standing(schema), required: required === true };
}

function isJsonType(type: string): boolean {
  return type === 'application/json' || /^application\/[a-z0-9.-]+\+json$/.test(type);
}

function answersOf(given: JsonValue | undefined, document: JsonObject): ReadonlyMap<string, Answer> {
  if (!isJsonObject(given)) throw new NotOffered('it does not say what it answers');
  const deref = derefIn(document, 'responses');
  const read = Object.entries(given).filter(([status]) => !status.startsWith('x-'));
  const odd = read.find(([status]) => !STATUS.test(status));
  if (odd) throw new NotOffered(`\`${odd[0]}\` is not a status`);
  return new Map(read.map(([status, answer]) => [status, answerOf(deref(answer))]));
}

function answerOf({ content, headers }: JsonObject): Answer {
  const types = Object.keys(isJsonObject(content) ? content : {}).map((type) =>
    type.split(';')[0]!.trim().toLowerCase(),
  );
  const names = Object.keys(isJsonObject(headers) ? headers : {}).map((name) => name.toLowerCase());
  return {
    // A range says nothing about what comes.
    types: [...new Set(types)].filter((type) => MEDIA_TYPE.test(type)),
    headers: names.filter((name) => /^[a-z0-9-]{1,64}$/.test(name) && !NOT_ANSWERED.test(name)),
  };
}

/** The thing itself, or what it refers to in its part of `components`. */
function derefIn(document: JsonObject, part: 'parameters' | 'requestBodies' | 'responses') {
  const components = isJsonObject(document.components) ? document.components : {};
  const named = isJsonObject(components[part]) ? components[part] : {};
  return (value: JsonValue): JsonObject => {
    if (!isJsonObject(value)) throw new NotOffered(`something in its \`${part}\` is not an object`);
    if (value.$ref === undefined) return value;
    const name = typeof value.$ref === 'string' ? value.$ref.slice(`#/components/${part}/`.length) : '';
    const found = value.$ref === `#/components/${part}/${name}` && Object.hasOwn(named, name) ? named[name] : undefined;
    if (!isJsonObject(found) || found.$ref !== undefined) {
      throw new NotOffered(`\`$ref\` \`${String(value.$ref)}\` points at nothing that is read here`);
    }
    return found;
  };
}
