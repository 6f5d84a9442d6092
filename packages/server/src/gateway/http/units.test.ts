import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UpstreamError } from '../exchange.ts';
import { unitsOf, wholeBody } from './units.ts';

async function* cut(bytes: Uint8Array, cuts: readonly number[]) {
  const at = [...new Set(cuts.map((one) => one % (bytes.length + 1)))].sort((a, b) => a - b);
  let from = 0;
  for (const to of [...at, bytes.length]) {
    yield bytes.subarray(from, to);
    from = to;
  }
}

async function unitsIn(text: string, end: 'line' | 'blank line', cuts: readonly number[] = []): Promise<string[]> {
  const units: string[] = [];
  for await (const unit of unitsOf(cut(Buffer.from(text), cuts), end)) units.push(unit);
  return units;
}

test('however a stream is cut, its pieces hold every byte of it in order', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '🙂', '\n', '\r', ':') });
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.array(fc.nat()),
      fc.constantFrom('line' as const, 'blank line' as const),
      async (given, cuts, end) => {
        assert.equal((await unitsIn(given, end, cuts)).join(''), given);
      },
    ),
  );
});

test('a piece ends where an event or a line ends', async () => {
  for (const end of ['\n', '\r\n', '\r']) {
    const text = `data: a${end}id: 1${end}${end}data: b${end}${end}`;
    assert.equal((await unitsIn(text, 'blank line')).length, 2, JSON.stringify(end));
  }
  assert.deepEqual(await unitsIn('{}\n{}\n{}', 'line'), ['{}\n', '{}\n', '{}']);
});

test('a piece or a body without end is let go of, and so is what is no text', async () => {
  await assert.rejects(unitsIn('a'.repeat(1024 * 1024 + 1), 'line'), UpstreamError);
  await assert.rejects(wholeBody(cut(Buffer.alloc(11), []), 10), UpstreamError);
  const broken = async () => {
    for await (const _ of unitsOf(cut(Buffer.from([0x61, 0xff]), []), 'line'));
  };
  await assert.rejects(broken, UpstreamError);
});
