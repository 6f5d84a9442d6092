// Agents of the demo as processes of their own, each started by `writ run` and told what to try over its stdin.

import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Step } from './agents/steps.ts';
import type { DemoWorld } from './setup.ts';

export interface AgentProcess {
  /** Tells the agent one thing to try and waits for its one line. */
  order(order: { readonly [member: string]: string }): Promise<Step>;
  /** The next line by itself, for an agent that needs no order. */
  next(): Promise<Step>;
  stop(): Promise<void>;
}

const answerMillisMax = 30_000;

export async function launchAgent(
  world: DemoWorld,
  agent: string,
  script: string,
  { port, task }: { readonly port?: number; readonly task?: string } = {},
): Promise<AgentProcess> {
  const program = [process.execPath, '--conditions=writ-source', join(import.meta.dirname, 'agents', script)];
  const child = spawn(
    process.execPath,
    [
      '--conditions=writ-source',
      resolve('packages/server/src/cli/main.ts'),
      'run',
      '--data',
      world.dataDir,
      '--agent',
      agent,
      ...(task ? ['--task', task] : []),
      '--',
      ...program,
      ...(port ? [String(port)] : []),
    ],
    { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, WRIT_SESSION: world.plane.demoSession ?? '' } },
  );
  const lines = readLines(child, agent);
  await lines.next();
  return {
    async order(order) {
      child.stdin!.write(`${JSON.stringify(order)}\n`);
      return lines.next();
    },
    next: () => lines.next(),
    async stop() {
      if (child.exitCode !== null) return;
      const gone = new Promise((done) => child.once('exit', done));
      child.stdin!.end('{"stop":"now"}\n');
      const timer = setTimeout(() => child.kill('SIGTERM'), 3000);
      await gone;
      clearTimeout(timer);
    },
  };
}

function readLines(child: ChildProcess, agent: string) {
  const waiting: { resolve: (step: Step) => void; reject: (error: Error) => void }[] = [];
  const held: Step[] = [];
  let rest = '';
  let errors = '';
  let ended: Error | null = null;
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    rest += text;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const step = JSON.parse(rest.slice(0, end)) as Step;
      rest = rest.slice(end + 1);
      const first = waiting.shift();
      if (first) first.resolve(step);
      else held.push(step);
    }
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  child.on('exit', (code) => {
    ended = new Error(`${agent} ended with ${code}: ${errors.trim()}`);
    for (const { reject } of waiting.splice(0)) reject(ended);
  });
  return {
    next: () =>
      new Promise<Step>((resolve, reject) => {
        const step = held.shift();
        if (step) return resolve(step);
        if (ended) return reject(ended);
        const timer = setTimeout(() => reject(new Error(`${agent} did not answer: ${errors.trim()}`)), answerMillisMax);
        waiting.push({
          resolve: (found) => {
            clearTimeout(timer);
            resolve(found);
          },
          reject: (error) => {
            clearTimeout(timer);
            reject(error);
          },
        });
      }),
  };
}
