// Server-sent events, both ways: reading an upstream's stream in bounded memory, writing one event to a caller.
// WHATWG HTML "Server-sent events". Event ids and retry hints are dropped: streams are not resumed here.

import { UpstreamError } from '../exchange.ts';

/** The data of each `message` event. Throws UpstreamError on invalid UTF-8 and on an event above `bytesMax`. */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  bytesMax: number,
): AsyncGenerator<string, void, void> {
  let data: string[] = [];
  let type = '';
  let held = 0;
  for await (const line of readLines(body, bytesMax)) {
    if (line === '') {
      if (data.length > 0 && (type === '' || type === 'message')) {
        const text = data.join('\n');
        // A priming event has empty data and only carries an id (MCP 2025-11-25).
        if (text !== '') yield text;
      }
      data = [];
      type = '';
      held = 0;
      continue;
    }
    held += line.length;
    if (held > bytesMax) throw new UpstreamError('the server sent an event that is too large');
    const [field, value] = fieldOf(line);
    if (field === 'data') data.push(value);
    if (field === 'event') type = value;
  }
}

function fieldOf(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  if (colon < 0) return [line, ''];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value];
}

/** Lines of a UTF-8 stream, ended by LF, CR or CRLF. A last line without an end is dropped, as the format wants. */
async function* readLines(body: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let parts: string[] = [];
  let held = 0;
  let afterCr = false;
  for await (const chunk of body) {
    let text = decode(decoder, chunk);
    if (text === '') continue;
    if (afterCr && text.startsWith('\n')) text = text.slice(1);
    afterCr = text.endsWith('\r');
    const lines = text.split(/\r\n|\n|\r/);
    for (const piece of lines.slice(0, -1)) {
      yield parts.length === 0 ? piece : parts.join('') + piece;
      parts = [];
      held = 0;
    }
    const rest = lines.at(-1)!;
    held += rest.length;
    if (held > bytesMax) throw new UpstreamError('the server sent a line that is too long');
    if (rest !== '') parts.push(rest);
  }
}

function decode(decoder: InstanceType<typeof TextDecoder>, chunk: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: true });
  } catch {
    throw new UpstreamError('the server sent text that is not UTF-8');
  }
}

/** One event holding a JSON text, which may be spread over several lines. */
export function eventOf(text: string): string {
  const lines = text.split(/\r\n|\n|\r/).map((line) => `data: ${line}`);
  return `event: message\n${lines.join('\n')}\n\n`;
}
