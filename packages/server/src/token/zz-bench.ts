import { mkdtemp } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { openStore } from '../store/store.ts';
import { claimsOf, continueFor, DB_AGENT, exchange, ORCHESTRATOR, openHowardsTask, openPlane } from './testing.ts';

const clock = { nowSeconds: () => Math.floor(Date.now() / 1000), nowMillis: () => Date.now() };
const store = await openStore({ file: join(await mkdtemp('/tmp/bench-'), 'x.db'), clock });
const after: (() => unknown)[] = [];
const plane = await openPlane({ after: (f: () => unknown) => after.push(f) } as never, store, { wallClock: true });
const task = await openHowardsTask(plane);
const first = await exchange(plane, ORCHESTRATOR, task.subjectToken, {
  audience: plane.aud('a2a', 'db/agent'),
  scope: 'db/agent:send files:read_file',
});
const cont = await continueFor(plane, first.body.access_token, DB_AGENT);
const agent = new Agent({ keepAlive: true, maxSockets: 16 });
const body = new URLSearchParams({
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  client_id: DB_AGENT,
  subject_token: cont,
  subject_token_type: 'urn:writ:params:oauth:token-type:continuation',
  audience: plane.aud('mcp', 'files'),
  scope: 'files:read_file',
}).toString();
const one = () =>
  new Promise<void>((ok, no) => {
    const r = request(
      `${plane.mtls}/oauth/token`,
      {
        agent,
        method: 'POST',
        headers: {
          'x-test-peer': DB_AGENT,
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': body.length,
        },
      },
      (res) => {
        res.resume();
        res.on('end', () => (res.statusCode === 200 ? ok() : no(new Error(String(res.statusCode)))));
      },
    );
    r.on('error', no);
    r.end(body);
  });
async function run(n: number) {
  let left = n;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (left-- > 0) await one();
    }),
  );
}
await run(500);
for (let i = 0; i < 3; i++) {
  const c = process.cpuUsage();
  const s = performance.now();
  plane.events.length = 0;
  await run(3000);
  const u = process.cpuUsage(c);
  console.log(
    ((3000 / (performance.now() - s)) * 1000).toFixed(0),
    'per s wall,',
    (3000 / ((u.user + u.system) / 1e6)).toFixed(0),
    'per cpu-s (client in the same process)',
  );
}
for (const f of after) await f();
await store.close();
process.exit(0);
