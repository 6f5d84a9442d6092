import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTEXT_MEMBER, type JsonObject, type JsonValue, messageHash, parseSpiffeId } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { type Incoming, openContextGuard } from './context-guard.ts';
import { openContextKeys } from './context-keys.ts';
import { makeKey } from './jws.fixture.ts';

const gateway = parseSpiffeId('spiffe://zylos.local/writ/gateway')!;
const own = parseSpiffeId('spiffe://zylos.local/db/agent')!;
const body: JsonObject = {
  jsonrpc: '2.0',
  id: 1,
  method: 'SendMessage',
  params: { message: { parts: [{ text: 'hello' }] } },
};

function setting(options: { entriesMax?: number; allowUnprovenPeer?: boolean } = {}) {
  const clock = { seconds: 1_000, nowSeconds: () => clock.seconds };
  const key = makeKey('k1');
  const published: JsonValue[] = [key.jwk];
  const reads: string[] = [];
  const fetch = async (url: string | URL | Request) => {
    reads.push(String(url));
    return Response.json({ keys: published });
  };
  const keys = openContextKeys({ issuer: 'http://127.0.0.1:8420', fetch, clock });
  const guard = openContextGuard({
    expect: own,
    gatewayIds: new Set([gateway]),
    keys,
    engine: nodeEngine,
    clock,
    ...options,
  });
  const context = (id: string, by = key) =>
    by.sign('writ-context+jwt', {
      iss: gateway,
      aud: own,
      exp: clock.seconds + 60,
      jti: id,
      caller: 'spiffe://zylos.local/claude/orchestrator',
      decision: 'd1',
      task: 'tsk_1',
      messageHash: messageHash({ method: 'POST', target: '/', body }, nodeEngine),
      continuation: 'C1',
    });
  const incoming = (changed: Partial<Incoming>): Incoming => ({
    method: 'POST',
    target: '/',
    body,
    peer: gateway,
    header: null,
    traceparent: null,
    ...changed,
  });
  return { guard, clock, context, incoming, published, reads };
}

const carrying = (context: JsonValue): JsonObject => ({
  ...body,
  params: { ...(body.params as JsonObject), metadata: { [CONTEXT_MEMBER]: context } },
});

test('a context in the metadata is believed once and not twice', async () => {
  const { guard, context, incoming } = setting();
  const call = incoming({ body: carrying(context('one')), traceparent: '00-a' });
  const first = await guard.accept(call);
  assert.deepEqual([first.continuation, first.task, first.caller?.decision, first.denial], ['C1', 'tsk_1', 'd1', null]);
  assert.equal(first.traceparent, '00-a');
  const second = await guard.accept(call);
  assert.deepEqual(
    [second.continuation, second.task, second.caller, second.denial?.code],
    [null, null, null, 'token.replayed'],
  );
});

test('of many at once with the same context exactly one is believed', async () => {
  const { guard, context, incoming } = setting();
  const call = incoming({ body: carrying(context('one')) });
  const all = await Promise.all(Array.from({ length: 20 }, () => guard.accept(call)));
  assert.equal(all.filter(({ continuation }) => continuation === 'C1').length, 1);
});

test('the header form is believed as well', async () => {
  const { guard, context, incoming } = setting();
  assert.equal((await guard.accept(incoming({ header: context('one') }))).continuation, 'C1');
});

test('a call without context has no authority', async () => {
  const { guard, incoming } = setting();
  const { continuation, denial } = await guard.accept(incoming({}));
  assert.deepEqual([continuation, denial?.code], [null, 'token.missing']);
});

test('two contexts are none, even when they are the same', async () => {
  const { guard, context, incoming } = setting();
  const one = context('one');
  for (const call of [{ header: one, body: carrying(one) }, { header: [one, context('two')] }]) {
    assert.equal((await guard.accept(incoming(call))).denial?.code, 'token.ambiguous');
  }
});

test('a context that is no text is none', async () => {
  const { guard, incoming } = setting();
  assert.equal((await guard.accept(incoming({ body: carrying({ token: 'x' }) }))).denial?.code, 'token.malformed');
});

test('a refused context is not used up by being refused', async () => {
  const { guard, context, incoming } = setting();
  const call = incoming({ header: context('one') });
  assert.equal((await guard.accept({ ...call, target: '/other' })).denial?.code, 'token.proof_invalid');
  assert.equal((await guard.accept(call)).denial, null);
});

test('an id is remembered until its context has ended by itself', async () => {
  const { guard, clock, context, incoming } = setting();
  const call = incoming({ header: context('one') });
  await guard.accept(call);
  clock.seconds += 59;
  assert.equal((await guard.accept(call)).denial?.code, 'token.replayed');
  clock.seconds += 1;
  assert.equal((await guard.accept(call)).denial?.code, 'token.expired');
});

test('when too many are remembered nothing more is believed, until the first have ended', async () => {
  const { guard, clock, context, incoming } = setting({ entriesMax: 2 });
  for (const id of ['one', 'two']) assert.equal((await guard.accept(incoming({ header: context(id) }))).denial, null);
  assert.equal((await guard.accept(incoming({ header: context('three') }))).denial?.code, 'gateway.overloaded');
  clock.seconds += 60;
  assert.equal((await guard.accept(incoming({ header: context('four') }))).denial, null);
});

test('without a proven peer nothing is believed unless the author said so, and a wrong peer never', async () => {
  const strict = setting();
  assert.equal(
    (await strict.guard.accept(strict.incoming({ header: strict.context('one'), peer: null }))).denial?.code,
    'token.bound_to_other_peer',
  );
  const lax = setting({ allowUnprovenPeer: true });
  assert.equal((await lax.guard.accept(lax.incoming({ header: lax.context('one'), peer: null }))).denial, null);
  assert.equal(
    (await lax.guard.accept(lax.incoming({ header: lax.context('two'), peer: own }))).denial?.code,
    'token.bound_to_other_peer',
  );
});

test('keys are read once, and again for an unknown key after a pause', async () => {
  const { guard, clock, context, incoming, published, reads } = setting();
  await guard.accept(incoming({ header: context('one') }));
  await guard.accept(incoming({ header: context('two') }));
  assert.deepEqual(reads, ['http://127.0.0.1:8420/.well-known/writ-context-jwks.json']);
  const next = makeKey('k2');
  published.push(next.jwk);
  assert.equal(
    (await guard.accept(incoming({ header: context('three', next) }))).denial?.code,
    'token.signature_invalid',
  );
  assert.equal(reads.length, 1);
  clock.seconds += 10;
  assert.equal((await guard.accept(incoming({ header: context('four', next) }))).denial, null);
  assert.equal(reads.length, 2);
});

test('when the keys cannot be had that is an outage and no answer', async () => {
  const clock = { nowSeconds: () => 1_000 };
  const keys = openContextKeys({ issuer: 'http://i', fetch: async () => new Response('', { status: 500 }), clock });
  await assert.rejects(keys.forKey('k1'), /answered 500/);
});

test('only Ed25519 keys of the right size are taken from a key set', async () => {
  const { jwk } = makeKey('good');
  const keys = [
    jwk,
    { ...jwk, kid: 'short', x: 'AAAA' },
    { ...jwk, kid: 'kind', kty: 'oct' },
    { ...jwk, kid: 7 },
    null,
    'text',
  ];
  const clock = { nowSeconds: () => 0 };
  const read = openContextKeys({ issuer: 'http://i', fetch: async () => Response.json({ keys }), clock });
  assert.deepEqual([...(await read.forKey('good')).keys()], ['good']);
});
