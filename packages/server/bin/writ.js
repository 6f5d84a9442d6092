#!/usr/bin/env node
// Starts Writ on a Node that can run it. Plain JavaScript that Node 18 understands, because the system's Node may be old:
// then the Node 24 that came with the installation is used (design D16), and without one a sentence says what to do.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';

const nodeMajorMin = 24;
const fromHere = (path) => fileURLToPath(new URL(path, import.meta.url));

const built = fromHere('../dist/cli/main.js');
const source = fromHere('../src/cli/main.ts');
// A clone has sources and no build; sources of the other packages are found by the condition.
const program = existsSync(built) ? { main: built, flags: [] } : { main: source, flags: ['--conditions=writ-source'] };

const node = chooseNode();
if (node === null) {
  process.stderr.write(
    `writ: this is Node ${process.versions.node} and Writ needs Node ${nodeMajorMin} or newer; install it from https://nodejs.org, or reinstall with optional packages so that one comes along\n`,
  );
  process.exitCode = 2;
} else if (node === process.execPath && program.flags.length === 0) {
  await import(pathToFileURL(program.main).href);
} else {
  start(node, [...program.flags, program.main, ...process.argv.slice(2)]);
}

/** This Node when it is new enough, else the one among the installed packages, else null. */
function chooseNode() {
  if (Number.parseInt(process.versions.node, 10) >= nodeMajorMin) return process.execPath;
  try {
    const manifest = createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/package.json`);
    const path = fileURLToPath(new URL('./bin/node', pathToFileURL(manifest)));
    return existsSync(path) ? path : null;
  } catch {
    return null;
  }
}

function start(path, args) {
  if (typeof process.execve === 'function' && process.platform === 'linux') {
    // The same process goes on as another program: pid, signals and exit code are its own. It does not come back.
    process.execve(path, [path, ...args], process.env);
  }
  const child = spawn(path, args, { stdio: 'inherit' });
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
