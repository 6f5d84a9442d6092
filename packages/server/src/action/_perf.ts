import { agent, answer, line, load, onServer, request, user } from './testing.ts';

const r = (asker: any) => ({ asker, target: onServer('files', 'read_file'), args: { path: '/srv/docs/a' } });
for (const n of [1, 10, 100, 1000]) {
  const lines = Array.from({ length: n }, (_, i) =>
    line(i % 2 ? 'claude/orchestrator' : 'db/agent', i % 3 ? 'files/read_file' : 'files/write_file', {
      where: new Map([['/path', { subpath: { root: `/srv/docs/${i}`, separator: '/' as const } }]]),
    }),
  );
  let t = performance.now();
  const p = load(lines);
  const loadMs = performance.now() - t;
  const q = request(r(agent('claude/orchestrator')));
  const times: number[] = [];
  for (let i = 0; i < 200; i++) {
    const t = performance.now();
    p.policy.evaluate(q);
    times.push(performance.now() - t);
  }
  times.sort((a, b) => a - b);
  t = performance.now();
  for (let i = 0; i < 50; i++) p.policy.couldPermit(user('howard'), onServer('files', 'read_file'));
  const cp = (performance.now() - t) / 50;
  console.log(
    n,
    'lines load',
    loadMs.toFixed(1),
    'ms eval p50',
    times[100]!.toFixed(3),
    'p99',
    times[198]!.toFixed(3),
    'couldPermit',
    cp.toFixed(3),
  );
}
const before = process.memoryUsage();
for (let i = 0; i < 300; i++) {
  load(
    Array.from({ length: 50 }, (_, k) =>
      line('db/agent', 'files/read_file', { where: new Map([['/path', { oneOf: [`${i}-${k}`] }]]) }),
    ),
  );
}
const p = load([]);
answer(p, r(agent('db/agent')));
for (let i = 0; i < 300; i++) {
  const q = load(
    Array.from({ length: 50 }, (_, k) =>
      line('db/agent', 'files/read_file', { where: new Map([['/path', { oneOf: [`${i}-${k}`] }]]) }),
    ),
  );
  answer(q, r(agent('db/agent')));
  if (i % 100 === 0) console.log(i, (process.memoryUsage().rss / 1e6).toFixed(0), 'MB rss');
}
console.log('rss', (before.rss / 1e6).toFixed(0), (process.memoryUsage().rss / 1e6).toFixed(0));
