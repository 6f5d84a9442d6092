// A policy with `context.now` said as a constant. cedar-wasm gives up on a whole context once it holds an extension value beside
// something unknown, so a known time is written into the policies instead of the context.

import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';

/**
 * `now`: RFC 3339, UTC. Null where the policy does not read the time, and where its JSON cannot carry a long exactly: a time that
 * stays unknown is only less precise, a rounded number would be wrong.
 */
export function atTime(policy: PolicyJson, now: string): PolicyJson | null {
  const json = policy as unknown as JsonObject;
  if (!readsNow(json) || holdsUnsafe(json)) return null;
  return said(json, { datetime: [{ Value: now }] }) as unknown as PolicyJson;
}

function isNow(node: JsonValue): boolean {
  if (!isJsonObject(node) || !isJsonObject(node['.'])) return false;
  const { left, attr } = node['.'];
  return attr === 'now' && isJsonObject(left) && left.Var === 'context';
}

function readsNow(node: JsonValue): boolean {
  return isNow(node) || partsOf(node).some(readsNow);
}

function holdsUnsafe(node: JsonValue): boolean {
  return typeof node === 'number' ? !Number.isSafeInteger(node) : partsOf(node).some(holdsUnsafe);
}

function partsOf(node: JsonValue): readonly JsonValue[] {
  return Array.isArray(node) ? node : isJsonObject(node) ? Object.values(node) : [];
}

function said(node: JsonValue, now: JsonValue): JsonValue {
  if (isNow(node)) return now;
  if (Array.isArray(node)) return node.map((part) => said(part, now));
  if (!isJsonObject(node)) return node;
  return Object.fromEntries(Object.entries(node).map(([name, part]) => [name, said(part, now)]));
}
