// Flushed appends, from the audit room's own bench: the log's segments beside SQLite with the same group commit.

import { type AppendFigure, benchAppends } from '../../packages/server/src/audit/bench.ts';
import { type Row, type Run, rate, row } from './figures.ts';

export async function benchFlushes(runs: number): Promise<Row[]> {
  const figures: AppendFigure[] = [];
  for (let i = 0; i < runs; i++) figures.push(...(await benchAppends(1)));
  const of = (store: string, callers: number): Run[] =>
    figures.filter((one) => one.store === store && one.callers === callers).map(({ perSecond }) => rate(perSecond));
  return [1, 16, 64].map((callers) =>
    row(
      {
        figure: `flushed audit appends, ${callers} callers`,
        unit: '/s',
        baseline: 'SQLite, WAL, synchronous=FULL, the same group commit',
        goal: callers === 16 ? '≥ 20,000/s' : 'none',
      },
      of('segments', callers),
      of('sqlite-full', callers),
    ),
  );
}
