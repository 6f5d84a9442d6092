// A real OPA server with our Rego and its data, on a port of its own.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../free-port.ts';

export interface OpaServer {
  readonly origin: string;
  /** Resolves once it has ended. */
  stop(): Promise<void>;
}

export const regoFolder = join(import.meta.dirname, 'rego');

/** The program that `npm run interop` built. */
export function opaProgram(): string {
  const program = process.env.WRIT_INTEROP_OPA;
  assert.ok(program, 'WRIT_INTEROP_OPA names no program; `npm run interop` builds one');
  return program;
}

export async function startOpa(): Promise<OpaServer> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const options = ['--addr', `127.0.0.1:${port}`, '--log-level', 'error', '--disable-telemetry'];
  const files = ['writ.rego', 'data.json'].map((name) => join(regoFolder, name));
  const opa = spawn(opaProgram(), ['run', '--server', ...options, ...files], { stdio: 'ignore' });
  const ended = new Promise<void>((done) => opa.once('exit', () => done()));
  const isReady = () =>
    fetch(`${origin}/health?plugins`).then(
      ({ ok }) => ok,
      () => false,
    );
  for (let tries = 0; !(await isReady()); tries++) {
    assert.ok(tries < 200 && opa.exitCode === null, 'OPA did not start');
    await delay(50);
  }
  return {
    origin,
    async stop() {
      opa.kill();
      await ended;
    },
  };
}
