// From a step to the request it stands for: the honest one, and then whatever the case changes about it.

import assert from 'node:assert/strict';
import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import type { Step } from './case.ts';
import { edited } from './forge.ts';
import type { Names, Stage } from './stage.ts';
import type { Outgoing } from './wire.ts';

const MCP_VERSION = '2026-07-28';
const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TYPE = {
  access: 'urn:ietf:params:oauth:token-type:access_token',
  continuation: 'urn:writ:params:oauth:token-type:continuation',
};

export function baseOf(step: Step, { plane }: Stage): string {
  return { mtls: plane.mtls, oauth: plane.oauth, issuer: plane.issuer, api: plane.api }[step.at];
}

export function requestOf(step: Step, stage: Stage, names: Names): Outgoing {
  switch (step.verb) {
    case 'take':
      return takeRequest(step, stage, names);
    case 'call':
      return callRequest(step, stage, names);
    case 'message':
      return messageRequest(step, stage, names);
    default:
      return plainRequest(step, stage, names);
  }
}

function takeRequest(step: Step, stage: Stage, names: Names): Outgoing {
  const of = names.find(String(step.with.of));
  const form: { [name: string]: JsonValue } = {
    grant_type: GRANT,
    client_id: `spiffe://zylos.local/${step.as}`,
    subject_token: of.token,
    subject_token_type: of.isContinuation ? TYPE.continuation : TYPE.access,
    audience: endpointOf(String(step.with.to), stage.plane.mtls),
    scope: step.with.scope ?? '',
    ...(isJsonObject(step.with.form) ? names.fill(step.with.form) : {}),
  };
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  return { url: `${baseOf(step, stage)}/oauth/token`, method: 'POST', headers, body: encodeForm(form) };
}

/** A list sends the parameter once for each value; null leaves it out. */
function encodeForm(form: JsonObject): Uint8Array {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(form)) {
    for (const one of [value].flat()) if (one !== null) pairs.append(name, String(one));
  }
  return Buffer.from(pairs.toString());
}

/** `files`, `db/agent`, or a URL as it is. */
function endpointOf(key: string, base: string): string {
  if (key.includes('://')) return key;
  return `${base}/${key.includes('/') ? 'a2a' : 'mcp'}/${key}`;
}

function callRequest(step: Step, stage: Stage, names: Names): Outgoing {
  const [server, tool] = String(step.on).split('/') as [string, string];
  const method = String(step.with.method ?? 'tools/call');
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': MCP_VERSION,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const named: JsonObject =
    method === 'tools/call' ? { name: tool, arguments: names.fill(step.with.arguments ?? {}) } : {};
  const honest: JsonObject = { jsonrpc: '2.0', id: 1, method, params: { ...named, _meta } };
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': MCP_VERSION,
    'mcp-method': method,
    ...(method === 'tools/call' ? { 'mcp-name': tool } : {}),
  };
  return changed(step, stage, names, { path: `/mcp/${server}`, headers, honest });
}

function messageRequest(step: Step, stage: Stage, names: Names): Outgoing {
  const method = String(step.with.method ?? 'SendMessage');
  const message = { messageId: 'm-1', role: 'ROLE_USER', parts: [{ text: 'good morning' }] };
  const honest = { jsonrpc: '2.0', id: 1, method, params: (step.with.params as JsonObject) ?? { message } };
  const headers = { 'content-type': 'application/json', accept: 'application/json', 'a2a-version': '1.0' };
  return changed(step, stage, names, { path: `/a2a/${String(step.on)}`, headers, honest });
}

interface Honest {
  readonly path: string;
  readonly headers: { readonly [name: string]: string };
  readonly honest: JsonObject;
}

function changed(step: Step, stage: Stage, names: Names, { path, headers, honest }: Honest): Outgoing {
  const { edit, body, path: otherPath } = step.with;
  const json = isJsonObject(edit) ? edited(honest, names.fill(edit)) : honest;
  return {
    url: `${baseOf(step, stage)}${typeof otherPath === 'string' ? names.fill(otherPath) : path}`,
    method: 'POST',
    headers: { ...headers, ...authorizationOf(step, names), ...headersOf(step, names) },
    body: body === undefined ? Buffer.from(JSON.stringify(json)) : bodyOf(body, json),
  };
}

/** `{text}`, `{hex}`, `{endless, announced}`, or around the honest body: `{batch}`, `{before, after}`, `{nested}`, `{inside}` the arguments. */
function bodyOf(body: JsonValue, honest: JsonValue): Outgoing['body'] {
  assert.ok(isJsonObject(body));
  const { text, hex, endless, announced, batch, before, after, nested, inside } = body;
  if (typeof text === 'string') return Buffer.from(text);
  if (typeof hex === 'string') return Buffer.from(hex, 'hex');
  if (typeof endless === 'number') return { bytes: endless, announced: announced === true };
  if (typeof batch === 'number') return Buffer.from(JSON.stringify(Array(batch).fill(honest)));
  const written = JSON.stringify(honest);
  if (typeof nested === 'number') {
    const deep = `${'['.repeat(nested)}${']'.repeat(nested)}`;
    return Buffer.from(written.replace('"arguments":{', `"arguments":{"id":${deep}`));
  }
  if (typeof inside === 'string') return Buffer.from(written.replace('"arguments":{', `"arguments":{${inside}`));
  // Between the first brace and what follows, or behind the last brace, as a second reader might not see it.
  return Buffer.from(`{${before ?? ''}${written.slice(1, -1)}}${after ?? ''}`);
}

function plainRequest(step: Step, stage: Stage, names: Names): Outgoing {
  const { json, form, method } = step.with;
  const type = json === undefined ? 'application/x-www-form-urlencoded' : 'application/json';
  const body =
    json !== undefined
      ? Buffer.from(JSON.stringify(names.fill(json)))
      : encodeForm(isJsonObject(form) ? names.fill(form) : {});
  return {
    url: `${baseOf(step, stage)}${String(names.fill(step.on))}`,
    method: String(method ?? (json === undefined && form === undefined ? 'GET' : 'POST')),
    headers: { 'content-type': type, ...authorizationOf(step, names), ...headersOf(step, names) },
    body: method === 'GET' || (json === undefined && form === undefined) ? new Uint8Array() : body,
  };
}

/** `token`: a kept name, or several for as many headers. */
function authorizationOf({ with: { token, scheme = 'Bearer' } }: Step, names: Names): Outgoing['headers'] {
  if (token === undefined) return {};
  const values = [token].flat().map((name) => `${String(scheme)} ${names.find(String(name)).token}`);
  return { authorization: values.length === 1 ? values[0]! : values };
}

function headersOf({ with: { headers } }: Step, names: Names): Outgoing['headers'] {
  return isJsonObject(headers) ? (names.fill(headers) as { [name: string]: string }) : {};
}
