// A stream in the pieces in which it may be released: one event, or one line. A piece is whole before anybody has any of it, so that
// it can be labelled and looked through like an answer of its own.

import { utf8Text } from '@writ/core';
import { UpstreamError } from '../exchange.ts';

const unitBytesMax = 1024 * 1024;

/** `end` matches the end of a unit; what follows the last one is a unit, too. Rejects with UpstreamError. */
export async function* unitsOf(
  body: AsyncIterable<Uint8Array>,
  end: 'line' | 'blank line',
): AsyncGenerator<string, void, void> {
  const boundary = end === 'line' ? /\n/g : /(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))/g;
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let held = '';
  for await (const part of body) {
    held += textOf(decoder, part);
    let from = 0;
    boundary.lastIndex = 0;
    for (let found = boundary.exec(held); found !== null; found = boundary.exec(held)) {
      yield held.slice(from, boundary.lastIndex);
      from = boundary.lastIndex;
    }
    held = held.slice(from);
    if (held.length > unitBytesMax) throw new UpstreamError('the upstream sent a piece that is too large');
  }
  held += textOf(decoder, null);
  if (held !== '') yield held;
}

function textOf(decoder: InstanceType<typeof TextDecoder>, part: Uint8Array | null): string {
  try {
    return part === null ? decoder.decode() : decoder.decode(part, { stream: true });
  } catch {
    throw new UpstreamError('the upstream sent text that is not UTF-8');
  }
}

/** The whole body as bytes. Rejects with UpstreamError above `bytesMax`. */
export async function wholeBody(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > bytesMax) throw new UpstreamError('the upstream sent an answer that is too large');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export function textIn(bytes: Uint8Array): string {
  const text = utf8Text(bytes);
  if (text === null) throw new UpstreamError('the upstream sent text that is not UTF-8');
  return text;
}
