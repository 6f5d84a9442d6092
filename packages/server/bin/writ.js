#!/usr/bin/env node
// Starts Writ on a Node that can run it. Plain JavaScript that Node 18 understands, because the system's Node may be old:
// then the Node 24 that came with the installation is used (design D16), and without one a sentence says what to do.

import { spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import * as modules from 'node:module';
import { constants, homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const nodeMajorMin = 24;
const fromHere = (path) => fileURLToPath(new URL(path, import.meta.url));

const built = fromHere('../dist/cli/main.js');
const source = fromHere('../src/cli/main.ts');
// A clone has sources and no build; sources of the other packages are found by the condition.
const program = existsSync(built) ? { main: built, flags: [] } : { main: source, flags: ['--conditions=writ-source'] };
const isPlane = process.argv[2] === 'up';
// A plane lives long and rests much; left to itself V8 keeps 64 MB of young space for a start that is long over, and glibc an
// arena of freed memory for each of its threads.
if (isPlane) program.flags.push('--max-semi-space-size=8');
const environment = isPlane ? { MALLOC_ARENA_MAX: '2', ...process.env } : process.env;

const node = chooseNode();
if (node === null) {
  process.stderr.write(
    `writ: this is Node ${process.versions.node} and Writ needs Node ${nodeMajorMin} or newer; install it from https://nodejs.org, or reinstall with optional packages so that one comes along\n`,
  );
  process.exitCode = 2;
} else if (node === process.execPath && program.flags.every((flag) => process.execArgv.includes(flag))) {
  keepCompiled();
  await import(pathToFileURL(program.main).href);
} else {
  // Once more through this file, with the flags.
  start(node, [...program.flags, fileURLToPath(import.meta.url), ...process.argv.slice(2)]);
}

/**
 * Compiled code is kept between starts, in a folder that only this user can write: what stands there is run. A start is quicker
 * for it, and smaller, because sources need not be read again. Without such a folder nothing is kept.
 */
function keepCompiled() {
  try {
    const asked = process.env.XDG_CACHE_HOME ?? '';
    const cache = join(isAbsolute(asked) ? asked : join(homedir(), '.cache'), 'writ');
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(cache);
    // A link shows as writable by all, so it is none either.
    if (uid !== process.getuid?.() || (mode & 0o022) !== 0) return;
    modules.enableCompileCache?.(cache);
    // Node writes it at the end, which a plane may not live to see.
    setTimeout(() => modules.flushCompileCache?.(), 10_000).unref();
  } catch {
    // No home, or none that can be written: every start compiles anew.
  }
}

/** This Node when it is new enough, else the one among the installed packages, else null. */
function chooseNode() {
  if (Number.parseInt(process.versions.node, 10) >= nodeMajorMin) return process.execPath;
  try {
    const manifest = modules
      .createRequire(import.meta.url)
      .resolve(`node-${process.platform}-${process.arch}/package.json`);
    const path = fileURLToPath(new URL('./bin/node', pathToFileURL(manifest)));
    return existsSync(path) ? path : null;
  } catch {
    return null;
  }
}

function start(path, args) {
  if (typeof process.execve === 'function' && process.platform === 'linux') {
    // The same process goes on as another program: pid, signals and exit code are its own. It does not come back.
    process.execve(path, [path, ...args], environment);
  }
  const child = spawn(path, args, { stdio: 'inherit', env: environment });
  const passed = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];
  for (const signal of passed) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`writ: \`${path}\` cannot be started: ${error.message}\n`);
    process.exitCode = 2;
  });
  child.on('exit', (code, signal) => {
    for (const one of passed) process.removeAllListeners(one);
    // Whoever waits for this process sees the end of the real one: by the same signal where it was one.
    if (signal !== null) process.kill(process.pid, signal);
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
