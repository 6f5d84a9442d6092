import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Call,
  type Decision,
  denial,
  type JsonObject,
  type Policy,
  refusal,
  unknownTool,
  type World,
} from '@writ/core';
import {
  callOf,
  nowSeconds,
  peerOf,
  permitAll,
  shortChain,
  tokenFor,
  worldWith,
} from '../../../core/src/decision/world.fixture.ts';
import { createCrowd } from './crowd.ts';
import { type Ending, type Exchange, UpstreamError } from './exchange.ts';
import { createRefusalCounter } from './refusal-counter.ts';
import { createSpine, type Shell } from './spine.ts';

interface Scene {
  readonly steps: string[];
  readonly records: JsonObject[];
  readonly answered: Decision[];
  run(exchange?: Partial<Exchange<string>>): Promise<void>;
}

const noApprovals = {
  granted: async () => [],
  open: async () => ({ id: 'apr_1', url: 'http://x/approvals/apr_1' }),
};
const knownTasks = { fetch: () => null, leaving: async () => {} };
const complete: Ending = { state: 'complete', digest: 'sha256:r', detail: null };

function scene(
  over: Partial<Shell> = {},
  call: Call = callOf(tokenFor(shortChain())),
  world: World = worldWith(),
): Scene {
  const steps: string[] = [];
  const records: JsonObject[] = [];
  const answered: Decision[] = [];
  const append = (record: JsonObject) => {
    records.push(record);
    steps.push(`append ${record.kind}`);
    return { sequence: records.length - 1, durable: Promise.resolve().then(() => void steps.push('durable')) };
  };
  const clock = { nowSeconds: () => nowSeconds, nowMillis: () => nowSeconds * 1000 };
  const { spine } = createSpine({
    clock,
    world: () => world,
    revokedSince: () => false,
    claim: async () => {
      steps.push('claim');
      return 'taken';
    },
    approvals: noApprovals,
    tasks: knownTasks,
    crowd: createCrowd(8),
    append,
    stance: () => ({ replica: '1', mode: 'enforce', memory: 'task' }),
    sha256: () => 'sha256:a',
    refusals: createRefusalCounter({ clock, append, newId: () => 'e', report: () => {} }),
    report: (what) => steps.push(`report ${what.split(' ')[0]}`),
    ...over,
  });
  return {
    steps,
    records,
    answered,
    run: (exchange = {}) =>
      spine<string>({
        call,
        forward: async () => {
          steps.push('forward');
          return 'reply';
        },
        refuse: async (decision) => {
          answered.push(decision);
          steps.push(`refuse ${decision.denial?.code}`);
        },
        release: async () => {
          steps.push('release');
          return complete;
        },
        discard: () => void steps.push('discard'),
        forwardedDigest: () => 'sha256:f',
        ...exchange,
      }),
  };
}

const readOnly: Policy = {
  ...permitAll,
  definition: () => ({
    digest: 'd',
    reviewed: true,
    risk: 0,
    manifest: true,
    trust: unknownTool,
    checkArguments: () => null,
  }),
};
const counted = () => callOf(tokenFor(shortChain({ budget: [{ unit: 'calls', max: 2 }] })));

test('an allowed call is on disk before the callee hears of it, and closed by a second record', async () => {
  const { steps, records, run } = scene();
  await run();
  assert.deepEqual(steps, ['append decision', 'durable', 'forward', 'release', 'append outcome', 'durable']);
  assert.deepEqual(records[1]?.result, { state: 'complete', digest: 'sha256:r', detail: null });
  assert.equal(records[1]?.decisionSequence, 0);
});

test('what a call uses up is claimed before it is recorded', async () => {
  const { steps, run } = scene({}, counted());
  await run();
  assert.deepEqual(steps.slice(0, 3), ['claim', 'append decision', 'durable']);
});

test('a lost claim is a denial, recorded, and nothing is forwarded', async () => {
  const { steps, run, answered } = scene({ claim: async () => ({ lost: 'token.budget_exceeded' }) }, counted());
  await run();
  assert.deepEqual(steps, ['append decision', 'durable', 'refuse token.budget_exceeded']);
  assert.equal(answered[0]?.token.verdict, 'deny');
});

test('a store that is down refuses', async () => {
  const { steps, run } = scene({ claim: () => Promise.reject(new Error('down')) }, counted());
  await run();
  assert.deepEqual(steps, ['report claim', 'append decision', 'durable', 'refuse gateway.store_unreachable']);
});

test('a reviewed read of risk 0 may run beside its record, but its answer waits for the disk', async () => {
  const gate = Promise.withResolvers<void>();
  const { steps, run } = scene(
    { append: () => ({ sequence: 0, durable: gate.promise.then(() => void steps.push('durable')) }) },
    undefined,
    worldWith({ policy: readOnly }),
  );
  const running = run();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(steps, ['forward']);
  gate.resolve();
  await running;
  assert.deepEqual(steps.slice(0, 3), ['forward', 'durable', 'release']);
});

test('a call that uses something up never runs beside its record', async () => {
  const { steps, run } = scene({}, counted(), worldWith({ policy: readOnly }));
  await run();
  assert.ok(steps.indexOf('durable') < steps.indexOf('forward'));
});

class AuditUnavailable extends Error {
  override readonly name = 'AuditUnavailable';
}

test('a decision whose record cannot be written is a refusal', async () => {
  const refusing = scene({
    append: () => {
      throw new AuditUnavailable('full');
    },
  });
  await refusing.run();
  assert.deepEqual(refusing.steps, ['report tools/call', 'refuse audit.unavailable']);

  const failing = scene({ append: () => ({ sequence: 0, durable: Promise.reject(new AuditUnavailable('EIO')) }) });
  await failing.run();
  assert.deepEqual(failing.steps, ['report tools/call', 'refuse audit.unavailable']);
});

test('an answer fetched beside a record that failed is dropped', async () => {
  const { steps, run } = scene(
    { append: () => ({ sequence: 0, durable: Promise.reject(new AuditUnavailable('EIO')) }) },
    undefined,
    worldWith({ policy: readOnly }),
  );
  await run();
  assert.deepEqual(steps, ['forward', 'discard', 'report tools/call', 'refuse audit.unavailable']);
});

test('what was withdrawn between judging and forwarding is not forwarded', async () => {
  let world = worldWith();
  const { steps, records, run } = scene({
    world: () => {
      const now = world;
      world = worldWith({ revocations: { sequence: 2, rows: new Set(['jti-1']) } });
      return now;
    },
    revokedSince: (sequence) => sequence < 2,
  });
  await run();
  assert.deepEqual(steps, ['append decision', 'durable', 'append outcome', 'durable', 'refuse token.revoked']);
  assert.deepEqual(records[1]?.result, { state: 'none', digest: null, detail: 'token.revoked' });
});

test('a callee that does not answer is told apart from a failure of ours, and both are closed', async () => {
  const upstream = scene();
  await upstream.run({ forward: () => Promise.reject(new UpstreamError('gone')) });
  assert.equal(upstream.answered[0]?.denial?.code, 'gateway.upstream_unreachable');
  const ours = scene();
  await ours.run({ forward: () => Promise.reject(new Error('bug')) });
  assert.equal(ours.answered[0]?.denial?.code, 'gateway.outage');
  for (const { records } of [upstream, ours]) assert.equal((records[1]!.result as JsonObject).state, 'error');
});

test('what could not be asked about a task stays a no, whatever the call comes to', async () => {
  const tasks = { fetch: () => Promise.reject(new Error('down')), leaving: async () => {} };
  const { answered, steps, run } = scene({ tasks, report: () => {} });
  const call = callOf(tokenFor(shortChain()), { decisionId: 'd-changed' });
  await run({ handedBack: async () => ({ call, resumes: null, claims: [] }) });
  assert.equal(answered[0]?.denial?.code, 'gateway.store_unreachable');
  assert.ok(!steps.includes('forward'));
});

test('a flood is refused before anything is judged, on record, and every place is given back', async () => {
  const gate = Promise.withResolvers<string>();
  const { steps, records, answered, run } = scene({ crowd: createCrowd(1) });
  const first = run({ forward: () => gate.promise });
  await run();
  assert.equal(answered[0]?.denial?.code, 'gateway.overloaded');
  assert.deepEqual(records.map(({ code }) => code).sort(), ['gateway.overloaded', null]);
  gate.reject(new Error('ours'));
  await first;
  await run();
  assert.equal(steps.at(-1), 'durable');
  assert.equal((records.at(-1)!.result as JsonObject).state, 'complete', 'an outage gives its place back, too');
});

test('an answer under way ends when its authority is withdrawn', async () => {
  let revoked = false;
  const withdrawn = worldWith({ revocations: { sequence: 2, tasks: new Set(['tsk_1']) } });
  const released = Promise.withResolvers<Ending>();
  const clock = { nowSeconds: () => nowSeconds, nowMillis: () => nowSeconds * 1000 };
  const append = () => ({ sequence: 0, durable: Promise.resolve() });
  const control = createSpine({
    clock,
    world: () => (revoked ? withdrawn : worldWith()),
    revokedSince: () => false,
    claim: async () => 'taken',
    approvals: noApprovals,
    tasks: knownTasks,
    crowd: createCrowd(8),
    append,
    stance: () => ({ replica: '1', mode: 'enforce', memory: 'task' }),
    sha256: () => 'sha256:a',
    refusals: createRefusalCounter({ clock, append, newId: () => 'e', report: () => {} }),
    report: () => {},
  });
  const running = control.spine({
    call: callOf(tokenFor(shortChain())),
    forward: async () => 'reply',
    refuse: async () => assert.fail('it was allowed'),
    release: () => released.promise,
    discard: () => released.resolve({ state: 'cancelled', digest: null, detail: null }),
    forwardedDigest: () => 'sha256:f',
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(control.open(), 1);
  control.closeWithdrawn();
  assert.equal(control.open(), 1, 'nothing was withdrawn yet');
  revoked = true;
  control.closeWithdrawn();
  await running;
  assert.equal(control.open(), 0);
});

test('an answer that comes after its authority was withdrawn is dropped, not released', async () => {
  const withdrawn = worldWith({ revocations: { sequence: 2, tasks: new Set(['tsk_1']) } });
  let now = worldWith();
  const { steps, records, run } = scene({
    world: () => now,
    revokedSince: (sequence) => sequence < now.tokens.revocations.sequence,
  });
  await run({
    forward: async () => {
      now = withdrawn; // while the callee thinks, and no answer is under way that could be closed
      return 'reply';
    },
  });
  assert.deepEqual(
    steps.filter((step) => !step.startsWith('append') && step !== 'durable'),
    ['discard', 'refuse token.revoked'],
  );
  assert.deepEqual(records[1]?.result, { state: 'cancelled', digest: null, detail: 'token.revoked' });
  assert.deepEqual(records[1]?.digests, { forwarded: 'sha256:f' });
});

test('an answer is released when what was withdrawn meanwhile is somebody else’s', async () => {
  let now = worldWith();
  const { steps, run } = scene({
    world: () => now,
    revokedSince: (sequence) => sequence < now.tokens.revocations.sequence,
  });
  await run({
    forward: async () => {
      now = worldWith({ revocations: { sequence: 2, tasks: new Set(['tsk_other']) } });
      return 'reply';
    },
  });
  assert.ok(steps.includes('release'), steps.join());
});

const asksFirst: Policy = {
  ...permitAll,
  evaluate: ({ asker }) =>
    asker.kind === 'user'
      ? { outcome: 'approval', determining: ['ask.me'], errors: [] }
      : { outcome: 'permit', determining: ['all'], errors: [] },
};

test('a yes is good for the call it was claimed for, whatever is withdrawn from others meanwhile', async () => {
  const worlds = [worldWith({ policy: asksFirst }), worldWith({ policy: asksFirst, revocations: { sequence: 2 } })];
  const { steps, run } = scene({
    world: () => (worlds.length > 1 ? worlds.shift()! : worlds[0]!),
    revokedSince: (sequence) => sequence < 2,
    approvals: {
      granted: async (requestKey) => [
        { id: 'apr_1', requestKey, digest: 'sha256:yes', rules: ['ask.me'], notAfterSeconds: nowSeconds + 60 },
      ],
      open: async () => assert.fail('it was approved'),
    },
  });
  await run();
  assert.ok(steps.includes('claim') && steps.includes('release'), steps.join());
});

test('a failure of ours before the record is a refusal that stands in the log under the id the caller was told', async () => {
  const failing: Policy = {
    ...permitAll,
    evaluate: () => {
      throw new Error('bug');
    },
  };
  const { records, answered, run, steps } = scene({}, undefined, worldWith({ policy: failing }));
  await run();
  assert.equal(answered[0]?.denial?.code, 'gateway.outage');
  assert.deepEqual(
    records.map(({ kind, id, code }) => [kind, id, code]),
    [['decision', 'dec_1', 'gateway.outage']],
  );
  assert.ok(!steps.includes('forward'));
});

test('a flood of strangers is counted and does not fill the log', async () => {
  const stranger = { ...callOf(null), peer: peerOf('scheduler/c5') };
  const { records, run, steps } = scene({}, stranger);
  for (let i = 0; i < 100; i++) await run();
  assert.equal(records.length, 20);
  assert.equal(steps.filter((step) => step.startsWith('refuse')).length, 100);
});

const anonymous = (remote: string): Call => ({ ...callOf(null), peer: { listener: 'oauth', remote } });
const strangers = () => {
  const written: JsonObject[] = [];
  const append = (record: JsonObject) => {
    written.push(record);
    return { durable: Promise.resolve() };
  };
  const clock = { nowMillis: () => 60_000 };
  return { written, counter: createRefusalCounter({ clock, append, newId: () => 'id', report: () => {} }) };
};
const missing = refusal('dec', denial('token.missing'));

test('a new port is no new stranger', () => {
  for (const host of ['10.0.0.1', '[::1]']) {
    const { counter } = strangers();
    const ports = Array.from({ length: 1000 }, (_, i) => `${host}:${1024 + i}`);
    const recorded = ports.filter((remote) => !counter.countsInstead(anonymous(remote), missing));
    assert.equal(recorded.length, 20, host);
  }
});

test('strangers from everywhere together are written down a bounded number of times, and all are counted', () => {
  const { counter, written } = strangers();
  const recorded = Array.from({ length: 50_000 }, (_, i) => `[2001:db8::${i.toString(16)}]:443`).filter(
    (remote) => !counter.countsInstead(anonymous(remote), missing),
  );
  assert.equal(recorded.length, 200);
  counter.flush();
  const counts = written[0]?.counts as { times: number }[];
  assert.ok(counts.length <= 501);
  assert.equal(
    counts.reduce((sum, { times }) => sum + times, 0),
    50_000 - 200,
  );
});

test('counted refusals become one record when their minute is over', () => {
  let nowMillis = 60_000 * 100;
  const written: JsonObject[] = [];
  const counter = createRefusalCounter({
    clock: { nowMillis: () => nowMillis },
    append: (record) => {
      written.push(record);
      return { durable: Promise.resolve() };
    },
    newId: () => 'id',
    report: () => {},
  });
  for (let i = 0; i < 1000; i++) counter.count('transport.certificate_missing', `10.0.0.${i}`);
  counter.flush();
  nowMillis += 60_000;
  counter.count('transport.certificate_missing', '10.0.0.1');
  counter.flush();
  assert.equal(written.length, 2);
  const counts = written[0]?.counts as { source: string; times: number }[];
  assert.ok(counts.length <= 501, 'the table is bounded');
  assert.equal(
    counts.reduce((sum, { times }) => sum + times, 0),
    1000,
  );
  assert.equal(denial('transport.certificate_missing').code, 'transport.certificate_missing');
});
