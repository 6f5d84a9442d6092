// One decision in this process: three checks, and the record handed to a real log; the policy as the plane loads it, beside the
// same pipeline with the same policies asked inside cedar-wasm.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preparsePolicySet, preparseSchema, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import {
  type Asker,
  type Call,
  canonicalJson,
  decide,
  decisionRecord,
  type Policy,
  type PolicyAnswer,
  type PolicyRequest,
  parseJws,
  userKey,
  verifyJws,
  type World,
} from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { callOf, nowSeconds, shortChain, tokenFor, worldWith } from '../../packages/core/src/decision/world.fixture.ts';
import { loadPolicy } from '../../packages/server/src/action/cedar.ts';
import { input, line } from '../../packages/server/src/action/testing.ts';
import { clock, key, origin } from '../../packages/server/src/audit/fixture.ts';
import { type AuditLog, openAuditLog } from '../../packages/server/src/audit/log.ts';
import { digestOf } from '../../packages/server/src/gateway/http-io.ts';
import { openEngine } from '../../packages/server/src/main/engine.ts';
import { createProvenTokens } from '../../packages/server/src/main/proven-tokens.ts';
import { type Row, type Run, row, runOf } from './figures.ts';

const samplesPerRun = 2000;

export async function benchDecide(runs: number): Promise<Row[]> {
  const dir = await mkdtemp(join(tmpdir(), 'writ-bench-'));
  const log = await openAuditLog({ dir, origin, key, clock });
  try {
    const ours: Run[] = [];
    const wasm: Run[] = [];
    const policy = policyWith(50);
    const inWasm = wasmPolicyOf(policy);
    for (let i = 0; i <= runs; i++) {
      const [one, other] = [await decideAndRecord(policy.policy, log), await decideAndRecord(inWasm, log)];
      if (i === 0) continue; // the first run compiles
      ours.push(one);
      wasm.push(other);
    }
    return [
      row(
        {
          figure: 'three checks and the record handed in, a token seen before, 100 policies',
          unit: 'µs',
          baseline: 'the same with its policy asked inside cedar-wasm',
          goal: '≤ 50 µs with a token seen before; ≥ 40 × faster than all-wasm',
        },
        ours,
        wasm,
      ),
      ...(await policyRows(runs)),
    ];
  } finally {
    await log.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Two policies a line. */
function policyWith(lines: number) {
  const others = Array.from({ length: lines - 1 }, (_, i) => line('db/agent', i % 2 ? 'files/read_file' : 'mail/send'));
  const loaded = loadPolicy(input([line('claude/orchestrator', 'files/read_file'), ...others]));
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems));
  return loaded;
}

/** The same policies and schema, as text, inside cedar-wasm. */
function wasmPolicyOf({
  policy,
  text,
  schemaText,
}: Extract<ReturnType<typeof loadPolicy>, { policy: Policy }>): Policy {
  const name = `bench-${policy.version}`;
  for (const parsed of [preparseSchema(name, schemaText()), preparsePolicySet(name, { staticPolicies: text() })]) {
    if (parsed.type === 'failure') throw new Error(parsed.errors[0]?.message);
  }
  const evaluate = (request: PolicyRequest): PolicyAnswer => {
    const answer = statefulIsAuthorized({
      ...questionFor(request),
      preparsedSchemaName: name,
      preparsedPolicySetId: name,
      validateRequest: true,
    });
    if (answer.type === 'failure') throw new Error(answer.errors[0]?.message);
    const { decision, diagnostics } = answer.response;
    return { outcome: decision === 'allow' ? 'permit' : 'none', determining: diagnostics.reason, errors: [] };
  };
  return { ...policy, evaluate };
}

/** The question about `files/read_file`, as the plane would put it. */
function questionFor({ asker, context, operation, arguments: args }: PolicyRequest) {
  const rootId = { type: 'Writ::User', id: userKey(context.root) };
  const server = { type: 'Writ::Server', id: 'files' };
  const root = {
    uid: rootId,
    attrs: { ...context.root },
    parents: [{ type: 'Writ::UserGroup', id: 'configured' }],
  };
  const tool = {
    uid: { type: 'Writ::Tool', id: 'files/read_file' },
    attrs: { risk: 4, manifest: false },
    parents: [server],
  };
  const principal = principalOf(asker, rootId);
  const agent = { uid: principal, attrs: { path: 'claude/orchestrator' }, parents: [] };
  return {
    principal,
    action: { type: 'Writ::Action', id: 'files/read_file' },
    resource: tool.uid,
    context: {
      actor: context.actor,
      root: { __entity: rootId },
      via: [...context.via],
      depth: context.depth,
      task: context.task,
      scopes: [...context.scopes],
      protocol: context.protocol,
      operation,
      now: { __extn: { fn: 'datetime', arg: new Date(context.nowSeconds * 1000).toISOString() } },
      risk: 4,
      input: { ...args } as { [name: string]: string },
      holds: {},
    },
    entities: asker.kind === 'user' ? [root, tool] : [root, tool, agent],
  };
}

function principalOf(asker: Asker, root: { type: string; id: string }) {
  return asker.kind === 'agent' ? { type: 'Writ::Agent', id: asker.spiffeId } : root;
}

async function decideAndRecord(policy: Policy, log: AuditLog): Promise<Run> {
  const cold = worldWith({ policy });
  // A token seen before: the plane's own memory of what was proven.
  const world: World = { ...cold, tokens: { ...cold.tokens, proven: createProvenTokens() } };
  const call = callOf(tokenFor(shortChain()));
  const micros: number[] = [];
  let durable: Promise<void> = Promise.resolve();
  for (let i = 0; i < samplesPerRun; i++) {
    const started = performance.now();
    const decision = decide(call, world, nowSeconds);
    if (decision.outcome !== 'allow')
      throw new Error(`refused: ${decision.denial?.code} ${JSON.stringify(decision.denial?.detail)}`);
    durable = log.append(decisionRecord(call, decision, frameOf(call, world))).durable;
    micros.push((performance.now() - started) * 1000);
    // The disk has its own row; here nothing may pile up.
    if (i % 64 === 63) await durable;
  }
  await durable;
  return runOf(micros);
}

function frameOf(call: Call, world: World) {
  return {
    time: '2027-01-15T08:00:00.000Z',
    argumentsDigest: digestOf(canonicalJson(call.arguments)),
    replica: '1',
    mode: 'enforce',
    memory: 'task',
    versions: world.versions,
  } as const;
}

/** One question to policy; and a token never seen before, with either engine, beside the verification of its one signature. */
async function policyRows(runs: number): Promise<Row[]> {
  const loaded = policyWith(500);
  const inWasm = wasmPolicyOf(loaded);
  const request: PolicyRequest[] = [];
  const spy: Policy = {
    ...loaded.policy,
    evaluate(asked) {
      request.push(asked);
      return loaded.policy.evaluate(asked);
    },
  };
  const call = callOf(tokenFor(shortChain()));
  decide(call, worldWith({ policy: spy }), nowSeconds);
  const time = (work: () => unknown): Run => {
    const micros: number[] = [];
    for (let i = 0; i < samplesPerRun; i++) {
      const started = performance.now();
      work();
      micros.push((performance.now() - started) * 1000);
    }
    return runOf(micros);
  };
  const repeat = (work: () => unknown) => Array.from({ length: runs + 1 }, () => time(work)).slice(1);
  const asked = request[0]!;
  const jws = parseJws(tokenFor(shortChain()))!;
  const opened = await openEngine(() => {});
  const engines = [
    { name: 'Node', engine: nodeEngine },
    ...(opened.ed25519 === 'node' ? [] : [{ name: opened.ed25519, engine: opened.engine }]),
  ];
  const hundred = worldWith({ policy: policyWith(50).policy });
  const issuerKey = [...worldWith().tokens.issuers.values()][0]!.get('k1')!;
  return [
    row(
      {
        figure: 'one policy question, 1,000 policies',
        unit: 'µs',
        baseline: 'the same question inside cedar-wasm',
        goal: '≤ 25 µs',
      },
      repeat(() => loaded.policy.evaluate(asked)),
      repeat(() => inWasm.evaluate(asked)),
    ),
    ...engines.map(({ name, engine }) =>
      row(
        {
          figure: `three checks without the record, 100 policies, the signature verified each time by ${name}`,
          unit: 'µs',
          baseline: 'the verification of its one signature',
          goal: 'with a token never seen before ≤ 1.3 × the sum of its signature verifications, ≤ 300 µs',
        },
        repeat(() => decide(call, { ...hundred, engine }, nowSeconds)),
        repeat(() => verifyJws(jws, issuerKey, engine)),
      ),
    ),
  ];
}
