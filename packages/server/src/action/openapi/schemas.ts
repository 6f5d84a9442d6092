// Schemas of an OpenAPI document as JSON Schema that stands on its own: references point into `$defs` beside it, and what OpenAPI 3.0
// says in its own dialect is said in JSON Schema's. Whether a schema can be checked at all is found later, when its shape is read.

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { NotOffered } from './document.ts';

export type Dialect = '3.0' | '3.1';

const REFERENCE = /^#\/components\/schemas\/([A-Za-z0-9._-]+)$/;
const ONE = new Set(['items', 'additionalProperties', 'propertyNames', 'not']);
const LIST = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const depthMax = 64;

export interface Schemas {
  /** The schema with its references turned to `#/$defs/…`; what they point at is in `defs` afterwards. */
  standing(schema: JsonValue): JsonValue;
  /** Everything that was referred to, and what that refers to. */
  defs(): JsonObject;
  /** The schema itself, references followed. */
  followed(schema: JsonValue): JsonObject;
}

/** One set for one operation. Methods throw NotOffered. */
export function openSchemas(document: JsonObject, dialect: Dialect): Schemas {
  const components = isJsonObject(document.components) ? document.components : {};
  const named = isJsonObject(components.schemas) ? components.schemas : {};
  const used = new Map<string, JsonValue>();

  function nameIn(reference: JsonValue): string {
    const name = typeof reference === 'string' ? REFERENCE.exec(reference)?.[1] : undefined;
    if (name === undefined) throw new NotOffered(`\`$ref\` \`${String(reference)}\` is not \`#/components/schemas/…\``);
    if (!Object.hasOwn(named, name)) throw new NotOffered(`\`$ref\` \`${String(reference)}\` points at nothing`);
    return name;
  }

  function referred(reference: JsonValue, depth: number): string {
    const name = nameIn(reference);
    if (!used.has(name)) {
      used.set(name, true);
      used.set(name, standing(named[name]!, depth + 1));
    }
    return `#/$defs/${name}`;
  }

  function standing(schema: JsonValue, depth: number): JsonValue {
    if (depth > depthMax) throw new NotOffered('a schema is too deep');
    if (!isJsonObject(schema)) return schema;
    // In 3.0 nothing counts beside a reference.
    if (schema.$ref !== undefined && dialect === '3.0') return { $ref: referred(schema.$ref, depth) };
    const members = Object.entries(dialect === '3.0' ? translated(schema) : schema).flatMap(([keyword, value]) => {
      if (keyword === 'xml' || keyword === 'discriminator') return [];
      if (keyword === '$ref') return [['$ref', referred(value, depth)] as const];
      if (ONE.has(keyword)) return [[keyword, standing(value, depth + 1)] as const];
      if (LIST.has(keyword) && Array.isArray(value)) {
        return [[keyword, value.map((one: JsonValue) => standing(one, depth + 1))] as const];
      }
      if (keyword !== 'properties' || !isJsonObject(value)) return [[keyword, value] as const];
      const properties = Object.entries(value).map(([name, one]) => [name, standing(one, depth + 1)] as const);
      return [[keyword, Object.fromEntries(properties)] as const];
    });
    return Object.fromEntries(members);
  }

  return {
    standing: (schema) => standing(schema, 0),
    defs: () => Object.fromEntries(used),
    followed(schema) {
      let here = schema;
      for (let steps = 0; isJsonObject(here) && here.$ref !== undefined; steps++) {
        if (steps === 8) throw new NotOffered('a parameter refers in circles');
        here = named[nameIn(here.$ref)]!;
      }
      return isJsonObject(here) ? here : {};
    },
  };
}

/** `nullable` and the flags beside a limit are 3.0's own (OpenAPI 3.0.4 §4.7.24); `nullable` counts only beside a `type`. */
function translated(schema: JsonObject): JsonObject {
  const { nullable, exclusiveMinimum, exclusiveMaximum, ...rest } = schema;
  const limits: { [keyword: string]: JsonValue } = { ...rest };
  const exclusive = (flag: JsonValue | undefined, limit: 'minimum' | 'maximum', keyword: string) => {
    if (flag === true && limits[limit] !== undefined) {
      limits[keyword] = limits[limit]!;
      delete limits[limit];
    } else if (flag !== undefined && flag !== false) limits[keyword] = flag;
  };
  exclusive(exclusiveMinimum, 'minimum', 'exclusiveMinimum');
  exclusive(exclusiveMaximum, 'maximum', 'exclusiveMaximum');
  if (nullable !== true || typeof limits.type !== 'string') return limits;
  return { ...limits, type: [limits.type, 'null'] };
}
