import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { configJsonSchema } from './json-schema.ts';

function member(schema: JsonObject, ...path: string[]): JsonObject {
  const found = path.reduce<JsonValue | undefined>((at, name) => (isJsonObject(at) ? at[name] : undefined), schema);
  assert.ok(isJsonObject(found), path.join('.'));
  return found;
}

test('the published schema knows every section of the contract', () => {
  const sections = Object.keys(member(configJsonSchema(), 'properties'));
  for (const name of 'version trustDomain data listen external identity tasks store agents servers users clients mandates policy pdp allow mode'.split(
    ' ',
  )) {
    assert.ok(sections.includes(name), name);
  }
  assert.deepEqual(configJsonSchema().required, ['version', 'trustDomain']);
});

test('every map that is not keyed by names is closed, so that an editor marks a typing error', () => {
  const open: string[] = [];
  const walk = (value: JsonValue, path: string): void => {
    if (Array.isArray(value)) for (const [i, item] of value.entries()) walk(item as JsonValue, `${path}[${i}]`);
    if (!isJsonObject(value)) return;
    if (isJsonObject(value.properties) && value.additionalProperties !== false) open.push(path);
    for (const [name, inner] of Object.entries(value)) walk(inner, `${path}.${name}`);
  };
  walk(configJsonSchema(), '');
  // A public key has members of its own kind (RFC 7517 §4).
  assert.deepEqual(
    open.filter((path) => !path.includes('.keys.items')),
    [],
  );
});

test('an editor can show what is expected', () => {
  const address = member(configJsonSchema(), 'properties', 'listen', 'properties', 'mtls');
  assert.match(String(address.description), /host:port/);
  assert.equal(typeof address.pattern, 'string');
});
