import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { type JsonObject, judgeJwtSvid, readBundle } from '@writ/core';
import { jwtSvidKey } from '../jwt-key.ts';
import { entryOf, eventually } from '../launch-fixtures.ts';
import { type Bench, codeOf, foreignClient, metadata, openBench, resident, startSeconds } from './bench.fixture.ts';

const own = 'spiffe://zylos.local/demo/resident';
const service = 'spiffe://zylos.local/demo/service';
const open = async (t: TestContext, change: Parameters<typeof openBench>[2] = {}) => {
  const bench = await openBench(t, [resident], change);
  return { bench, client: foreignClient(t, bench, metadata) };
};

/** As a service would check it that knows nothing but the bundle it was given. */
function judge(bundle: Uint8Array, token: string, audience: string, nowSeconds: number) {
  const read = readBundle(bundle);
  assert.ok(typeof read !== 'string');
  const keys = new Map([...read.jwtKeys].map(([kid, jwk]) => [kid, jwtSvidKey(jwk)!] as const));
  return judgeJwtSvid(token, new Map([['zylos.local', keys]]), { audience, nowSeconds });
}

test('a JWT-SVID names its workload and its audiences, lives five minutes, and is checked with the bundle alone', async (t) => {
  const { bench, client } = await open(t);
  const { svids } = await client.fetchJWTSVID({ audience: [service, 'other'] });
  assert.deepEqual([svids.length, svids[0]!.spiffeId], [1, own]);
  const header = JSON.parse(Buffer.from(svids[0]!.svid.split('.')[0]!, 'base64url').toString());
  assert.deepEqual([header.alg, header.typ, typeof header.kid], ['ES256', 'JWT', 'string']);
  for await (const { bundles } of client.fetchJWTBundles({})) {
    const judged = judge(bundles['spiffe://zylos.local']!, svids[0]!.svid, service, startSeconds + 299);
    assert.equal(judged.outcome, 'pass', JSON.stringify(judged));
    assert.deepEqual([judged.facts.spiffeId, judged.facts.audience], [own, [service, 'other']]);
    const late = judge(bundles['spiffe://zylos.local']!, svids[0]!.svid, service, startSeconds + 300);
    assert.ok(late.outcome === 'deny' && late.denial.code === 'token.expired');
    break;
  }
  const told = bench.events.find((event) => event.kind === 'issued_jwt');
  assert.deepEqual(told?.audience, [service, 'other']);
  assert.doesNotMatch(JSON.stringify(bench.events), /eyJ/, 'a token never stands in the log');
});

test('an audience is required, and the identity asked for must be the own one', async (t) => {
  const { bench, client } = await open(t);
  for (const audience of [[], [''], ['a', ''], Array(17).fill('a'), ['a'.repeat(2049)]]) {
    assert.equal(await codeOf(client.fetchJWTSVID({ audience })), Code.InvalidArgument);
  }
  assert.equal(await codeOf(client.fetchJWTSVID({ audience: ['a'], spiffeId: own })), undefined);
  for (const spiffeId of ['spiffe://zylos.local/demo/other', 'spiffe://zylos.local', `${own}/x`, own.toUpperCase()]) {
    assert.equal(await codeOf(client.fetchJWTSVID({ audience: ['a'], spiffeId })), Code.PermissionDenied);
  }
  const refused = bench.events.filter((event) => event.kind === 'refused');
  assert.deepEqual(refused[0]?.denial.detail.asked, 'spiffe://zylos.local/demo/other');
});

test('a process without an identity gets no token, and none is checked for it', async (t) => {
  const bench = await openBench(t, [entryOf('demo/one', { launched: true })]);
  const client = foreignClient(t, bench, metadata);
  const { token } = bench.authority.mintJwt({ spiffeId: own, audience: [service] });
  for (const call of [
    client.fetchJWTSVID({ audience: ['a'] }),
    client.validateJWTSVID({ audience: service, svid: token }),
    client.fetchJWTBundles({}),
  ]) {
    const error = await (call instanceof Promise ? call : first(call)).then(
      () => null,
      (cause) => ConnectError.from(cause),
    );
    assert.deepEqual([error?.code, error?.rawMessage], [Code.PermissionDenied, 'no identity issued']);
  }
  assert.equal(bench.events.filter(({ kind }) => kind === 'refused').length, 3);
});

async function first(stream: AsyncIterable<unknown>): Promise<unknown> {
  for await (const message of stream) return message;
  return null;
}

test('the mandatory metadata is asked for by every JWT call', async (t) => {
  const bench = await openBench(t, [resident]);
  const client = foreignClient(t, bench, {});
  assert.equal(await codeOf(client.validateJWTSVID({ audience: 'a', svid: 'b' })), Code.InvalidArgument);
  assert.equal(await codeOf(client.fetchJWTBundles({})), Code.InvalidArgument);
  assert.equal(await codeOf(client.fetchJWTSVID({ audience: ['a'] })), Code.InvalidArgument);
  assert.deepEqual(bench.events, []);
});

test('a genuine token is validated with its claims; one for another audience, an expired and a forged one are not', async (t) => {
  const { bench, client } = await open(t);
  const { svids } = await client.fetchJWTSVID({ audience: [service] });
  const svid = svids[0]!.svid;
  const { spiffeId, claims } = await client.validateJWTSVID({ audience: service, svid });
  assert.equal(spiffeId, own);
  assert.equal((claims as JsonObject).sub, own);
  assert.deepEqual((claims as JsonObject).aud, [service]);
  const [head, body, tail] = svid.split('.');
  const wrong = [
    { audience: 'other', svid },
    { audience: service, svid: `${head}.${body}.${tail!.slice(0, -4)}AAAA` },
    { audience: service, svid: `${head}.${body}.` },
    { audience: service, svid: 'x' },
    { audience: '', svid },
    { audience: service, svid: '' },
  ];
  for (const asked of wrong) assert.equal(await codeOf(client.validateJWTSVID(asked)), Code.InvalidArgument);
  bench.now += 300;
  assert.equal(await codeOf(client.validateJWTSVID({ audience: service, svid })), Code.InvalidArgument);
  const codes = bench.events.flatMap((event) => (event.kind === 'refused' ? [event.denial.code] : []));
  assert.deepEqual(codes, [
    'token.wrong_audience',
    'token.signature_invalid',
    'token.signature_invalid',
    'token.malformed',
    'token.expired',
  ]);
});

test('the token of a withdrawn identity proves nothing, while it still verifies', async (t) => {
  const withdrawn = new Set<string>();
  const { client } = await open(t, { isRevoked: (spiffeId) => withdrawn.has(spiffeId) });
  const { svids } = await client.fetchJWTSVID({ audience: [service] });
  const asked = { audience: service, svid: svids[0]!.svid };
  assert.equal(await codeOf(client.validateJWTSVID(asked)), undefined);
  withdrawn.add(own);
  assert.equal(await codeOf(client.validateJWTSVID(asked)), Code.InvalidArgument);
});

test("a partner's keys check its own tokens and no other trust domain's", async (t) => {
  const partner = await openBench(t, [resident]);
  const theirs = partner.authority.mintJwt({ spiffeId: own, audience: [service] });
  const { client } = await open(t, {
    jwtKeys: () => new Map([['partner.test', partner.authority.jwtKeys()]]),
  });
  // Signed by a key that is held, for a name that the key may not speak for.
  assert.equal(await codeOf(client.validateJWTSVID({ audience: service, svid: theirs.token })), Code.InvalidArgument);
});

test('a new JWT key is pushed before it signs, and what the old one signed is good until it expires', async (t) => {
  const { bench, client } = await open(t);
  const pushed: string[][] = [];
  const stop = new AbortController();
  const following = follow(client.fetchJWTBundles({}, { signal: stop.signal }), pushed);
  await eventually('the first bundle', () => pushed.length === 1);
  await rotate(bench);
  await eventually('the push', () => pushed.length === 2);
  assert.equal(pushed[1]!.length, 2);
  const { svids: before } = await client.fetchJWTSVID({ audience: [service] });
  assert.equal(kidOf(before[0]!.svid), pushed[0]![0], 'the old key still signs');
  bench.now += 1500;
  const { svids: after } = await client.fetchJWTSVID({ audience: [service] });
  assert.notEqual(kidOf(after[0]!.svid), pushed[0]![0]);
  const keys = new Map(bench.authority.jwtKeys().map((jwk) => [String(jwk.kid), jwtSvidKey(jwk)!]));
  for (const [token, atSeconds] of [
    [before[0]!.svid, startSeconds],
    [after[0]!.svid, bench.now],
  ] as const) {
    const judged = judgeJwtSvid(token, new Map([['zylos.local', keys]]), { audience: service, nowSeconds: atSeconds });
    assert.equal(judged.outcome, 'pass');
  }
  bench.now += 300;
  await bench.authority.maintain();
  bench.api.refresh();
  await eventually('the old key to go', () => pushed.length === 3);
  assert.deepEqual(pushed[2], [kidOf(after[0]!.svid)]);
  stop.abort();
  await following;
});

async function rotate(bench: Bench): Promise<void> {
  await bench.authority.rotate('jwt', { atOnce: false, revoke: false });
  bench.api.refresh();
}

async function follow(
  stream: AsyncIterable<{ readonly bundles: { readonly [id: string]: Uint8Array } }>,
  pushed: string[][],
): Promise<void> {
  try {
    for await (const { bundles } of stream) {
      const { keys } = JSON.parse(Buffer.from(bundles['spiffe://zylos.local']!).toString());
      pushed.push(keys.map(({ kid }: { kid: string }) => kid));
    }
  } catch {
    // ended by the test
  }
}

function kidOf(token: string): string {
  return JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()).kid;
}
