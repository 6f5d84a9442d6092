// A real OPA server with a Rego policy of ours, asked over its REST API, and the verdict joined to a whole plane's own policy: both
// have to say yes.

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { PolicyRequest } from '@writ/core';
import { openOpaBundle } from '../../packages/server/src/action/remote/opa-bundle.ts';
import { openOpa } from '../../packages/server/src/action/remote/opa-rest.ts';
import { remotePolicy } from '../../packages/server/src/action/remote/remote-policy.ts';
import type { RemoteEngine, RemoteVerdict } from '../../packages/server/src/action/remote/verdict.ts';
import { type OpaServer, opaProgram, regoFolder, startOpa } from './opa-server.ts';
import { runProgram } from './programs.ts';

let opa: OpaServer;
let scratch: string;
const engines: RemoteEngine[] = [];

before(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'writ-opa-'));
  opa = await startOpa();
});

after(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  await opa?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

function engine(rule = 'allow', sends: readonly string[] = ['/path']): RemoteEngine {
  const opened = openOpa({ name: 'opa', url: `${opa.origin}/v1/data/writ/${rule}`, sends, deadlineMillis: 2_000 });
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
  const said = await runProgram(opaProgram(), ['check', '--strict', join(regoFolder, 'writ.rego')]);
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

/** What `opa build -t wasm` makes of our Rego, here and now. */
async function builtBundle(): Promise<string> {
  for (const name of ['writ.rego', 'data.json']) copyFileSync(join(regoFolder, name), join(scratch, name));
  const rules = ['allow', 'undefined_for_most', 'as_object', 'too_much'].flatMap((rule) => ['-e', `writ/${rule}`]);
  const bundle = join(scratch, 'writ.tar.gz');
  const args = ['build', '-t', 'wasm', ...rules, 'writ.rego', 'data.json', '-o', bundle];
  const said = await runProgram(opaProgram(), args, '', scratch);
  assert.equal(said.status, 0, said.stderr);
  return bundle;
}

test('the bundle that our unit tests read is what OPA makes of this Rego', async () => {
  const kept = readFileSync(join(regoFolder, 'writ.tar.gz'));
  const built = readFileSync(await builtBundle());
  assert.ok(kept.equals(built), 'built anew it differs; keep the new one, and read what changed');
});

test('the server and the bundle give one answer to a thousand questions', async () => {
  const server = engine();
  const here = await openOpaBundle({ name: 'opa', path: await builtBundle(), rule: 'writ/allow' });
  const pick = <Value>(values: readonly Value[], i: number) => values[i % values.length]!;
  const gist = ({ verdict }: RemoteVerdict) => verdict;
  const counts = { permit: 0, deny: 0, none: 0 };
  for (let i = 0; i < 1000; i++) {
    const question = asked({
      name: pick(['read_text_file', 'list_directory', 'write_file'], i),
      path: pick(
        ['/shared/a', '/shared/', '/sharedx', '/etc/passwd', 'shared/a', '/shared/é "x"', ''],
        Math.floor(i / 3),
      ),
      depth: 1 + (Math.floor(i / 21) % 5),
      root: pick(['howard', 'eve', 'ada'], Math.floor(i / 105)),
    });
    const [there, local] = await Promise.all([server.ask(question), here.ask(question)]);
    assert.equal(gist(local), gist(there), JSON.stringify(question));
    counts[gist(local)]++;
  }
  // Questions with one answer to all of them would agree as well.
  assert.ok(counts.permit > 100 && counts.deny > 100 && counts.none === 0, JSON.stringify(counts));
});

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
  await opa.stop();
  const gone = await standing.ask(asked());
  assert.ok(gone.verdict === 'none' && ['unreachable', 'timeout'].includes(gone.fault), JSON.stringify(gone));
  assert.equal(remotePolicy(own, gone).evaluate(asked()).outcome, 'unreachable');
});
