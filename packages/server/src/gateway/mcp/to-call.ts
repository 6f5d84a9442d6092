// What a method asks for: target, scopes, arguments (contract §7a). The protocol's words end here; what leaves is core's Call.

import { type Call, isJsonObject, type JsonObject } from '@writ/core';
import { traceOf } from '../http-io.ts';
import { metaOf } from './parse.ts';

/** The part of a Call that only the method and its params decide. */
export interface Asked {
  /** Tool, `prompts/NAME` or `resources`; null for what concerns the server as such. */
  readonly name: string | null;
  readonly scopes: readonly string[];
  readonly anyScopeOf: string | null;
  readonly arguments: JsonObject;
  readonly isAction: boolean;
}

function askedOf(server: string, method: string, params: JsonObject): Asked {
  if (method === 'tools/call') return action(server, String(params.name), objectOf(params.arguments));
  if (method === 'prompts/get') {
    return action(server, `prompts/${params.name}`, { name: params.name!, arguments: objectOf(params.arguments) });
  }
  if (method === 'resources/read') return action(server, 'resources', { uri: params.uri! });
  const watched = watchedUris(method, params);
  // To hear of changes to a resource is to read it; every URI is judged as one argument `uri` of that read.
  if (watched !== null) return action(server, 'resources', { uri: watched });
  return { name: null, scopes: [], anyScopeOf: server, arguments: {}, isAction: false };
}

/** What only the HTTP request knows of a call. */
export type Arrived = Pick<Call, 'decisionId' | 'resource' | 'credential' | 'peer' | 'judgedDigest'> & {
  readonly server: string;
  readonly traceparent: string | null;
};

export function toCall(method: string, params: JsonObject, { server, traceparent, ...arrived }: Arrived): Call {
  const { name, ...asked } = askedOf(server, method, params);
  const meta = metaOf(params).traceparent;
  return {
    ...arrived,
    ...asked,
    protocol: 'mcp',
    operation: method,
    target: { kind: 'server', server, name },
    // What the message says of itself comes before what its carrier says.
    ...traceOf(typeof meta === 'string' ? meta : traceparent),
  };
}

function action(server: string, name: string, args: JsonObject): Asked {
  return { name, scopes: [`${server}:${name}`], anyScopeOf: null, arguments: args, isAction: true };
}

function objectOf(value: JsonObject[string] | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function watchedUris(method: string, params: JsonObject): JsonObject[string] | null {
  if (method !== 'subscriptions/listen') return null;
  return objectOf(params.notifications).resourceSubscriptions ?? null;
}
