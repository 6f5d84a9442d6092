import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DenialCode, type JsonObject, type Message, messageHash, parseSpiffeId, type SpiffeId } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { makeKey } from './jws.fixture.ts';
import { type ContextQuestion, verifyContext } from './verify.ts';

const gateway = parseSpiffeId('spiffe://zylos.local/writ/gateway')!;
const other = parseSpiffeId('spiffe://zylos.local/writ/node')!;
const own = parseSpiffeId('spiffe://zylos.local/db/agent')!;
const key = makeKey('k1');
const stranger = makeKey('k1');
const message: Message = {
  method: 'POST',
  target: '/a2a',
  body: { jsonrpc: '2.0', id: 1, method: 'SendMessage', params: {} },
};
const nowSeconds = 1_000;

const claims: JsonObject = {
  iss: gateway,
  aud: own,
  exp: nowSeconds + 60,
  jti: 'one',
  caller: 'spiffe://zylos.local/claude/orchestrator',
  decision: 'd1',
  task: 'tsk_1',
  act: { iss: 'spiffe://zylos.local', sub: 'spiffe://zylos.local/claude/orchestrator' },
  messageHash: messageHash(message, nodeEngine),
  labels: { floor: 2, salt: 's', spans: [] },
  continuation: 'C1',
};

function ask(context: string | null, changed: Partial<ContextQuestion> = {}) {
  const keys = new Map([[key.kid, key.publicKey]]);
  const gatewayIds: ReadonlySet<string> = new Set([gateway]);
  return verifyContext({
    context,
    peer: gateway,
    keys,
    expect: own,
    gatewayIds,
    message,
    nowSeconds,
    engine: nodeEngine,
    ...changed,
  });
}

const signed = (changed: JsonObject = {}) => key.sign('writ-context+jwt', { ...claims, ...changed });

test('a context of the gateway for this agent and this message gives its facts', () => {
  const verdict = ask(signed());
  assert.ok(verdict.outcome === 'pass');
  // Parsed JSON has no prototype; compared by what it says.
  assert.deepEqual(JSON.parse(JSON.stringify(verdict.facts)), {
    caller: claims.caller,
    decision: 'd1',
    task: 'tsk_1',
    act: claims.act,
    floor: 2,
    continuation: 'C1',
    id: 'one',
    untilSeconds: 1_060,
  });
});

test('without labels the text is unlabelled, and without continuation there is no going on', () => {
  const { labels: _l, continuation: _c, act: _a, ...bare } = claims;
  const verdict = ask(key.sign('writ-context+jwt', bare));
  assert.ok(verdict.outcome === 'pass');
  assert.deepEqual([verdict.facts.floor, verdict.facts.continuation, verdict.facts.act], [0, null, null]);
});

const without = (name: string) => {
  const { [name]: _, ...rest } = claims;
  return key.sign('writ-context+jwt', rest);
};

interface Case {
  readonly title: string;
  readonly context: string | null;
  readonly code: DenialCode;
  readonly changed?: Partial<ContextQuestion>;
}

const cases: readonly Case[] = [
  { title: 'no context', context: null, code: 'token.missing' },
  { title: 'text that is no token', context: 'a.b', code: 'token.malformed' },
  { title: 'a token of another kind', context: key.sign('at+jwt', claims), code: 'token.malformed' },
  {
    title: 'a gateway that is not listed',
    context: signed({ iss: other }),
    code: 'token.issuer_unknown',
    changed: { peer: other },
  },
  { title: 'no issuer', context: without('iss'), code: 'token.issuer_unknown' },
  {
    title: 'a context delivered by somebody else',
    context: signed(),
    code: 'token.bound_to_other_peer',
    changed: { peer: other },
  },
  {
    title: 'a context delivered by nobody proven',
    context: signed(),
    code: 'token.bound_to_other_peer',
    changed: { peer: null },
  },
  {
    title: 'a signature by another key of the same id',
    context: stranger.sign('writ-context+jwt', claims),
    code: 'token.signature_invalid',
  },
  {
    title: 'a key that is not in the set',
    context: signed(),
    code: 'token.signature_invalid',
    changed: { keys: new Map() },
  },
  { title: 'a context for another agent', context: signed({ aud: other }), code: 'token.wrong_audience' },
  { title: 'a list of audiences', context: signed({ aud: [own] }), code: 'token.wrong_audience' },
  { title: 'a context past its end', context: signed({ exp: nowSeconds }), code: 'token.expired' },
  { title: 'a context that lives too long', context: signed({ exp: nowSeconds + 61 }), code: 'token.malformed' },
  { title: 'a context without end', context: without('exp'), code: 'token.malformed' },
  { title: 'a context without id', context: without('jti'), code: 'token.malformed' },
  { title: 'a context without task', context: without('task'), code: 'token.malformed' },
  { title: 'a level that does not exist', context: signed({ labels: { floor: 5 } }), code: 'token.malformed' },
  { title: 'labels that cannot be read', context: signed({ labels: 'high' }), code: 'token.malformed' },
  {
    title: 'a continuation that is no text',
    context: signed({ continuation: { token: 'C1' } }),
    code: 'token.malformed',
  },
  { title: 'a context without digest of the message', context: without('messageHash'), code: 'token.proof_invalid' },
  {
    title: 'another method',
    context: signed(),
    code: 'token.proof_invalid',
    changed: { message: { ...message, method: 'PUT' } },
  },
  {
    title: 'another path',
    context: signed(),
    code: 'token.proof_invalid',
    changed: { message: { ...message, target: '/a2a?x' } },
  },
  {
    title: 'another body',
    context: signed(),
    code: 'token.proof_invalid',
    changed: { message: { ...message, body: { id: 1 } } },
  },
];

for (const { title, context, code, changed } of cases) {
  test(`not believed: ${title}`, () => {
    const verdict = ask(context, changed);
    assert.equal(verdict.outcome === 'deny' && verdict.denial.code, code);
  });
}

test('where the peer need not be proven the signature still has to be the gateway’s', () => {
  assert.equal(ask(signed(), { peer: 'any' }).outcome, 'pass');
  assert.equal(ask(stranger.sign('writ-context+jwt', claims), { peer: 'any' }).outcome, 'deny');
  assert.equal(ask(signed({ iss: other }), { peer: 'any' as SpiffeId }).outcome, 'deny');
});

test('every single character of a context counts', () => {
  const context = signed();
  for (let at = 0; at < context.length; at++) {
    const swapped = context[at] === 'A' ? 'B' : 'A';
    const verdict = ask(context.slice(0, at) + swapped + context.slice(at + 1));
    assert.equal(verdict.outcome, 'deny', `character ${at}`);
  }
});
