// The real program as a process of its own: started as an operator starts it, and ended as nobody would.

import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject, type JsonObject, parseStrictJsonText } from '@writ/core';

const program = resolve(import.meta.dirname, '../../packages/server/src/cli/main.ts');
const launcher = resolve(import.meta.dirname, '../../packages/server/bin/writ.js');

export interface ChildPlane {
  readonly pid: number;
  /** The ready line, contract §4. Rejects with what it said when it ends first. */
  readonly ready: Promise<JsonObject>;
  /** From the start of the process to its ready line. */
  readyMillis(): number;
  /** Stands still for so long, as under a debugger or on a machine that swaps. */
  freeze(millis: number): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with its exit code. */
  stop(): Promise<number | null>;
}

export function startChildPlane(config: string, env: { readonly [name: string]: string }): ChildPlane {
  const startedMillis = performance.now();
  const child = spawn(process.execPath, [launcher, 'up', '--json', '--config', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let readyMillis = Number.NaN;
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  const gone = new Promise<number | null>((resolveGone) => child.once('close', resolveGone));
  const ready = new Promise<JsonObject>((resolveReady, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const parsed = parseStrictJsonText(line);
      if (!parsed.ok || !isJsonObject(parsed.value) || parsed.value.event !== 'ready') return;
      readyMillis = performance.now() - startedMillis;
      resolveReady(parsed.value);
    });
    gone.then((code) => reject(new Error(`the plane ended with ${code} before it was ready: ${said}`)));
  });
  ready.catch(() => {}); // nobody waits for a plane that is killed while it starts
  return {
    pid: child.pid!,
    ready,
    readyMillis: () => readyMillis,
    async freeze(millis) {
      child.kill('SIGSTOP');
      await sleep(millis);
      child.kill('SIGCONT');
    },
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
    async stop() {
      child.kill('SIGTERM');
      return gone;
    },
  };
}

/** One command of the program; its exit code and the JSON on its standard output. */
export function runProgram(words: readonly string[]): Promise<{ exitCode: number | null; answer: JsonObject }> {
  const child = spawn(process.execPath, ['--conditions=writ-source', program, ...words], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  return new Promise((resolveRun) => {
    child.once('close', (exitCode) => {
      const parsed = parseStrictJsonText(text);
      resolveRun({ exitCode, answer: parsed.ok && isJsonObject(parsed.value) ? parsed.value : {} });
    });
  });
}
