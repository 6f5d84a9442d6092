// Parameters of an operation: only the styles that can be read in exactly one way, of values that are text, number or truth value.

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { NotOffered, type Parameter, type Scalar } from './document.ts';
import type { Schemas } from './schemas.ts';

export interface ReadParameter {
  readonly parameter: Parameter;
  readonly required: boolean;
  readonly schema: JsonValue;
}

/** OpenAPI: a parameter of these names is said elsewhere in the document and ignored here. */
const SAID_ELSEWHERE = new Set(['accept', 'content-type', 'authorization']);
// Of the connection, of somebody's identity, or a second way to say what the request line says.
const NOT_HEADERS =
  /^(?:connection|keep-alive|te|trailer|transfer-encoding|upgrade|host|content-.*|expect|cookie|dpop|forwarded|via|x-real-ip|(?:proxy|x-forwarded|writ|x-aip)-.*|x-(?:http-)?method(?:-override)?|x-original-url|x-rewrite-url)$/;
const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/;
const SCALARS: readonly JsonValue[] = ['string', 'integer', 'number', 'boolean'];

/** The operation's parameters, its own before those of its path. Throws NotOffered for one that is needed and cannot be read. */
export function readParameters(
  lists: readonly (JsonValue | undefined)[],
  deref: (value: JsonValue) => JsonObject,
  schemas: Schemas,
): readonly ReadParameter[] {
  const read = new Map<string, ReadParameter>();
  for (const list of lists) {
    if (list !== undefined && !Array.isArray(list)) throw new NotOffered('its `parameters` are not a list');
    for (const one of (list ?? []) as readonly JsonValue[]) {
      const found = readParameter(deref(one), schemas);
      if (found === null) continue;
      const key = `${found.parameter.in} ${found.parameter.name}`;
      if (!read.has(key)) read.set(key, found);
    }
  }
  return [...read.values()];
}

function readParameter(given: JsonObject, schemas: Schemas): ReadParameter | null {
  const { name, in: place } = given;
  if (typeof name !== 'string' || name === '') throw new NotOffered('a parameter has no name');
  const required = given.required === true;
  const refuse = (why: string): never => {
    throw new NotOffered(`its parameter \`${name}\` ${why}`);
  };
  if (place === 'cookie') return required ? refuse('is a cookie, and cookies are not sent') : null;
  if (place !== 'path' && place !== 'query' && place !== 'header') return refuse('is in no known place');
  const lower = name.toLowerCase();
  if (place === 'header') {
    if (SAID_ELSEWHERE.has(lower)) return null;
    if (NOT_HEADERS.test(lower) || !HEADER_NAME.test(lower)) return refuse('is a header that no caller may set');
  }
  if (given.content !== undefined) return refuse('has `content`, which is not read');
  if (given.allowReserved === true) return refuse('allows reserved characters');
  const schema = given.schema;
  if (schema === undefined) return refuse('has no schema');
  const { type, isList } =
    typeOf(schema, schemas) ?? refuse('is neither text, number or truth value nor a list of them');
  if (isList && place !== 'query') return refuse('is a list outside the query');
  const parameter: Parameter = {
    name: place === 'header' ? lower : name,
    in: place,
    type,
    list: listOf(given, isList, refuse),
  };
  return { parameter, required: required || place === 'path', schema: schemas.standing(schema) };
}

function listOf(
  { style, explode, in: place }: JsonObject,
  isList: boolean,
  refuse: (why: string) => never,
): Parameter['list'] {
  const usual = place === 'query' ? 'form' : 'simple';
  if (style !== undefined && style !== usual) return refuse(`has the style \`${String(style)}\``);
  if (!isList) return 'none';
  return explode === false ? 'commas' : 'repeated';
}

function typeOf(schema: JsonValue, schemas: Schemas): { readonly type: Scalar; readonly isList: boolean } | null {
  const whole = schemas.followed(schema);
  const own = scalarOf(whole);
  if (own !== null) return { type: own, isList: false };
  if (whole.type !== 'array' || whole.items === undefined) return null;
  const item = scalarOf(schemas.followed(whole.items));
  return item && { type: item, isList: true };
}

/** Null cannot be written in a URL, so that a type beside it is the only one that comes. */
function scalarOf({ type, enum: values }: JsonObject): Scalar | null {
  const types = (Array.isArray(type) ? type : [type]).filter((one) => one !== 'null');
  if (types.length === 1 && SCALARS.includes(types[0] as JsonValue)) return types[0] as Scalar;
  const isText = type === undefined && Array.isArray(values) && values.every((one) => typeof one === 'string');
  return isText ? 'string' : null;
}

/** Pinned with the definition: how each parameter is written. */
export function parameterJson(parameter: Parameter): JsonObject {
  return { ...parameter };
}

/** `{path: {id}, query: {limit}}`: the arguments that the parameters and the body make. */
export function inputSchema(
  parameters: readonly ReadParameter[],
  body: { readonly schema: JsonValue; readonly required: boolean } | null,
  defs: JsonObject,
): JsonObject {
  const places = (['path', 'query', 'header'] as const).flatMap((place) => {
    const here = parameters.filter(({ parameter }) => parameter.in === place);
    if (here.length === 0) return [];
    const required = here.filter((one) => one.required).map(({ parameter }) => parameter.name);
    const properties = Object.fromEntries(here.map(({ parameter, schema }) => [parameter.name, schema]));
    return [
      [place, { type: 'object', properties, required, additionalProperties: false }, required.length > 0] as const,
    ];
  });
  const members = [...places, ...(body === null ? [] : [['body', body.schema, body.required] as const])];
  return {
    type: 'object',
    properties: Object.fromEntries(members.map(([name, schema]) => [name, schema])),
    required: members.filter(([, , required]) => required).map(([name]) => name),
    additionalProperties: false,
    ...(Object.keys(defs).length === 0 || !isJsonObject(defs) ? {} : { $defs: defs }),
  };
}
