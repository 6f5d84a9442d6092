// `npm run interop`: the plane against programs that we did not write. One line a peer; ends with `N passed, N failed, N skipped`.
// A peer that is not here is skipped with the reason, except in CI, where the first tier has to be complete.
// `--write` keeps what was measured in docs/conformance.json and renews docs/conformance.md.

import { parseArgs } from 'node:util';
import type { Peer } from './interop/peer.ts';
import { peers } from './interop/peers.ts';
import { type PeerResult, runPeer } from './interop/run-peer.ts';
import { keepConformance, type PeerFigures } from './lib/conformance.ts';
import { generatedDocs } from './lib/generated-docs.ts';
import { type Counts, total } from './lib/run-tests.ts';

const { values, positionals } = parseArgs({
  options: { tier: { type: 'string' }, write: { type: 'boolean', default: false } },
  allowPositionals: true,
});
if (values.tier !== undefined && !['1', '2'].includes(values.tier)) {
  console.error(`\`--tier ${values.tier}\` is not a tier; there are 1 and 2`);
  process.exit(2);
}
const tier = values.tier === undefined ? 2 : Number(values.tier);
const ci = process.env.CI === 'true';
const chosen = peers.filter(
  ({ name, tier: of }) =>
    of <= tier &&
    (positionals.length === 0 || positionals.some((word) => name.toLowerCase().includes(word.toLowerCase()))),
);
if (chosen.length === 0) {
  console.error(
    `no peer is called ${positionals.map((word) => `\`${word}\``).join(' or ')}; there are ${peers.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}

const sum: Counts = { passed: 0, failed: 0, skipped: 0 };
const width = Math.max(...chosen.map(({ name }) => name.length));
/** All peers together, unless somebody asked for this one. */
const wholeMillisMax = 12 * 60_000;
const measured: Record<string, PeerFigures> = {};
for (const peer of chosen) {
  const result = await runPeer(peer, positionals.length > 0 ? undefined : wholeMillisMax - performance.now());
  const counts = countsOf(peer, result);
  for (const kind of ['passed', 'failed', 'skipped'] as const) sum[kind] += counts[kind];
  console.log(lineOf(peer, result, counts));
  if (result.state !== 'ran') continue;
  measured[peer.name] = { version: result.version, ...counts, notYet: result.notYet };
  for (const { title, says } of result.notYet) console.log(`    not yet: ${title}: ${says}`);
  for (const { title, says } of result.failures) console.log(`    ${title}\n${says.replace(/^/gm, '      ')}`);
}
if (values.write) {
  keepConformance({ peers: measured });
  generatedDocs({ write: true });
}
console.log(total(sum));
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0;

function countsOf(peer: Peer, result: PeerResult): Counts {
  if (result.state === 'ran') return result.counts;
  const missing = ci && peer.tier === 1;
  return { passed: 0, failed: missing ? 1 : 0, skipped: missing ? 0 : 1 };
}

function lineOf({ name }: Peer, result: PeerResult, counts: Counts): string {
  const named = name.padEnd(width);
  if (result.state === 'absent') return `${counts.failed > 0 ? 'FAILED' : 'absent'}  ${named}  ${result.reason}`;
  const word = counts.failed > 0 ? 'FAILED' : 'passed';
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  const tally =
    counts.failed > 0 ? `${counts.failed} of ${counts.passed + counts.failed} failed` : `${counts.passed} passed`;
  return `${word}  ${named}  ${result.version.padEnd(12)} ${tally}${skipped} in ${result.seconds.toFixed(1)} s`;
}
