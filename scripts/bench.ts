// `npm run bench [-- --json] [--only NAME] [--runs N]`: the figures of design §7 that exist, each beside a baseline of the same runs.

import { parseArgs } from 'node:util';
import { benchFlushes } from './bench/appends.ts';
import { benchDecide } from './bench/decide.ts';
import { benchExchange } from './bench/exchange.ts';
import { type Row, textOf } from './bench/figures.ts';
import { benchGateway } from './bench/gateway.ts';
import { openBenchPlane } from './bench/plane.ts';
import { benchPolicy } from './bench/policy.ts';
import { benchProvenance } from './bench/provenance.ts';
import { benchRevocation } from './bench/revocation.ts';
import { benchStart } from './bench/start.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, only: { type: 'string' }, runs: { type: 'string', default: '3' } },
});
const runs = Math.max(3, Number(values.runs));
const rows: Row[] = [];

const wanted = (name: string) => values.only === undefined || values.only === name;
const add = (more: readonly Row[]) => {
  rows.push(...more);
  if (!values.json) for (const one of more) process.stdout.write(`${textOf(one)}\n`);
};

if (wanted('decide')) add(await benchDecide(runs));
if (wanted('policy')) add(await benchPolicy(runs));
if (wanted('provenance')) add(benchProvenance(runs));
if (wanted('appends')) add(await benchFlushes(runs));
if (['gateway', 'exchange', 'revocation', 'start'].some(wanted)) {
  const bench = await openBenchPlane();
  try {
    if (wanted('gateway')) add(await benchGateway(bench, runs));
    if (wanted('exchange')) add(await benchExchange(bench, runs));
    if (wanted('revocation')) add(await benchRevocation(bench, runs));
    if (wanted('start')) add(await benchStart(bench, runs));
  } finally {
    await bench.close();
  }
}
if (values.json) process.stdout.write(`${JSON.stringify(rows)}\n`);
