// What the gateway adds to a call: the tool server asked directly, through the barest proxy, and through Writ with mutual TLS,
// three checks and a record on disk first. One call at a time, the three ways in turn, so that a busy machine is busy for all.

import { Agent, request } from 'node:http';
import { httpRequest } from '@writ/agent/node';
import { openCallers } from '../../test/sim/world.ts';
import { type Row, type Run, row, runOf } from './figures.ts';
import { type BenchPlane, startHelper } from './plane.ts';

const callsPerRun = 300;
const warmCalls = 100;

type Way = () => Promise<unknown>;

export async function benchGateway(bench: BenchPlane, runs: number): Promise<Row[]> {
  const { ready, session, dataDir, upstream, upstreamKey } = bench;
  const crew = await openCallers({ ready, session, dataDir, count: 1, round: 1 });
  const proxy = await startHelper('proxy', `http://127.0.0.1:${upstream.port}/mcp/notes`);
  const { url, token, dial } = crew.callers[0]!;
  const plain = new Agent({ keepAlive: true });
  const ways: readonly Way[] = [
    () => post(plain, upstream.port, upstreamKey),
    () => post(plain, proxy.port, upstreamKey),
    async () => {
      const headers = { ...HEADERS, authorization: `Bearer ${token}` };
      const { status, body } = await httpRequest(dial, { url, body: BODY, headers });
      await body.toArray();
      if (status !== 200) throw new Error(`the gateway answered ${status}`);
    },
  ];
  try {
    await inTurn(ways, warmCalls);
    const all: Run[][] = [[], [], []];
    for (let i = 0; i < runs; i++) {
      for (const [way, samples] of (await inTurn(ways, callsPerRun)).entries()) all[way]!.push(runOf(samples));
    }
    const [direct, proxied, writ] = all as [Run[], Run[], Run[]];
    const added = (through: readonly Run[]): Run[] =>
      through.map(({ p50, p99 }, i) => ({ p50: p50 - direct[i]!.p50, p99: p99! - direct[i]!.p99! }));
    return [
      row(
        {
          figure: 'latency the gateway adds to a call, against the same server asked directly',
          unit: 'ms',
          baseline: 'what a bare proxy without TLS, checks or record adds',
          goal: '≤ 1.0 ms p50; p99 beside the bare proxy’s',
        },
        added(writ),
        added(proxied),
      ),
      row(
        {
          figure: 'a call through the gateway, whole',
          unit: 'ms',
          baseline: 'the same server asked directly',
          goal: 'none',
        },
        writ,
        direct,
      ),
    ];
  } finally {
    plain.destroy();
    await proxy.stop();
    await crew.close();
  }
}

/** Milliseconds of `count` calls each way. */
async function inTurn(ways: readonly Way[], count: number): Promise<number[][]> {
  const millis = ways.map((): number[] => []);
  for (let i = 0; i < count; i++) {
    for (const [way, call] of ways.entries()) {
      const started = performance.now();
      await call();
      millis[way]!.push(performance.now() - started);
    }
  }
  return millis;
}

const HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
  'mcp-name': 'read',
};

const BODY = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name: 'read',
    arguments: { id: '7' },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
});

function post(agent: Agent, port: number, key: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { ...HEADERS, authorization: `Bearer ${key}` };
    const to = { agent, host: '127.0.0.1', port, method: 'POST', path: '/mcp/notes', headers };
    const sent = request(to, (answer) => {
      answer
        .resume()
        .once('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${answer.statusCode}`))));
    });
    sent.once('error', reject).end(BODY);
  });
}
