import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { eventData } from './sse.ts';

async function* inPieces(text: string, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function read(text: string, sizes: readonly number[] = [1_000], lengthMax = 10_000): Promise<string[]> {
  const events: string[] = [];
  for await (const data of eventData(inPieces(text, sizes), lengthMax)) events.push(data);
  return events;
}

const line = fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !/[\r\n]/.test(text) && text.isWellFormed());
const events = fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { maxLength: 4 });
const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });

test('events are the same however the bytes were cut and whichever line ends are used', async () => {
  await fc.assert(
    fc.asyncProperty(events, sizes, fc.constantFrom('\n', '\r\n', '\r'), async (sent, cuts, end) => {
      const text = sent.map((lines) => lines.map((one) => `data: ${one}${end}`).join('') + end).join('');
      // A lone carriage return at the very end may be half of a pair, so a last line is needed to see the end of the event.
      assert.deepEqual(
        await read(`${text}:${end}:`, cuts),
        sent.map((lines) => lines.join('\n')),
      );
    }),
  );
});

test('comments, other fields and empty events are passed over', async () => {
  assert.deepEqual(await read(': keep-alive\n\nevent: x\nid: 7\ndata:one\n\n\nretry: 5\ndata\n\n'), ['one', '']);
});

test('only one space after the colon belongs to the format', async () => {
  assert.deepEqual(await read('data:  two\n\n'), [' two']);
});

test('an event that was cut off is dropped', async () => {
  assert.deepEqual(await read('data: whole\n\ndata: half\n'), ['whole']);
});

test('an event without end is an outage', async () => {
  await assert.rejects(read(`data: ${'x'.repeat(100)}`, [10], 50), /longer than 50/);
  await assert.rejects(read('data: xxxxxxxxxx\n'.repeat(10), [10], 50), /longer than 50/);
});
