// Plays one scenario in a folder of its own. Commands are the real program, started through its launcher.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Scenario, Step } from './scenario.ts';

const launcher = resolve(import.meta.dirname, '../../packages/server/bin/writ.js');
const programs = resolve(import.meta.dirname, '../../node_modules/.bin');
const waitMillisMax = 15_000;

interface Running {
  readonly child: ChildProcess;
  readonly said: { stdout: string; stderr: string };
  readonly ended: Promise<number>;
}

interface Stage {
  readonly folder: string;
  readonly captured: Map<string, string>;
  readonly background: Running[];
  /** For the next command. */
  stdin: string | null;
  last: { stdout: string; stderr: string; exitCode: number | null };
}

export async function play(scenario: Scenario, folder: string): Promise<void> {
  for (const { name, text } of scenario.files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const stage: Stage = {
    folder,
    // So that a launched program can be this one.
    captured: new Map([
      ['NODE', process.execPath],
      ['WRIT', launcher],
    ]),
    background: [],
    stdin: null,
    last: { stdout: '', stderr: '', exitCode: null },
  };
  try {
    for (const step of scenario.steps) {
      await perform(stage, step).catch((error: unknown) => {
        const { stdout, stderr } = stage.background.at(-1)?.said ?? { stdout: '', stderr: '' };
        const told = [
          `stdout: ${stage.last.stdout}`,
          `stderr: ${stage.last.stderr}`,
          `background: ${stdout}${stderr}`,
        ].join('\n');
        throw new Error(`line ${step.line}: ${step.text}\n${error instanceof Error ? error.message : error}\n${told}`);
      });
    }
  } finally {
    for (const { child } of stage.background) child.kill('SIGKILL');
    await Promise.all(stage.background.map(({ ended }) => ended));
  }
}

async function perform(stage: Stage, step: Step): Promise<void> {
  const words = step.words.map((word) => fill(word, stage.captured));
  const verb = VERBS[step.verb];
  assert.ok(verb, `\`${step.verb}\` is no verb of a scenario`);
  await verb(stage, words, step);
}

type Verb = (stage: Stage, words: readonly string[], step: Step) => void | Promise<void>;

const VERBS: { readonly [verb: string]: Verb | undefined } = {
  async writ(stage, words, { background, negated, into }) {
    const running = start(stage, words);
    if (background) {
      stage.background.push(running);
      return;
    }
    const exitCode = await running.ended;
    stage.last = { ...running.said, exitCode };
    if (into !== null) writeFileSync(join(stage.folder, fill(into, stage.captured)), running.said.stdout);
    if (negated) assert.notEqual(exitCode, 0, 'it was to fail');
    else assert.equal(exitCode, 0);
  },
  stdin(stage, [text]) {
    stage.stdin = `${text}\n`;
  },
  exit({ last }, [code]) {
    assert.equal(String(last.exitCode), code);
  },
  stdout: says('stdout'),
  stderr: says('stderr'),
  capture(stage, [name, pattern]) {
    const found = new RegExp(pattern!, 'm').exec(stage.last.stdout)?.[1];
    assert.ok(found !== undefined, `nothing matches ${pattern}`);
    stage.captured.set(name!, found);
  },
  async 'wait-for'(stage, [pattern]) {
    const running = stage.background.at(-1);
    assert.ok(running, 'nothing runs in the background');
    await until(running, new RegExp(pattern!, 'm'));
    stage.last = { ...running.said, exitCode: null };
  },
  async stop(stage) {
    const running = stage.background.pop();
    assert.ok(running, 'nothing runs in the background');
    running.child.kill('SIGINT');
    const exitCode = await running.ended;
    stage.last = { ...running.said, exitCode };
    assert.equal(exitCode, 0);
  },
  cp: ({ folder }, [from, to]) => cpSync(join(folder, from!), join(folder, to!), { recursive: true }),
  mkdir: ({ folder }, [path]) => void mkdirSync(join(folder, path!), { recursive: true }),
  chmod: ({ folder }, [mode, path]) => chmodSync(join(folder, path!), Number.parseInt(mode!, 8)),
  append: ({ folder }, [path, text]) => appendFileSync(join(folder, path!), `${text}\n`),
  exists({ folder }, [path], { negated }) {
    assert.equal(existsSync(join(folder, path!)), !negated);
  },
};

function says(channel: 'stdout' | 'stderr'): Verb {
  return ({ last }, [pattern], { negated }) => {
    (negated ? assert.doesNotMatch : assert.match)(last[channel], new RegExp(pattern!, 'm'));
  };
}

/** `$NAME`; an unknown name is a mistake in the scenario. */
function fill(word: string, captured: ReadonlyMap<string, string>): string {
  return word.replace(/\$([A-Z][A-Z0-9_]*)/g, (_, name: string) => {
    const value = captured.get(name);
    assert.ok(value !== undefined, `\`$${name}\` was not captured`);
    return value;
  });
}

function start(stage: Stage, words: readonly string[]): Running {
  const env = { PATH: `${programs}:/usr/bin:/bin`, HOME: join(stage.folder, '.home'), LANG: 'C.UTF-8' };
  const child = spawn(process.execPath, [launcher, ...words], { cwd: stage.folder, env, stdio: 'pipe' });
  child.stdin.on('error', () => {}); // a program need not read what it is given
  child.stdin.end(stage.stdin ?? '');
  stage.stdin = null;
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (part: string) => (said.stdout += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (said.stderr += part));
  const ended = once(child, 'close').then(([code]) => (code as number | null) ?? -1);
  return { child, said, ended };
}

async function until({ child, said, ended }: Running, pattern: RegExp): Promise<void> {
  const signal = AbortSignal.timeout(waitMillisMax);
  const left = ended.then((code) => `it ended with ${code}`);
  while (!pattern.test(said.stdout)) {
    const more = once(child.stdout!, 'data', { signal }).then(
      () => null,
      () => `it did not say so in ${waitMillisMax} ms`,
    );
    const failed = await Promise.race([more, left]);
    if (failed !== null && !pattern.test(said.stdout)) throw new Error(failed);
  }
}
