// HTTP as the API speaks it: a body of strict JSON in, JSON out, and the few forms of numbers in between.

import type { IncomingMessage } from 'node:http';
import { JSON_BOUNDS, type JsonObject, parseStrictJson } from '@writ/core';
import type * as z from 'zod';
import { REFUSALS, type Refusal, refusal } from './answers.ts';
import { problemOf } from './bodies.ts';

export type Body<Value> = { readonly value: Value } | { readonly refused: Refusal };

/** A prompt of the greatest length, each character escaped. */
const bodyBytesMax = 256 * 1024;

/** Strict JSON of a bounded size. The media type is one that no page of another origin can send unasked. */
export async function readBody<Value>(request: Request, form: z.ZodType<Value>): Promise<Body<Value>> {
  if (!/^application\/json *(;|$)/i.test(request.headers.get('content-type') ?? '')) {
    return { refused: refusal(415, 'invalid_request', 'Send the body as `application/json`.', 'gateway.malformed') };
  }
  const bytes = await bounded(request.body);
  if (bytes === null)
    return { refused: refusal(413, 'invalid_request', 'The body is too large.', 'gateway.too_large') };
  const parsed = parseStrictJson(bytes, { ...JSON_BOUNDS, bytesMax: bodyBytesMax });
  if (!parsed.ok) return { refused: REFUSALS.malformed('The body is not JSON as RFC 8259 has it, each name once.') };
  const read = form.safeParse(parsed.value);
  return read.success ? { value: read.data } : { refused: REFUSALS.malformed(problemOf(read.error)) };
}

async function bounded(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function json(status: number, body: JsonObject, headers: { readonly [name: string]: string } = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
      ...headers,
    },
  });
}

export function wholeNumber(text: string | undefined | null): number | null | 'no number' {
  if (text === undefined || text === null) return null;
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : 'no number';
}

export function headerText(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  return typeof value === 'string' ? value : undefined;
}
