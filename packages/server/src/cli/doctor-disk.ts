// How long a record takes to be durable on this disk: every call that is not a plain read waits for it (design D10).

import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Finding } from './doctor.ts';

const writes = 200;
/** A sector-sized record, as the log writes them. */
const bytesPerWrite = 512;

export interface FlushTimes {
  readonly p50Millis: number;
  readonly p99Millis: number;
}

export async function diskFindings(dataDir: string): Promise<readonly Finding[]> {
  const folder = existingFolder(dataDir);
  try {
    const probe = mkdtempSync(join(folder, '.writ-doctor-'));
    try {
      return [judgeFlush(measureFlush(join(probe, 'probe')), folder), judgeFileClock(probe)];
    } finally {
      rmSync(probe, { recursive: true, force: true });
    }
  } catch (error) {
    const says = `no file can be written in \`${folder}\`: ${(error as Error).message}`;
    return [
      {
        check: 'disk',
        state: 'fail',
        says,
        fix: 'free space, change the owner of the folder, or point `data` to another disk',
      },
    ];
  }
}

/** Writes with O_DSYNC: each returns when the bytes are where a power cut does not reach them, if the disk tells the truth. */
function measureFlush(path: string): FlushTimes {
  const file = openSync(path, constants.O_CREAT | constants.O_WRONLY | constants.O_DSYNC, 0o600);
  try {
    const record = Buffer.alloc(bytesPerWrite, 0x77);
    const times: number[] = [];
    for (let i = 0; i < writes; i++) {
      const before = performance.now();
      writeSync(file, record, 0, bytesPerWrite, i * bytesPerWrite);
      times.push(performance.now() - before);
    }
    times.sort((a, b) => a - b);
    return { p50Millis: times[Math.floor(writes * 0.5)]!, p99Millis: times[Math.floor(writes * 0.99)]! };
  } finally {
    closeSync(file);
  }
}

export function judgeFlush({ p50Millis, p99Millis }: FlushTimes, folder: string): Finding {
  const measured = `a flushed write takes ${shown(p50Millis)} ms (p50) and ${shown(p99Millis)} ms (p99) in \`${folder}\``;
  if (p50Millis < 0.02) {
    return {
      check: 'disk',
      state: 'warn',
      says: `${measured}: faster than a disk can be, so a power cut would take acknowledged records with it`,
      fix: 'keep `data` on a disk and not in memory (tmpfs), or accept it for a demo',
    };
  }
  if (p50Millis > 10) {
    const fix = 'put `data` on an SSD; calls share flushes, so many at once suffer less';
    return {
      check: 'disk',
      state: 'warn',
      says: `${measured}: every call with an effect waits that long for its record`,
      fix,
    };
  }
  const meaning =
    p50Millis < 1 ? 'calls hardly notice their record' : 'usual for a cloud disk; calls with an effect wait that long';
  return { check: 'disk', state: 'ok', says: `${measured}: ${meaning}`, fix: null };
}

/** A file server with another clock would date records and leases differently. */
function judgeFileClock(probe: string): Finding {
  const apartSeconds = Math.abs(statSync(probe).ctimeMs - Date.now()) / 1000;
  if (apartSeconds <= 1)
    return { check: 'clock', state: 'ok', says: 'the file system and this machine agree on the time', fix: null };
  return {
    check: 'clock',
    state: 'fail',
    says: `the file system is ${Math.round(apartSeconds)} s away from this machine's clock`,
    fix: 'let both follow one time server; tokens and leases live by this clock',
  };
}

function existingFolder(path: string): string {
  return existsSync(path) ? path : existingFolder(dirname(path));
}

function shown(millis: number): string {
  return millis < 1 ? millis.toFixed(3) : millis.toFixed(1);
}
