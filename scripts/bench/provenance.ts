// Where do the values of a call come from, in a task that has read a megabyte: the matcher beside plain substring search for the same
// values over the same text; and taking such an output in, beside parsing it.

import {
  type JsonObject,
  type JsonValue,
  noEchoes,
  noPrompt,
  observe,
  startEvidence,
  type ToolTrust,
  trustFacts,
  withTurn,
} from '@writ/core';
import { seeded } from '../../packages/server/src/action/cedar/compiled-samples.ts';
import { type Row, type Run, row, timed } from './figures.ts';

const tool: ToolTrust = {
  risk: 4,
  effect: 'money',
  args: {
    '/to': { role: 'target', type: 'iban' },
    '/amount': { role: 'value', type: 'number' },
    '/on': { role: 'date', type: 'date' },
    '/subject': { role: 'payload' },
  },
};
const rules = [{ at: '/*/id', handle: 3, text: 2 } as const, { at: '', text: 1 } as const];

/** A few long texts, as of pages and files, or many short fields, as of lists. */
const shapes: readonly [name: string, fields: number][] = [
  ['20 long texts', 20],
  ['4,000 short fields', 4000],
];
const megabyte = 1_000_000;

export function benchProvenance(runs: number): Row[] {
  return shapes.flatMap(([name, fields]) => {
    const output = outputOf(fields);
    const text = JSON.stringify(output);
    const evidence = observe(startEvidence(3), { ref: 1, server: 'bank', output, rules, echoes: noEchoes });
    const { prompt } = withTurn(
      noPrompt,
      { origin: 'direct', text: 'Pay the invoice of Ada Lovelace', opensTask: true },
      3,
    );
    const task = { evidence, prompt, promptArrived: true, echoes: noEchoes, floor: evidence.floor, rootAddresses: [] };
    const needles = calls.map((call) => Object.values(call).map(String));
    const match = (i: number) =>
      trustFacts({ server: 'bank', tool, manifest: true, arguments: calls[i % calls.length]! }, task);
    const search = (i: number) => needles[i % needles.length]!.map((needle) => text.includes(needle));
    const take = () => observe(startEvidence(3), { ref: 1, server: 'bank', output, rules, echoes: noEchoes });
    const parse = () => JSON.parse(text);
    return [
      inTurn(
        {
          figure: `provenance of one call's four arguments, 1 MB of tool output in ${name}`,
          unit: 'ms',
          baseline: 'plain substring search for the same four values in the same text',
          goal: 'none',
        },
        runs,
        [10, match],
        [400, search],
      ),
      inTurn(
        {
          figure: `1 MB of tool output taken into the evidence of a task, in ${name}`,
          unit: 'ms',
          baseline: 'JSON.parse of the same output',
          goal: 'none',
        },
        runs,
        [8, take],
        [100, parse],
      ),
    ];
  });
}

type Work = readonly [samples: number, work: (i: number) => unknown];

function inTurn(about: Parameters<typeof row>[0], runs: number, ours: Work, theirs: Work): Row {
  const measured: [Run[], Run[]] = [[], []];
  for (let run = 0; run <= runs; run++) {
    const pair = [ours, theirs].map(([samples, work]) => inMillis(timed(samples, work)));
    if (run > 0) for (const [i, one] of pair.entries()) measured[i]!.push(one); // the first run compiles
  }
  return row(about, ...measured);
}

function inMillis({ p50, p99 }: Run): Run {
  return { p50: p50 / 1000, p99: p99 === null ? null : p99 / 1000 };
}

/** One whose values stand in the output, one whose values stand nowhere: that one looks through everything. */
const calls: readonly JsonObject[] = [
  {
    to: 'DE89370400440532013000',
    amount: 1234.56,
    on: '2026-11-24',
    subject: 'Invoice 2026-0042, see https://pay.example/i/42',
  },
  { to: 'GB33BUKB20201555555555', amount: 98.7, on: '2027-02-03', subject: 'Nothing of this was ever read' },
];

const words =
  'the invoice of account due transfer paid balance on behalf office note quarter Zürich 2026 report 17 by'.split(' ');

function outputOf(fields: number): JsonValue {
  const random = seeded(11);
  const charsEach = Math.floor(megabyte / fields);
  return Array.from({ length: fields }, (_, i) => {
    const parts: string[] = [];
    for (let chars = 0; chars < charsEach; chars += parts.at(-1)!.length + 1)
      parts.push(words[random.below(words.length)]!);
    if (i === fields >> 1)
      parts.splice(parts.length >> 1, 0, ...calls[0]!.subject!.toString().split(' '), 'DE89370400440532013000');
    return { id: `tx-${i}`, text: parts.join(' ') };
  });
}
