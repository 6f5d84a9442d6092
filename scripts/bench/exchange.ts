// Token exchange at the plane's own listener: registry row, record and signature included, over kept connections with mutual TLS.
// Per core means per second of processor time that the plane's process used.

import { httpRequest } from '@writ/agent/node';
import { openCallers } from '../../test/sim/world.ts';
import { type Row, type Run, rate, row } from './figures.ts';
import { type BenchPlane, cpuSeconds } from './plane.ts';

const exchangesPerRun = 1000;
const warmExchanges = 400;
const callers = 16;

export async function benchExchange(bench: BenchPlane, runs: number): Promise<Row[]> {
  const { ready, session, dataDir, plane } = bench;
  const crew = await openCallers({ ready, session, dataDir, count: 1, round: 2 });
  const { dial, continuation, url, spiffeId } = crew.callers[0]!;
  const tokenUrl = String(ready.tokenMtls);
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    client_id: spiffeId,
    subject_token: continuation,
    subject_token_type: 'urn:writ:params:oauth:token-type:continuation',
    audience: url,
    scope: 'notes:read',
  }).toString();
  const exchange = async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const { status, body } = await httpRequest(dial, { url: tokenUrl, body: form, headers });
    const text = Buffer.concat(await body.toArray()).toString();
    if (status !== 200) throw new Error(`the exchange was answered ${status} ${text}`);
  };
  // The same listener, connection and HTTP, and a document that takes nothing to make.
  const metadata = async () => {
    const path = '/.well-known/oauth-protected-resource/mcp/notes';
    const { body } = await httpRequest(dial, { url: new URL(path, tokenUrl) });
    await body.toArray();
  };
  const perCore = async (work: () => Promise<void>, count: number): Promise<Run> => {
    const before = cpuSeconds(plane.pid);
    let left = count;
    const one = async () => {
      while (left-- > 0) await work();
    };
    await Promise.all(Array.from({ length: callers }, one));
    return rate(count / (cpuSeconds(plane.pid) - before));
  };
  try {
    await perCore(exchange, warmExchanges);
    const ours: Run[] = [];
    const theirs: Run[] = [];
    for (let i = 0; i < runs; i++) {
      ours.push(await perCore(exchange, exchangesPerRun));
      theirs.push(await perCore(metadata, exchangesPerRun));
    }
    return [
      row(
        {
          figure: 'token exchanges per second of processor time, row and record included',
          unit: '/s',
          baseline: 'a fixed document over the same connections',
          goal: '≥ 1,800/s per core',
        },
        ours,
        theirs,
      ),
    ];
  } finally {
    await crew.close();
  }
}
