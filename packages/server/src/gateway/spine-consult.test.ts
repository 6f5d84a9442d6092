// Other engines beside our own policy, as the spine asks them (design D7): when, how often, and that what they said holds for every
// judgement of the call that follows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call, Decision, JsonObject, Policy, World } from '@writ/core';
import {
  callOf,
  nowSeconds,
  permitAll,
  shortChain,
  tokenFor,
  worldWith,
} from '../../../core/src/decision/world.fixture.ts';
import { createCrowd } from './crowd.ts';
import { createRefusalCounter } from './refusal-counter.ts';
import { createSpine, type Shell, type Told } from './spine.ts';

const asking: Policy = {
  ...permitAll,
  evaluate: () => ({ outcome: 'approval', determining: ['ask.me'], errors: [] }),
};
const forbidding: Policy = {
  ...permitAll,
  evaluate: () => ({ outcome: 'forbid', determining: ['own'], errors: [] }),
};
const yes: Told = (world) => ({ ...world, versions: { ...world.versions, 'remote:opa': 'permit' } });
/** As remotePolicy does it: our own no stays, and everything else becomes one. */
const no: Told = (world) => ({
  ...world,
  versions: { ...world.versions, 'remote:opa': 'deny' },
  policy: {
    ...world.policy,
    evaluate: () => ({ outcome: 'forbid', determining: ['remote:opa'], errors: [] }),
  },
});

async function run(over: Partial<Shell>, world: World = worldWith(), call: Call = callOf(tokenFor(shortChain()))) {
  const steps: string[] = [];
  const records: JsonObject[] = [];
  const refused: Decision[] = [];
  const append = (record: JsonObject) => {
    records.push(record);
    return { sequence: records.length - 1, durable: Promise.resolve() };
  };
  const clock = { nowSeconds: () => nowSeconds, nowMillis: () => nowSeconds * 1000 };
  const consult = over.consult;
  const { spine } = createSpine({
    clock,
    world: () => world,
    revokedSince: () => false,
    claim: async () => 'taken',
    approvals: {
      granted: async () => [],
      open: async () => {
        steps.push('person asked');
        return { id: 'apr_1', url: 'http://x' };
      },
    },
    tasks: { fetch: () => null, leaving: async () => {} },
    append,
    crowd: createCrowd(8),
    stance: () => ({ replica: '1', mode: 'enforce', memory: 'task' }),
    sha256: () => 'sha256:a',
    refusals: createRefusalCounter({ clock, append, newId: () => 'e', report: () => {} }),
    report: (what) => steps.push(`report ${what}`),
    ...over,
    ...(consult && {
      consult: (asked, token) => {
        steps.push('engine asked');
        return consult(asked, token);
      },
    }),
  });
  await spine<string>({
    call,
    forward: async () => {
      steps.push('forward');
      return 'reply';
    },
    refuse: async (decision) => void refused.push(decision),
    release: async () => ({ state: 'complete', digest: null, detail: null }),
    discard: () => {},
    forwardedDigest: () => 'sha256:f',
  });
  return { steps, record: records[0]!, denial: refused[0]?.denial ?? null };
}

test('a yes lets what our own policy permits through, and stands in the record', async () => {
  const { steps, record } = await run({ consult: async () => yes });
  assert.deepEqual(steps, ['engine asked', 'forward']);
  assert.equal((record.world as JsonObject)['remote:opa'], 'permit');
});

test('a no refuses it, under the engine’s name', async () => {
  const { steps, record, denial } = await run({ consult: async () => no });
  assert.deepEqual(steps, ['engine asked']);
  assert.deepEqual([denial?.code, denial?.rule], ['action.policy_forbids', 'remote:opa']);
  assert.equal((record.world as JsonObject)['remote:opa'], 'deny');
});

test('what our own policy refuses is told to nobody', async () => {
  const { steps, denial } = await run({ consult: async () => yes }, worldWith({ policy: forbidding }));
  assert.deepEqual([steps, denial?.rule], [[], 'own']);
});

test('no person is asked about what an engine refuses', async () => {
  const { steps, denial } = await run({ consult: async () => no }, worldWith({ policy: asking }));
  assert.deepEqual([steps, denial?.code], [['engine asked'], 'action.policy_forbids']);
  const agreed = await run({ consult: async () => yes }, worldWith({ policy: asking }));
  assert.deepEqual(agreed.steps, ['engine asked', 'person asked']);
});

const approved: Shell['approvals'] = {
  granted: async (requestKey) => [
    { id: 'apr_1', requestKey, digest: 'sha256:yes', rules: ['ask.me'], notAfterSeconds: nowSeconds + 60 },
  ],
  open: async () => assert.fail('it was approved'),
};

test('a person’s yes does not outweigh an engine’s no', async () => {
  const world = worldWith({ policy: asking });
  const { denial } = await run({ consult: async () => no, approvals: approved }, world);
  assert.equal(denial?.rule, 'remote:opa');
  const both = await run({ consult: async () => yes, approvals: approved }, world);
  assert.deepEqual([both.denial, (both.record.world as JsonObject)['remote:opa']], [null, 'permit']);
});

test('judged again before it is forwarded, the call is judged by what was said, and nobody is asked twice', async () => {
  // The second snapshot has somebody else’s revocation in it, which makes the spine look again.
  const worlds = [worldWith(), worldWith({ revocations: { sequence: 2, tasks: new Set(['tsk_other']) } })];
  let judgements = 0;
  const counting: Told = (world) => {
    judgements++;
    return yes(world);
  };
  const { steps } = await run({
    world: () => (worlds.length > 1 ? worlds.shift()! : worlds[0]!),
    revokedSince: (sequence) => sequence < 2,
    consult: async () => counting,
  });
  assert.deepEqual([steps, judgements], [['engine asked', 'forward'], 2]);
});

test('lists and discovery ask nobody', async () => {
  const list = callOf(tokenFor(shortChain()), {
    operation: 'tools/list',
    isAction: false,
    target: { kind: 'server', server: 'files', name: null },
    scopes: [],
    anyScopeOf: 'files',
  });
  const { steps } = await run({ consult: async () => no }, worldWith(), list);
  assert.deepEqual(steps, ['forward']);
});

test('an engine that fails in a way nobody foresaw is an outage, and nothing is forwarded', async () => {
  const { steps, denial } = await run({ consult: () => Promise.reject(new Error('bug')) });
  assert.deepEqual(steps, ['engine asked', 'report tools/call files']);
  assert.equal(denial?.code, 'gateway.outage');
});
