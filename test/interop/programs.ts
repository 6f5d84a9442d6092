// Runs a program to its end and keeps what it said.

import { spawn } from 'node:child_process';

export interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const programMillisMax = 20_000;

export function runProgram(command: string, args: readonly string[], stdin = '', cwd?: string): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: 'pipe',
      timeout: programMillisMax,
      env: { ...process.env, LC_ALL: 'C' },
      ...(cwd === undefined ? {} : { cwd }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    // A peer that is refused may be gone before it has read everything.
    child.stdin.on('error', () => {});
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
    child.stdin.end(stdin);
  });
}
