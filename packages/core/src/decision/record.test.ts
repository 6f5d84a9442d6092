import assert from 'node:assert/strict';
import { test } from 'node:test';
import { denial } from '../denial.ts';
import { canonicalJson } from '../std/json.ts';
import type { Chain } from '../token/chain.ts';
import { decide, refusal } from './decide.ts';
import { decisionRecord } from './record.ts';
import { callOf, longChain, nowSeconds, reader, tokenFor, worldWith } from './world.fixture.ts';

const frame = {
  time: '2027-01-15T08:00:00.000Z',
  argumentsDigest: 'sha256:1',
  replica: '1',
  mode: 'enforce',
  memory: 'task',
  versions: { policy: 'sha256:test' },
} as const;

test('a record does not grow with what a caller wrote: names of arguments, headers, lists of them', () => {
  const typed = 'x'.repeat(1_000_000);
  const decision = refusal(
    'dec_1',
    denial('action.argument_unknown', { argument: typed, all: Array(5000).fill(typed) }),
  );
  const record = decisionRecord(callOf(null), decision, frame);
  assert.ok(JSON.stringify(record).length < 32 * 1024);
  const { argument } = record.detail as { argument: string };
  assert.match(argument, /^x{300}…$/);
});

test('cutting a detail never leaves half a character, which JSON could not carry', () => {
  const decision = refusal('dec_1', denial('action.argument_unknown', { argument: `${'x'.repeat(299)}😀tail` }));
  const { argument } = decisionRecord(callOf(null), decision, frame).detail as { argument: string };
  assert.ok(argument.isWellFormed());
});

test('a detail of ordinary length is kept as it is', () => {
  const detail = { link: 2, missing: ['files:write_file'], why: 'because', none: null, yes: true };
  const decision = refusal('dec_1', denial('token.scope_insufficient', detail));
  assert.deepEqual(decisionRecord(callOf(null), decision, frame).detail, detail);
});

test('a chain that cannot change is told as any other, again and again, and beside others', () => {
  const call = callOf(tokenFor(longChain()), reader);
  const decision = decide(call, worldWith(), nowSeconds);
  assert.equal(decision.outcome, 'allow');
  const written = (chain: Chain) => {
    const seen = { ...decision.token.seen!, chain };
    return canonicalJson(decisionRecord(call, { ...decision, token: { ...decision.token, seen } }, frame));
  };
  const { chain } = decision.token.seen!;
  const wanted = written(chain);
  const fixed = Object.freeze(structuredClone(chain)) as Chain;
  const other = Object.freeze({ ...structuredClone(chain), task: 'tsk_2' }) as Chain;
  for (let i = 0; i < 3; i++) {
    assert.equal(written(fixed), wanted);
    assert.equal(written(other), wanted.replaceAll('tsk_1', 'tsk_2'));
  }
});
