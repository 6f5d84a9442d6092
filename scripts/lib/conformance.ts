// What was measured against programs that we did not write, kept as data (docs/conformance.json), and the page that is made of it.
// The data are written by `npm run interop -- --write`, which runs the peers; the check only sees that the page fits the data.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Peer } from '../interop/peer.ts';

export interface PeerFigures {
  readonly version: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What is known not to work with it yet, and why. */
  readonly notYet: readonly { readonly title: string; readonly says: string }[];
}

/** Random worlds on which two evaluators of one language were compared. */
export interface Differential {
  readonly oracle: string;
  readonly seed: number;
  readonly worlds: number;
  readonly requests: number;
  readonly allowed: number;
  readonly forbidden: number;
  readonly failing: number;
  readonly refused: number;
  readonly unsupported: number;
  readonly differences: number;
}

export interface Conformance {
  /** By name of the peer. */
  readonly peers: { readonly [name: string]: PeerFigures };
  readonly cedar: Differential | null;
}

const file = 'docs/conformance.json';

export function readConformance(): Conformance {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Conformance) : { peers: {}, cedar: null };
}

/** Merges: what did not run keeps what it had. */
export function keepConformance(some: Partial<Conformance>): void {
  const held = readConformance();
  const kept: Conformance = { cedar: some.cedar ?? held.cedar, peers: { ...held.peers, ...some.peers } };
  writeFileSync(file, `${JSON.stringify(kept, null, 2)}\n`);
}

export function conformancePage(peers: readonly Peer[], held: Conformance = readConformance()): string {
  const lines = [
    '# Conformance',
    '',
    'Writ against programs that we did not write. Made from `docs/conformance.json`, which `npm run interop -- --write` renews with what',
    'it has just measured; a peer that is missing on that machine keeps its last figures. `test/interop/README.md` says how they are run.',
    '',
    '## Peers',
    '',
    '| peer | version | tier | passed | failed | not yet | what it shows |',
    '|---|---|---|---|---|---|---|',
    ...peers.map((peer) => peerLine(peer, held.peers[peer.name])),
    ...notYetLines(peers, held),
    '',
    '## Cedar, compiled, against cedar-wasm',
    '',
    ...cedarLines(held.cedar),
  ];
  return `${lines.join('\n')}\n`;
}

function peerLine({ name, tier, shows }: Peer, figures: PeerFigures | undefined): string {
  const measured = figures
    ? [figures.version, tier, figures.passed, figures.failed, figures.skipped]
    : ['not measured yet', tier, '', '', ''];
  return `| ${[name, ...measured, shows].join(' | ')} |`;
}

function notYetLines(peers: readonly Peer[], { peers: figures }: Conformance): readonly string[] {
  const open = peers.flatMap(({ name }) =>
    (figures[name]?.notYet ?? []).map(({ title, says }) => `- ${name}: ${title}: ${says}`),
  );
  return open.length === 0 ? [] : ['', 'Not yet:', '', ...open];
}

function cedarLines(found: Differential | null): readonly string[] {
  const about = [
    'Random entities, policies and requests; both evaluators have to give the same decision, the same determining policies, the same',
    'failing policies for the same kind of reason, and refuse the same inputs. `scripts/keep-differential.ts` says how it is measured; a',
    'smaller run is part of `npm test`, as are Cedar’s own integration tests and corpus.',
    '',
  ];
  if (found === null) return [...about, 'Not measured yet.'];
  return [
    ...about,
    '| figure | |',
    '|---|---|',
    `| oracle | cedar-wasm ${found.oracle} |`,
    `| first seed | ${found.seed} |`,
    `| worlds | ${found.worlds} |`,
    `| requests | ${found.requests} |`,
    `| allowed | ${found.allowed} |`,
    `| forbidden by a policy | ${found.forbidden} |`,
    `| with a policy that fails | ${found.failing} |`,
    `| inputs refused by both | ${found.refused} |`,
    `| policies the compiler did not know | ${found.unsupported} |`,
    `| **differences** | **${found.differences}** |`,
  ];
}
