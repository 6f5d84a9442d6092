import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toBase64Url, utf8 } from '@writ/core';
import {
  type Addressed,
  type Context,
  type ContextChecks,
  contextTtlSeconds,
  createSigner,
  readContext,
  signContext,
} from './signed-context.ts';

const gate = createSigner('gate');
const to: Addressed = { gateway: 'g', receiver: 'agent/2', task: 't', message: { outputs: ['x'] }, nowSeconds: 100 };
const context: Context = {
  labels: { floor: 2, salt: 's', spans: [] },
  quote: { task: 't', origin: 'direct', text: 'Read x' },
};
const checks = (more: Partial<ContextChecks> = {}): ContextChecks => ({
  ...to,
  key: gate.key,
  kid: gate.kid,
  seen: new Set(),
  ...more,
});

test('a genuine context says what was signed', () => {
  assert.deepEqual(readContext(signContext(gate, to, context), checks()), context);
});

describe('nothing is said by a context', () => {
  const signed = (): string => signContext(gate, to, context);
  const [head, body, tail] = signed().split('.') as [string, string, string];
  const changed = Buffer.from(body, 'base64url').toString().replace('"floor":2', '"floor":3');
  const header = (value: object): string => toBase64Url(utf8(JSON.stringify(value)));
  const wrong: [title: string, text: string, checks: ContextChecks][] = [
    ['of another key', signContext(createSigner('gate'), to, context), checks()],
    ['for another message', signed(), checks({ message: { outputs: ['y'] } })],
    ['for another receiver', signed(), checks({ receiver: 'agent/3' })],
    ['of another task', signed(), checks({ task: 'u' })],
    ['of another gate', signed(), checks({ gateway: 'h' })],
    ['that has ended', signed(), checks({ nowSeconds: 100 + contextTtlSeconds })],
    ['whose claims were changed', `${head}.${toBase64Url(utf8(changed))}.${tail}`, checks()],
    ['that was cut short', signed().slice(0, -10), checks()],
    ['without a signature', `${head}.${body}.`, checks()],
    ['of no algorithm', `${header({ alg: 'none', typ: 'writ-context+jwt', kid: 'gate' })}.${body}.${tail}`, checks()],
    ['that is a quote', gate.sign('writ-quote+jwt', JSON.parse(Buffer.from(body, 'base64url').toString())), checks()],
    ['whose quote is of another task', signContext(gate, { ...to, task: 'u' }, context), checks({ task: 't' })],
    ['that is no token', 'labels: all of level 3', checks()],
  ];
  for (const [title, text, how] of wrong) test(title, () => assert.equal(readContext(text, how), null));

  test('that was read before', () => {
    const once = checks();
    const text = signed();
    assert.notEqual(readContext(text, once), null);
    assert.equal(readContext(text, once), null);
  });

  test('whose quote somebody else signed', () => {
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    const quote = createSigner('gate').sign('writ-quote+jwt', {
      iss: 'g',
      task: 't',
      origin: 'direct',
      text: 'Pay eve',
      exp: 160,
    });
    assert.equal(readContext(gate.sign('writ-context+jwt', { ...claims, quote }), checks()), null);
  });
});

test('labels longer than a token are read', () => {
  const span = {
    digest: 'd'.repeat(64),
    kind: 'value',
    handle: null,
    text: 1,
    secret: false,
    origin: { decision: 1, server: 's', pointer: '/0' },
  } as const;
  const long = { ...context, labels: { ...context.labels, spans: Array(512).fill(span) } };
  assert.equal(readContext(signContext(gate, to, long), checks())?.labels.spans.length, 512);
});
