// One writer per log. The lock itself is the kernel's, held through SQLite because Node has no other way to ask for one:
// it cannot be taken twice and dies with the process, so there is no stale lock to judge and no race in taking one over.
// The file `writer` beside it only names the holder, for the sentence that a second writer gets.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AuditRefused } from './errors.ts';

export interface WriterLock {
  release(): void;
}

/** Throws `AuditRefused` while another process, or another log of this one, holds the directory. */
export function lockForWriting(dir: string, time: string): WriterLock {
  const database = new DatabaseSync(join(dir, 'lock'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!(error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy)) throw error;
    throw new AuditRefused(
      `${holderOf(dir)} writes to the audit log in \`${dir}\`: stop it, or give this one a folder of its own`,
    );
  }
  writeFileSync(join(dir, 'writer'), `${process.pid} ${startTimeOf(process.pid)} ${time}\n`);
  return { release: () => database.close() };
}

const sqliteBusy = 5;

function holderOf(dir: string): string {
  try {
    const [pid, startTime, since] = readFileSync(join(dir, 'writer'), 'utf8').trim().split(' ');
    // A process id alone may meanwhile belong to another process.
    if (startTime === startTimeOf(Number(pid))) return `process ${pid} (since ${since})`;
  } catch {
    // The name is a courtesy; the lock stands without it.
  }
  return 'another process';
}

/** Clock ticks between boot and the start of a process (proc(5), `stat` field 22); a dash where there is no /proc. */
function startTimeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in field 2 may hold spaces and brackets; what follows its last bracket does not.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
  } catch {
    return '-';
  }
}
