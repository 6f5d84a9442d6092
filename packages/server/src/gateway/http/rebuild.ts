// The request that goes upstream, built from the judged arguments and the operation, and from nothing else (rules §5).

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { UpstreamError } from '../exchange.ts';
import { digestOf } from '../http-io.ts';
import type { Layout, Parameter } from './api.ts';

export interface Outgoing {
  readonly method: string;
  /** Path below the upstream's base, with the query. */
  readonly path: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: Uint8Array | null;
  /** `sha256:<hex>` over all of it. */
  readonly digest: string;
}

/** Throws UpstreamError where something that was put in cannot be sent in its place. */
export function rebuild(layout: Layout, args: JsonObject): Outgoing {
  const { method, segments, bodyType } = layout;
  const at = (place: Parameter['in'], name: string): JsonValue | undefined => {
    const members = args[place];
    return isJsonObject(members) && Object.hasOwn(members, name) ? members[name] : undefined;
  };
  const steps = segments.map((segment) =>
    segment.kind === 'text'
      ? segment.text
      : pathStep(segment.kind === 'parameter' ? at('path', segment.name) : undefined),
  );
  const pairs = layout.parameters.flatMap((one) => (one.in === 'query' ? pairsOf(one, at('query', one.name)) : []));
  const path = `/${steps.join('/')}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
  const body = bodyType !== null && args.body !== undefined ? Buffer.from(JSON.stringify(args.body)) : null;
  const own = layout.parameters.flatMap((one) => {
    const value = one.in === 'header' ? at('header', one.name) : undefined;
    return value === undefined ? [] : [[one.name, headerText(value)] as const];
  });
  const headers = {
    ...Object.fromEntries(own),
    accept: acceptOf(layout),
    'accept-encoding': 'identity',
    ...(body === null ? {} : { 'content-type': bodyType! }),
  };
  const head = `${method} ${path}\n${JSON.stringify(headers)}\n`;
  return { method, path, headers, body, digest: digestOf(Buffer.concat([Buffer.from(head), body ?? Buffer.of()])) };
}

function pathStep(value: JsonValue | undefined): string {
  const text = value === undefined ? '' : scalarText(value);
  if (text === '' || text === '.' || text === '..' || /[/\\]/.test(text)) {
    throw new UpstreamError('a value cannot stand in the path');
  }
  return encoded(text);
}

function pairsOf({ name, list }: Parameter, value: JsonValue | undefined): readonly string[] {
  if (value === undefined) return [];
  const values = (Array.isArray(value) ? value : [value]).map((one: JsonValue) => encoded(scalarText(one)));
  if (list === 'commas') return [`${encoded(name)}=${values.join(',')}`];
  return values.map((one) => `${encoded(name)}=${one}`);
}

function headerText(value: JsonValue): string {
  const text = scalarText(value);
  if (!/^[\x20-\x7e]*$/.test(text)) throw new UpstreamError('a value cannot stand in a header');
  return text;
}

function scalarText(value: JsonValue): string {
  if (typeof value === 'object') throw new UpstreamError('a value is no text');
  return String(value);
}

/** Everything but what RFC 3986 §2.3 leaves unreserved, so that no reader finds a separator in a value. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

function acceptOf({ answers }: Layout): string {
  const types = new Set([...answers.values()].flatMap(({ types }) => types));
  return types.size === 0 ? '*/*' : [...types].join(', ');
}
