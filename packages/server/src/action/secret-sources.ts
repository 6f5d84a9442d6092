// The places a secret may be: the plane's environment, a file, the output of a command, its encrypted store. Read anew for every use, so that a
// rotation needs no restart; a command's answer is kept for a minute.

import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import type { SecretRef } from '../config/config.ts';
import { describe } from './broker/names.ts';

export type SecretFound =
  | { readonly value: string; readonly warning: string | null }
  /** Why there is none, in a sentence for the operator. */
  | { readonly says: string };

export interface SecretSources {
  read(reference: SecretRef): Promise<SecretFound>;
}

const secretBytesMax = 64 * 1024;
const commandMillisMax = 5000;
const commandKeptSeconds = 60;

export function createSecretSources(ports: {
  readonly environment: { readonly [name: string]: string | undefined };
  readonly clock: { nowSeconds(): number };
  /** The encrypted store; without it nothing is stored. */
  readonly stored?: { read(name: string): Promise<string | null> };
}): SecretSources {
  const answers = new Map<string, { readonly answer: Promise<SecretFound>; readonly untilSeconds: number }>();

  const fromCommand = (reference: Extract<SecretRef, { kind: 'command' }>): Promise<SecretFound> => {
    const key = JSON.stringify(reference.command);
    const kept = answers.get(key);
    if (kept && ports.clock.nowSeconds() < kept.untilSeconds) return kept.answer;
    const answer = runCommand(reference, ports.environment);
    answers.set(key, { answer, untilSeconds: ports.clock.nowSeconds() + commandKeptSeconds });
    // A failure is not kept: the next call may find the store unlocked.
    void answer.then((found) => {
      if ('says' in found) answers.delete(key);
    });
    return answer;
  };

  return {
    async read(reference) {
      if (reference.kind === 'file') return readSecretFile(reference);
      if (reference.kind === 'command') return fromCommand(reference);
      if (reference.kind === 'stored') return fromStore(reference, ports.stored);
      const value = ports.environment[reference.name];
      return value === undefined ? { says: `${describe(reference)} is not set` } : { value, warning: null };
    },
  };
}

async function fromStore(
  reference: Extract<SecretRef, { kind: 'stored' }>,
  stored: { read(name: string): Promise<string | null> } | undefined,
): Promise<SecretFound> {
  try {
    const value = (await stored?.read(reference.name)) ?? null;
    if (value !== null) return { value, warning: null };
    return { says: `${describe(reference)} is not there; \`writ credentials set ${reference.name}\` puts it there` };
  } catch (error) {
    return { says: error instanceof Error ? error.message : `${describe(reference)} cannot be read` };
  }
}

async function readSecretFile(reference: Extract<SecretRef, { kind: 'file' }>): Promise<SecretFound> {
  const name = describe(reference);
  try {
    await using file = await open(reference.path, 'r');
    const { mode, size } = await file.stat();
    if (size > secretBytesMax) return { says: `${name} is larger than any credential` };
    const warning =
      (mode & 0o077) === 0 ? null : `${name} can be read by others; \`chmod 600 ${reference.path}\` closes it`;
    return { value: withoutLineEnd(await file.readFile('utf8')), warning };
  } catch (error) {
    return { says: `${name} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})` };
  }
}

/** No shell, and no variables but those a helper needs to find itself and its home. What it prints on failure stays unsaid. */
function runCommand(
  reference: Extract<SecretRef, { kind: 'command' }>,
  environment: { readonly [name: string]: string | undefined },
): Promise<SecretFound> {
  const [program, ...args] = reference.command;
  const { PATH, HOME, LANG } = environment;
  const options = {
    timeout: commandMillisMax,
    maxBuffer: secretBytesMax,
    env: { PATH, HOME, LANG },
    killSignal: 'SIGKILL',
  } as const;
  return new Promise((resolve) => {
    execFile(program!, args, options, (error, stdout) => {
      if (error === null) resolve({ value: withoutLineEnd(stdout), warning: null });
      else
        resolve({
          says: `\`${program}\` gave no secret (${error.killed ? 'no answer in time' : `it ended with ${error.code}`})`,
        });
    });
  });
}

/** Editors and commands end their last line. */
function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}
