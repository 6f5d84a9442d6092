// JSON Schema 2020-12 read into a shape, strictly: a keyword that is not understood refuses the tool, because a restriction
// nobody checks is none. `$ref` is followed within the document only.

import { compilePattern, isJsonObject, type JsonObject, type JsonValue, type Pattern } from '@writ/core';
import { ANYTHING, type JsonType, type Shape } from './shape.ts';

export type ShapeResult = { readonly shape: Shape } | { readonly says: string };

const depthMax = 32;
const shapesMax = 5000;

/** Say something about a value and restrict nothing. `nullable` widens; leaving it out is the stricter reading. */
const ANNOTATIONS = new Set(
  `$schema $comment title description default examples example deprecated readOnly writeOnly format nullable
   contentEncoding contentMediaType discriminator externalDocs enumNames enumDescriptions markdownDescription`.split(
    /\s+/,
  ),
);
const TYPES: readonly string[] = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'];

class Unreadable extends Error {}

/** The shape of an input schema, or one sentence that says why the tool cannot be checked. */
export function readShape(schema: JsonValue): ShapeResult {
  const reader = createReader(schema);
  try {
    const shape = reader.read(schema, '', 0);
    reader.resolveAll();
    return { shape };
  } catch (error) {
    if (error instanceof Unreadable) return { says: error.message };
    throw error;
  }
}

type Read = (schema: JsonValue, at: string, depth: number) => Shape;

function createReader(root: JsonValue): { readonly read: Read; resolveAll(): void } {
  const targets = new Map<string, Shape | null>();
  const waiting: string[] = [];
  let shapes = 0;

  const refer: Refer = (pointer, at) => {
    if (typeof pointer !== 'string' || !/^#(\/|$)/.test(pointer)) {
      throw new Unreadable(`\`$ref\` at \`${at || '#'}\` points outside the schema; only \`#/…\` is followed`);
    }
    if (!targets.has(pointer)) {
      targets.set(pointer, null);
      waiting.push(pointer);
    }
    return () => targets.get(pointer)!;
  };

  const read: Read = (schema, at, depth) => {
    if (++shapes > shapesMax || depth > depthMax) throw new Unreadable('the schema is too large or too deep');
    if (typeof schema === 'boolean') return { ...ANYTHING, never: !schema };
    if (!isJsonObject(schema)) throw new Unreadable(`\`${at || '#'}\` is not a schema`);
    return readKeywords(schema, at, depth, read, refer);
  };

  return {
    read,
    // Each target is read once, whoever points at it, so that recursion ends.
    resolveAll() {
      for (let pointer = waiting.pop(); pointer !== undefined; pointer = waiting.pop()) {
        const target = pointer === '#' ? root : at(root, pointer.slice(1));
        if (target === undefined) throw new Unreadable(`\`$ref\` \`${pointer}\` points at nothing`);
        targets.set(pointer, read(target, pointer, 0));
      }
    },
  };
}

type Refer = (pointer: JsonValue, at: string) => () => Shape;

function readKeywords(schema: JsonObject, at: string, depth: number, read: Read, refer: Refer): Shape {
  const unknown = Object.keys(schema).find((keyword) => !isKnown(keyword, at));
  if (unknown !== undefined) {
    throw new Unreadable(`the schema uses \`${unknown}\` at \`${at || '#'}\`, which is not understood here`);
  }
  const { has, count, limit } = numbersOf(schema, at);
  const sub = (keyword: string): Shape | null =>
    has(keyword) ? read(schema[keyword]!, `${at}/${keyword}`, depth + 1) : null;
  const list = (keyword: string): readonly Shape[] =>
    has(keyword) ? listOf(schema[keyword]!, `${at}/${keyword}`, depth + 1, read) : [];
  const further = schema.additionalProperties;
  return {
    types: has('type') ? typesOf(schema.type!, at) : null,
    values: valuesOf(schema, at),
    properties: has('properties') ? propertiesOf(schema.properties!, `${at}/properties`, depth + 1, read) : null,
    required: has('required') ? namesOf(schema.required!, at) : [],
    additional: typeof further === 'boolean' ? further : sub('additionalProperties'),
    propertyNames: sub('propertyNames'),
    members: { min: count('minProperties'), max: count('maxProperties') },
    items: sub('items'),
    prefixItems: list('prefixItems'),
    itemCount: { min: count('minItems'), max: count('maxItems') },
    uniqueItems: schema.uniqueItems === true,
    length: { min: count('minLength'), max: count('maxLength') },
    pattern: has('pattern') ? patternOf(schema.pattern!, at) : null,
    number: {
      min: limit('minimum'),
      max: limit('maximum'),
      above: limit('exclusiveMinimum'),
      below: limit('exclusiveMaximum'),
      multipleOf: limit('multipleOf'),
    },
    allOf: list('allOf'),
    anyOf: list('anyOf'),
    oneOf: list('oneOf'),
    not: sub('not'),
    ref: has('$ref') ? refer(schema.$ref!, at) : null,
    never: false,
  };
}

function numbersOf(schema: JsonObject, at: string) {
  return {
    has: (keyword: string): boolean => Object.hasOwn(schema, keyword),
    count: (keyword: string): number | null => numberAt(schema, keyword, at, true),
    limit: (keyword: string): number | null => numberAt(schema, keyword, at, false),
  };
}

function listOf(schemas: JsonValue, at: string, depth: number, read: Read): readonly Shape[] {
  if (!Array.isArray(schemas) || schemas.length === 0) throw new Unreadable(`\`${at}\` is not a list of schemas`);
  return schemas.map((one, i) => read(one as JsonValue, `${at}/${i}`, depth));
}

function propertiesOf(properties: JsonValue, at: string, depth: number, read: Read): ReadonlyMap<string, Shape> {
  if (!isJsonObject(properties)) throw new Unreadable(`\`${at}\` is not a map`);
  return new Map(Object.keys(properties).map((name) => [name, read(properties[name]!, `${at}/${name}`, depth)]));
}

const KEYWORDS = new Set(
  `type enum const properties required additionalProperties propertyNames minProperties maxProperties items prefixItems
   minItems maxItems uniqueItems minLength maxLength pattern minimum maximum exclusiveMinimum exclusiveMaximum multipleOf
   allOf anyOf oneOf not $ref $defs definitions`.split(/\s+/),
);

function isKnown(keyword: string, at: string): boolean {
  if (KEYWORDS.has(keyword) || ANNOTATIONS.has(keyword) || keyword.startsWith('x-')) return true;
  // Below the root an `$id` would move the base that `$ref` starts from.
  return keyword === '$id' && at === '';
}

function typesOf(type: JsonValue, at: string): readonly JsonType[] {
  const types = Array.isArray(type) ? type : [type];
  if (types.length === 0 || types.some((one) => typeof one !== 'string' || !TYPES.includes(one))) {
    throw new Unreadable(`\`${at}/type\` is not a JSON type`);
  }
  return types as JsonType[];
}

function valuesOf(schema: JsonObject, at: string): readonly JsonValue[] | null {
  const allowed = schema.enum;
  if (allowed !== undefined && !Array.isArray(allowed)) throw new Unreadable(`\`${at}/enum\` is not a list`);
  if (!Object.hasOwn(schema, 'const')) return (allowed as readonly JsonValue[] | undefined) ?? null;
  if (allowed !== undefined) throw new Unreadable(`\`${at || '#'}\` has both \`enum\` and \`const\``);
  return [schema.const!];
}

function namesOf(names: JsonValue, at: string): readonly string[] {
  if (!Array.isArray(names) || names.some((name) => typeof name !== 'string')) {
    throw new Unreadable(`\`${at}/required\` is not a list of names`);
  }
  return names as string[];
}

function numberAt(schema: JsonObject, keyword: string, at: string, whole: boolean): number | null {
  const value = schema[keyword];
  if (value === undefined) return null;
  // Draft 4 wrote `exclusiveMinimum: true`; reading that as nothing would lose a restriction.
  const fits = typeof value === 'number' && (!whole || (Number.isInteger(value) && value >= 0));
  if (!fits || (keyword === 'multipleOf' && value <= 0))
    throw new Unreadable(`\`${at}/${keyword}\` is not a fitting number`);
  return value;
}

function patternOf(pattern: JsonValue, at: string): Pattern {
  if (typeof pattern !== 'string') throw new Unreadable(`\`${at}/pattern\` is not text`);
  const compiled = compilePattern(pattern);
  if ('says' in compiled) throw new Unreadable(`\`${at}/pattern\`: ${compiled.says}`);
  return compiled.pattern;
}

/** RFC 6901 within a schema; percent-escapes of a URI fragment are undone first. */
function at(root: JsonValue, pointer: string): JsonValue | undefined {
  let here: JsonValue | undefined = root;
  for (const step of pointer.slice(1).split('/')) {
    const name = unescapeStep(step);
    if (name === null || here === undefined || typeof here !== 'object' || here === null) return undefined;
    here = Object.hasOwn(here, name) ? (here as JsonObject)[name] : undefined;
  }
  return here;
}

function unescapeStep(step: string): string | null {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return null;
  }
}
