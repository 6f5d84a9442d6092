// Kills a writer under load, again and again, and looks for what it had acknowledged:
//   node --conditions=writ-source crash-check.ts --rounds 500 --seed 7
// A killed process leaves the page cache alone, so this shows that the log is honest about a crash, not about a power cut;
// torn writes are simulated in recover.test.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type NoteSigner, toHex } from '@writ/core';
import { chance } from './fixture.ts';
import { type AuditLog, openAuditLog } from './log.ts';
import { verifyAudit } from './verify-audit.ts';

export interface CrashReport {
  readonly rounds: number;
  /** Records that the writers had acknowledged before they were killed. */
  readonly acknowledged: number;
  /** Acknowledged and not there, or not the same. */
  readonly lost: number;
  /** There though never acknowledged: allowed, their callers were told nothing. */
  readonly unannounced: number;
  readonly wipedTails: number;
  /** Codes of what `verifyAudit` found wrong. */
  readonly findings: readonly string[];
}

const callers = 16;
/** Rounds on one folder before a fresh one, so that verification stays short. */
const roundsPerFolder = 10;
const segmentBytes = 2 ** 20;

export async function crashCheck({ rounds, seed }: { rounds: number; seed: number }): Promise<CrashReport> {
  const random = chance(seed);
  const total = { rounds, acknowledged: 0, lost: 0, unannounced: 0, wipedTails: 0, findings: [] as string[] };
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  for (let done = 0; done < rounds; done += roundsPerFolder) {
    const dir = await mkdtemp(join(tmpdir(), 'writ-crash-'));
    try {
      let size = 0;
      for (let round = done; round < Math.min(rounds, done + roundsPerFolder); round += 1) {
        const acknowledged = await killedWriter(dir, pem, round, random);
        const log = await openLog(dir, pem);
        total.acknowledged += acknowledged.size;
        total.lost += await countLost(log, acknowledged);
        total.unannounced += log.head().size - size - acknowledged.size;
        total.wipedTails += log.wiped ? 1 : 0;
        size = log.head().size;
        await log.close();
        const { findings } = await verifyAudit(dir, { vkeys: [log.vkey] });
        total.findings.push(...findings.map(({ code }) => `${code} in round ${round}`));
      }
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
  return total;
}

async function countLost(log: AuditLog, acknowledged: ReadonlyMap<number, string>): Promise<number> {
  let lost = 0;
  for (const [sequence, leaf] of acknowledged) {
    const entry = await log.read(sequence);
    if (!entry || toHex(entry.leaf) !== leaf) lost += 1;
  }
  return lost;
}

/** Runs a writer, kills it, and answers what it had acknowledged: leaf hash by sequence. */
async function killedWriter(
  dir: string,
  pem: string,
  round: number,
  random: () => number,
): Promise<Map<number, string>> {
  const args = ['--conditions=writ-source', import.meta.filename, '--writer', dir, '--round', String(round)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(pem);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // Most are killed while they write, some while they still open the log or have not begun to.
  if (random() < 0.8) await Promise.race([firstOutput(child), gone]);
  await sleep(random() * 100);
  if (child.exitCode !== null) throw new Error(`the writer of round ${round} ended by itself with ${child.exitCode}`);
  child.kill('SIGKILL');
  await gone;
  // The last line may be cut; a cut acknowledgement was not read by anybody.
  const lines = output
    .slice(0, output.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean);
  return new Map(lines.map((line) => [Number(line.split(' ')[0]), line.split(' ')[1]!]));
}

function firstOutput(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.stdout!.once('data', () => resolve()));
}

/** The child: callers that append as fast as they are answered, and say so on stdout once it is safe. */
async function writeUntilKilled(dir: string, round: string): Promise<void> {
  let pem = '';
  for await (const text of process.stdin.setEncoding('utf8')) pem += text;
  const log = await openLog(dir, pem);
  let n = 0;
  const caller = async () => {
    for (;;) {
      n += 1;
      const text = 'x'.repeat((n * 7919) % 1500);
      const { sequence, leaf, durable } = log.append({ kind: 'event', id: `${round}-${n}`, time, text });
      await durable;
      writeSync(1, `${sequence} ${toHex(leaf)}\n`);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

const time = '2026-11-24T12:00:00.000Z';

function openLog(dir: string, pem: string): Promise<AuditLog> {
  const privateKey = createPrivateKey(pem);
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const key: NoteSigner = {
    name: 'crash.example/writ/1',
    publicKey: new Uint8Array(spki.subarray(-32)),
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  };
  const clock = { nowMillis: () => Date.now() };
  return openAuditLog({ dir, origin: key.name, key, clock, segmentBytes, checkpointMillis: 20 });
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '50' },
      seed: { type: 'string', default: '1' },
      writer: { type: 'string' },
      round: { type: 'string', default: '0' },
    },
  });
  if (values.writer) {
    await writeUntilKilled(values.writer, values.round);
  } else {
    const report = await crashCheck({ rounds: Number(values.rounds), seed: Number(values.seed) });
    process.stdout.write(`${JSON.stringify(report)}\n`);
    process.exitCode = report.lost === 0 && report.findings.length === 0 ? 0 : 1;
  }
}
