import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { noEchoes, type PlainEchoes, withSent } from './echo.ts';
import {
  effortForOneCall,
  handleOf,
  heldIn,
  observe,
  returnedBy,
  startEvidence,
  type TaskEvidence,
} from './evidence.ts';
import type { Level } from './levels.ts';
import { termsMax } from './postings.ts';
import { plainHandle, plainlyHeld, plainlyReturned } from './reference.fixture.ts';
import { finderOf } from './tokens.ts';
import type { Scalar, ValueType } from './typed-value.ts';
import { type Read, read, scalar, server, valueType } from './worlds.fixture.ts';

interface World {
  readonly reads: readonly Read[];
  readonly asked: readonly { readonly type: ValueType; readonly value: Scalar }[];
  readonly sent: readonly { readonly value: Scalar; readonly level: Level }[];
  readonly server: string;
}

const world: fc.Arbitrary<World> = fc.record({
  reads: fc.array(read, { minLength: 1, maxLength: 6 }),
  asked: fc.array(fc.record({ type: valueType, value: scalar }), { minLength: 1, maxLength: 4 }),
  sent: fc.array(fc.record({ value: scalar, level: fc.constantFrom<Level>(0, 1, 2) }), { maxLength: 2 }),
  server,
});

function observed(reads: readonly Read[], start = startEvidence(3)): TaskEvidence {
  return reads.reduce(
    (evidence, one, i) => observe(evidence, { ...one, ref: `${evidence.fields.length}/${i}`, echoes: noEchoes }),
    start,
  );
}

function same(evidence: TaskEvidence, { asked, server }: World, echoes: PlainEchoes): void {
  const fields = [...evidence.fields];
  const returned = returnedBy(evidence, server, echoes);
  for (const one of asked) {
    const title = JSON.stringify(one);
    const find = finderOf(one.type, one.value);
    assert.deepEqual(
      heldIn(evidence, { ...one, find, effort: effortForOneCall() }, echoes),
      plainlyHeld(fields, one, echoes),
      title,
    );
    assert.deepEqual(handleOf(evidence, { ...one, server }, echoes), plainHandle(fields, one, server, echoes), title);
    assert.equal(returned(one.value), plainlyReturned(fields, server, one.value, echoes), title);
  }
}

describe('the index answers as looking at every field does (rules §3.8)', () => {
  test('in 5,000 worlds, while the task reads on', () => {
    fc.assert(
      fc.property(world, (one) => {
        const echoes = withSent(noEchoes, one.server, one.sent, () => null);
        let evidence = startEvidence(3);
        for (const next of one.reads) {
          evidence = observed([next], evidence);
          same(evidence, one, echoes);
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('for every version of the evidence, whatever was added to it since, by whom ever', () => {
    fc.assert(
      fc.property(world, fc.array(read, { maxLength: 3 }), fc.array(read, { maxLength: 3 }), (one, left, right) => {
        const before = observed(one.reads);
        const versions = [observed(left, before), observed(right, before), before];
        for (const version of versions) same(version, one, noEchoes);
        const valuesOf = ({ fields }: TaskEvidence) => [...fields].map(({ value }) => value);
        for (const [i, more] of [left, right, []].entries())
          assert.deepEqual(valuesOf(versions[i]!), [...valuesOf(before), ...valuesOf(observed(more))]);
      }),
      { numRuns: 500 },
    );
  });
});

test('the first eight places are named, whole fields and texts in their order', () => {
  const reads = Array.from({ length: 30 }, (_, i) => ({
    server: 's',
    output: i % 7 === 6 ? 'tx-42' : i % 3 === 0 ? `see tx-42, ${i}` : `note ${i}`,
    rules: [{ at: '', text: 2 as const, handle: 2 as const }],
  }));
  same(observed(reads), { reads, asked: [{ type: 'id', value: 'tx-42' }], sent: [], server: 's' }, noEchoes);
});

test('what does not parse as its type is no whole field that does', () => {
  const output = '24 November 2026';
  const reads = [{ server: 's', output, rules: [{ at: '', text: 1 as const, handle: 3 as const }] }];
  same(
    observed(reads),
    { reads, asked: [{ type: 'date', value: '24\tNovember 2026' }], sent: [], server: 's' },
    noEchoes,
  );
});

const text3 = (value: string): TaskEvidence =>
  observe(startEvidence(3), { ref: 1, server: 's', output: value, rules: [{ at: '', text: 3 }], echoes: noEchoes });

test('more different numbers than the index tells apart hide none', () => {
  const many = text3(Array.from({ length: termsMax + 9 }, (_, i) => i).join(' '));
  for (const [value, level] of [
    [7, 3],
    [termsMax + 7, 3],
    [termsMax + 10, undefined],
  ] as const) {
    const search = { type: 'number', value, find: finderOf('number', value), effort: effortForOneCall() } as const;
    const held = heldIn(many, search, noEchoes);
    assert.equal(held?.level, level);
  }
});

test('whoever makes every look a long one gets level 0, not the time of the plane', () => {
  const long = text3('a b '.repeat(500_000));
  const effort = effortForOneCall();
  const held = Array.from({ length: 100 }, (_, i) => {
    const value = `${'b b '.repeat(i + 1)}a`;
    return heldIn(long, { type: 'text', value, find: finderOf('text', value), effort }, noEchoes);
  });
  assert.equal(held[0], null);
  assert.deepEqual(held.at(-1), { level: 0, from: [] });
});

test('one long run of signs takes no square of its length', () => {
  const run = `http://a${'.'.repeat(500_000)}x`;
  for (const type of ['url', 'email', 'text', 'iban', 'date', 'number'] as const) {
    const value = {
      url: 'b.example',
      email: 'a@b.example',
      text: 'b',
      iban: 'GB29NWBK6016',
      date: '2026-11-24',
      number: 5,
    }[type];
    const search = { type, value, find: finderOf(type, value), effort: effortForOneCall() };
    assert.equal(heldIn(text3(run), search, noEchoes), null);
  }
});
