// A real OPA server with a Rego policy of ours, asked over its REST API, and the verdict joined to a whole plane's own policy: both
// have to say yes.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { PolicyRequest } from '@writ/core';
import { openOpa } from '../../packages/server/src/action/remote/opa-rest.ts';
import { remotePolicy } from '../../packages/server/src/action/remote/remote-policy.ts';
import type { RemoteEngine } from '../../packages/server/src/action/remote/verdict.ts';
import { freePort } from '../free-port.ts';
import { runProgram } from './programs.ts';

const program = process.env.WRIT_INTEROP_OPA;
assert.ok(program, 'WRIT_INTEROP_OPA names no program; `npm run interop` builds one');

let opa: ChildProcess;
let origin: string;
let scratch: string;
let policyRead = false;
const engines: RemoteEngine[] = [];
const rego = join(import.meta.dirname, 'rego', 'writ.rego');

before(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'writ-opa-'));
  writeFileSync(join(scratch, 'data.json'), JSON.stringify({ shared: '/shared/', suspended: ['eve'] }));
  const port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  const args = ['run', '--server', '--addr', `127.0.0.1:${port}`, '--log-level', 'error', '--disable-telemetry'];
  opa = spawn(program, [...args, rego, join(scratch, 'data.json')], { stdio: 'ignore' });
  for (let tries = 0; tries < 200 && !policyRead; tries++) {
    policyRead = await fetch(`${origin}/health?plugins`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (!policyRead) await delay(50);
  }
  assert.ok(policyRead, 'OPA did not start');
});

after(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  const ended = opa && new Promise((done) => opa.once('exit', done));
  opa?.kill();
  await ended;
  rmSync(scratch, { recursive: true, force: true });
});

function engine(rule = 'allow', sends: readonly string[] = ['/path']): RemoteEngine {
  const opened = openOpa({ name: 'opa', url: `${origin}/v1/data/writ/${rule}`, sends, deadlineMillis: 2_000 });
  engines.push(opened);
  return opened;
}

interface Over {
  readonly name?: string;
  readonly path?: string;
  readonly depth?: number;
  readonly root?: string;
}

function asked({
  name = 'read_text_file',
  path = '/shared/report.md',
  depth = 1,
  root = 'howard',
}: Over = {}): PolicyRequest {
  const actor = 'spiffe://zylos.local/claude/orchestrator';
  return {
    asker: { kind: 'agent', spiffeId: actor },
    target: { kind: 'server', server: 'files', name },
    operation: 'tools/call',
    arguments: { path },
    context: {
      actor,
      root: { iss: 'http://127.0.0.1:8420', sub: root },
      via: Array.from({ length: depth }, (_, i) => (i === depth - 1 ? actor : `spiffe://zylos.local/a/${i}`)),
      depth,
      task: 'tsk_1',
      scopes: [`files:${name}`],
      protocol: 'mcp',
      nowSeconds: 1_795_000_000,
    },
  };
}

test('the policy passes OPA’s own strict check', async () => {
  const said = await runProgram(program, ['check', '--strict', rego]);
  assert.equal(said.status, 0, said.stderr);
});

const verdicts: [why: string, expected: 'permit' | 'deny', over: Over][] = [
  ['a read below the shared folder', 'permit', {}],
  ['three steps from the person', 'permit', { depth: 3 }],
  ['four steps', 'deny', { depth: 4 }],
  ['a read elsewhere', 'deny', { path: '/etc/passwd' }],
  ['a write', 'deny', { name: 'write_file' }],
  ['somebody who is suspended', 'deny', { root: 'eve' }],
];
for (const [why, expected, over] of verdicts) {
  test(`${why}: ${expected}`, async () => {
    assert.equal((await engine().ask(asked(over))).verdict, expected);
  });
}

test('a value that was not sent cannot be judged, and is refused', async () => {
  assert.equal((await engine('allow', []).ask(asked())).verdict, 'deny');
});

const unusable: [why: string, rule: string, fault: string][] = [
  ['a rule that is undefined', 'undefined_for_most', 'no_boolean'],
  ['a rule that nobody wrote', 'no_such_rule', 'no_boolean'],
  ['an object that holds true', 'as_object', 'no_boolean'],
];
for (const [why, rule, fault] of unusable) {
  test(`${why} is no yes`, async () => {
    const told = await engine(rule).ask(asked());
    assert.ok(told.verdict === 'none' && told.fault === fault, JSON.stringify(told));
  });
}

test('an OPA that has gone is a no, and both have to say yes', async () => {
  const own = {
    version: 'sha256:own',
    definition: () => undefined,
    evaluate: () => ({ outcome: 'permit', determining: ['own'], errors: [] }) as const,
    couldPermit: () => true,
  };
  const standing = engine();
  const here = await standing.ask(asked());
  const joined = remotePolicy(own, here);
  assert.deepEqual(joined.evaluate(asked()).determining, ['own', 'remote:opa']);
  assert.equal(joined.evaluate(asked({ path: '/etc/passwd' })).outcome, 'error', 'a yes about another call');
  const ended = new Promise((done) => opa.once('exit', done));
  opa.kill();
  await ended;
  const gone = await standing.ask(asked());
  assert.ok(gone.verdict === 'none' && ['unreachable', 'timeout'].includes(gone.fault), JSON.stringify(gone));
  assert.equal(remotePolicy(own, gone).evaluate(asked()).outcome, 'error');
});
