// A whole plane whose own policy permits, beside an engine that a test moves: both have to say yes, whatever goes wrong on the way is
// a no, and the record says who was asked what (design D7).

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { DeniedError } from '@writ/agent';
import type { Agent } from '@writ/agent/node';
import { smallWorld, startTestPlane, type TestPlane } from '../plane.fixture.ts';

const bundle = resolve(import.meta.dirname, '../interop/rego/writ.tar.gz');
const answer =
  (status: number, body: string): RequestListener =>
  (_, res) =>
    res.writeHead(status, { 'content-type': 'application/json' }).end(body);
const permits = answer(200, '{"result":true}');

let respond: RequestListener = permits;
let asked: string[] = [];
const engine = createServer(async (req, res) => {
  asked.push((await req.toArray()).map(String).join(''));
  respond(req, res);
});
let world: TestPlane;
let orchestrator: Agent;

before(async () => {
  await new Promise<void>((done) => engine.listen(0, '127.0.0.1', done));
  const { port } = engine.address() as AddressInfo;
  world = await startTestPlane({
    yaml: `${smallWorld}
pdp:
  corporate: { opa: "http://127.0.0.1:${port}/v1/data/writ/allow", sends: [/path], timeoutMillis: 1000, credential: { env: PDP } }
`,
    environment: { PDP: 'engine-secret' },
  });
  orchestrator = await world.agent('claude/orchestrator');
});

beforeEach(() => {
  respond = permits;
  asked = [];
});

after(async () => {
  await world?.close();
  engine.closeAllConnections();
  engine.close();
});

interface Record {
  readonly outcome: string;
  readonly code: string | null;
  readonly rule: string | null;
  readonly detail: { readonly errors?: readonly string[] } | null;
  readonly policy: { readonly determining: readonly string[] };
  readonly world: { readonly [part: string]: string };
  readonly result: { readonly state: string };
}

/** Calls, and gives the code of the refusal or null, and the record. */
async function call(
  agent = orchestrator,
  plane = world,
  tool = 'read_text_file',
  args: { readonly [name: string]: string } = { path: `${plane.docs}/report.md` },
): Promise<{ readonly code: string | null; readonly record: Record }> {
  const task = await agent.task(await plane.task('claude/orchestrator'));
  try {
    let decisionId: string | null = null;
    const code = await task.run(async () => {
      try {
        await agent.mcp('files').callTool(tool, args);
        return null;
      } catch (error) {
        if (!(error instanceof DeniedError)) throw error;
        decisionId = error.denial.decisionId;
        return error.denial.code;
      }
    });
    const id = decisionId ?? (await latest(plane));
    return { code, record: (await plane.decision(id)) as unknown as Record };
  } finally {
    task.close();
  }
}

async function latest(plane: TestPlane): Promise<string> {
  const answer = await plane.person('/decisions?limit=50');
  const { decisions } = (await answer.json()) as {
    decisions: { decisionId: string; sequence: number; name: string }[];
  };
  const [newest] = decisions.filter(({ name }) => name !== null).sort((a, b) => b.sequence - a.sequence);
  return newest!.decisionId;
}

const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

test('a yes of both lets the call through, and the record holds question, answer and verdict', async () => {
  const { code, record } = await call();
  assert.equal(code, null);
  assert.equal(asked.length, 1);
  assert.equal(
    record.world['remote:corporate'],
    `permit request=${sha256(asked[0]!)} answer=${sha256('{"result":true}')}`,
  );
  assert.ok(record.policy.determining.includes('remote:corporate'));
  const { input } = JSON.parse(asked[0]!) as { input: { root: { sub: string }; arguments: { values: object } } };
  assert.equal(input.root.sub, 'howard');
  assert.deepEqual(input.arguments.values, { '/path': `${world.docs}/report.md` });
});

const refusals: [why: string, code: string, verdict: RegExp, listener: RequestListener][] = [
  ['false', 'action.policy_forbids', /^deny /, answer(200, '{"result":false}')],
  ['an undefined rule', 'action.policy_unreachable', /^none \(no_boolean\)/, answer(200, '{}')],
  ['the text "true"', 'action.policy_unreachable', /^none \(no_boolean\)/, answer(200, '{"result":"true"}')],
  ['true with another status', 'action.policy_unreachable', /^none \(status\)/, answer(201, '{"result":true}')],
  ['an error of its own', 'action.policy_unreachable', /^none \(status\)/, answer(500, '{}')],
  ['a connection that breaks', 'action.policy_unreachable', /^none \(unreachable\)/, (_, res) => res.destroy()],
  ['no answer in time', 'action.policy_unreachable', /^none \(timeout\)/, () => {}],
];
for (const [why, expected, verdict, listener] of refusals) {
  test(`${why} from the engine refuses what our own policy permits: ${expected}`, async () => {
    respond = listener;
    const { code, record } = await call();
    assert.deepEqual([code, record.outcome, record.code], [expected, 'deny', expected]);
    assert.match(record.world['remote:corporate']!, verdict);
    assert.equal(record.result.state, 'none', 'nothing was forwarded');
    if (expected === 'action.policy_unreachable') assert.match(String(record.detail!.errors), /no answer that counts/);
  });
}

test('the engine can only take away: what our own policy refuses, nobody is asked about', async () => {
  const { code, record } = await call(orchestrator, world, 'write_file', { path: `${world.docs}/x`, content: 'x' });
  assert.match(code!, /^action\./);
  assert.equal(asked.length, 0);
  assert.equal(record.world['remote:corporate'], undefined);
});

test('lists are filtered by our own policy alone, and nobody is asked', async () => {
  const task = await orchestrator.task(await world.task('claude/orchestrator'));
  const tools = await task.run(() => orchestrator.mcp('files').listTools());
  task.close();
  assert.ok(tools.length > 0);
  assert.equal(asked.length, 0);
});

test('two engines have to agree, and one of them may be a bundle in this process', async () => {
  const { port } = engine.address() as AddressInfo;
  const plane = await startTestPlane({
    yaml: `${smallWorld}
pdp:
  corporate: { opa: "http://127.0.0.1:${port}/v1/data/writ/allow" }
  here: { bundle: ${bundle}, rule: writ/allow }
`,
  });
  try {
    const agent = await plane.agent('claude/orchestrator');
    const elsewhere = await call(agent, plane);
    assert.equal(elsewhere.code, 'action.policy_forbids');
    assert.equal(elsewhere.record.rule, 'remote:here', 'the document is not below /shared/');
    assert.match(elsewhere.record.world['remote:corporate']!, /^permit /);
    assert.match(elsewhere.record.world['remote:here']!, /^deny .* policy=sha256:/);
  } finally {
    await plane.close();
  }
});

test('a bundle that is none ends the start in a sentence', async () => {
  const yaml = `${smallWorld}\npdp:\n  here: { bundle: ${import.meta.filename}, rule: writ/allow }\n`;
  await assert.rejects(startTestPlane({ yaml }), /cannot be unpacked; `opa build -t wasm`/);
});
