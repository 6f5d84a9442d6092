import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { eventOf, readEvents } from './sse.ts';

async function read(bytes: Uint8Array, cuts: readonly number[], bytesMax = 10_000): Promise<string[]> {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  async function* chunks() {
    let from = 0;
    for (const to of [...at, bytes.length]) {
      yield bytes.subarray(from, to);
      from = to;
    }
  }
  const events: string[] = [];
  for await (const event of readEvents(chunks(), bytesMax)) events.push(event);
  return events;
}

const json = fc.json().filter((text) => text !== '');

test('a stream reads the same however it is cut into pieces', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(json),
      fc.array(fc.nat()),
      fc.constantFrom('\n', '\r', '\r\n'),
      async (texts, cuts, end) => {
        const stream = texts
          .map((text) => `: comment\nid: 1\n${eventOf(text)}`)
          .join('')
          .replaceAll('\n', end);
        assert.deepEqual(await read(new TextEncoder().encode(stream), cuts), texts);
      },
    ),
  );
});

test('a text of several lines stays one event', async () => {
  const text = JSON.stringify({ a: [1, 2] }, null, 2);
  assert.deepEqual(await read(new TextEncoder().encode(eventOf(text)), []), [text]);
});

test('priming events, other types and a torn last event are no messages', async () => {
  const stream = 'id: 1\ndata: \n\nevent: other\ndata: {}\n\ndata: {"whole":1}\n\ndata: {"torn":1}';
  assert.deepEqual(await read(new TextEncoder().encode(stream), []), ['{"whole":1}']);
});

test('an event and a line without end are refused in bounded memory', async () => {
  const long = new TextEncoder().encode(`data: ${'x'.repeat(300)}`);
  await assert.rejects(read(long, [100, 200], 100), /line that is too long/);
  const many = new TextEncoder().encode('data: xxxxxxxxxx\n'.repeat(30));
  await assert.rejects(read(many, [], 100), /event that is too large/);
});

test('bytes that are not UTF-8 are refused', async () => {
  await assert.rejects(read(new Uint8Array([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0x0a, 0x0a]), []), /not UTF-8/);
});
