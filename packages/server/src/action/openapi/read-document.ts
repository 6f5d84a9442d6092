// An OpenAPI document, 3.0 or 3.1, YAML or JSON, read into the operations that can be offered and reasons for the rest. A fault that
// could make one request look like another refuses the document; a fault in one operation refuses that operation.

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import * as yaml from 'yaml';
import { type ApiDocument, type ApiPath, NotOffered, type OperationLayout, type Segment } from './document.ts';
import { inOrder, segmentsOf } from './paths.ts';
import { readOperation } from './read-operation.ts';
import type { Dialect } from './schemas.ts';

export type DocumentResult = ApiDocument | { readonly says: string };

const METHODS = ['get', 'head', 'put', 'post', 'delete', 'patch'];
/** What a scope may be called (contract §7a). */
const OPERATION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const pathsMax = 2_000;

export function readApiDocument(text: string): DocumentResult {
  try {
    return documentIn(jsonIn(text));
  } catch (error) {
    if (error instanceof NotOffered) return { says: error.message };
    throw error;
  }
}

function jsonIn(text: string): JsonValue {
  const parsed = yaml.parseDocument(text, { strict: true, uniqueKeys: true });
  const [fault] = parsed.errors;
  if (fault) throw new NotOffered(`it is neither YAML nor JSON: ${fault.message.split('\n')[0]}`);
  return parsed.toJS({ maxAliasCount: 100 }) as JsonValue;
}

interface Found {
  readonly template: string;
  readonly segments: readonly Segment[];
  readonly item: JsonObject;
}

function documentIn(document: JsonValue): ApiDocument {
  if (!isJsonObject(document)) throw new NotOffered('it is no OpenAPI document');
  const dialect = dialectOf(document.openapi);
  const { paths } = document;
  if (!isJsonObject(paths)) throw new NotOffered('it has no `paths`');
  const templates = Object.keys(paths).filter((template) => !template.startsWith('x-'));
  if (templates.length > pathsMax) throw new NotOffered(`it has more than ${pathsMax} paths`);
  const found = inOrder(
    templates.map((template): Found => {
      const item = paths[template]!;
      return { template, segments: segmentsOf(template), item: isJsonObject(item) ? item : {} };
    }),
  );
  const ids = found.flatMap(({ item }) => operationsIn(item).map(([, { operationId }]) => operationId));
  const definitions: JsonObject[] = [];
  const refused: { name: string; says: string }[] = [];
  const read = found.map(({ template, segments, item }): ApiPath => {
    const operations = new Map<string, OperationLayout>();
    for (const [method, operation] of operationsIn(item)) {
      try {
        const name = nameOf(operation, ids);
        if (item.$ref !== undefined || item.servers !== undefined) {
          throw new NotOffered('its path has `$ref` or `servers`, which are not read');
        }
        const place = { document, dialect, template, segments, shared: item.parameters };
        const one = readOperation(name, method.toUpperCase(), operation, place);
        operations.set(one.layout.method, one.layout);
        definitions.push(one.definition);
      } catch (error) {
        if (!(error instanceof NotOffered)) throw error;
        refused.push({ name: `${method.toUpperCase()} ${template}`, says: error.message });
      }
    }
    return { segments, operations };
  });
  return { paths: read, definitions, refused };
}

function dialectOf(version: JsonValue | undefined): Dialect {
  const found = typeof version === 'string' ? /^3\.([01])\.\d+$/.exec(version) : null;
  if (!found) throw new NotOffered('it does not say `openapi: 3.0.…` or `3.1.…`');
  return found[1] === '0' ? '3.0' : '3.1';
}

function operationsIn(item: JsonObject): readonly (readonly [method: string, operation: JsonObject])[] {
  return METHODS.flatMap((method) => {
    const operation = item[method];
    return isJsonObject(operation) ? [[method, operation] as const] : [];
  });
}

function nameOf({ operationId }: JsonObject, ids: readonly (JsonValue | undefined)[]): string {
  if (typeof operationId !== 'string') throw new NotOffered('it has no `operationId`');
  if (!OPERATION_ID.test(operationId)) throw new NotOffered(`\`${operationId}\` cannot stand in a scope`);
  if (ids.filter((id) => id === operationId).length > 1) {
    throw new NotOffered(`\`${operationId}\` names several operations`);
  }
  return operationId;
}
