// Server-sent events (WHATWG HTML §9.2), as far as MCP and A2A use them: the data of each event, in order. No ids, no reconnecting.

// A carriage return at the very end may be the first half of a pair whose second half is on its way.
const LINE_END = /\r\n|\n|\r(?!$)/;

/** The data of every complete event. An event cut off by the end of the stream is dropped, as the standard has it. */
export async function* eventData(chunks: AsyncIterable<Uint8Array>, eventLengthMax: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(LINE_END);
    rest = lines.pop()!;
    for (const line of lines) {
      if (line !== '') {
        const value = dataOf(line);
        if (value === null) continue;
        data.push(value);
        length += value.length;
      } else if (data.length > 0) {
        yield data.join('\n');
        data = [];
        length = 0;
      }
    }
    if (length + rest.length > eventLengthMax) throw new Error(`an event is longer than ${eventLengthMax} characters`);
  }
}

/** The value of a `data` line; null for comments and other fields. */
function dataOf(line: string): string | null {
  if (line === 'data') return '';
  if (!line.startsWith('data:')) return null;
  return line.slice(line[5] === ' ' ? 6 : 5);
}
