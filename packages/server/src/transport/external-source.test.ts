// A plane whose identities are somebody else's: the source restarts, withdraws, renames, and is away for too long.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { parseSpiffeId } from '@writ/core';
import { type ExternalOptions, openExternalAuthority } from './external-source.ts';
import { entryOf, eventually } from './launch-fixtures.ts';
import { openBench } from './workload-api/bench.fixture.ts';
import { createWorkloadApi } from './workload-api/server.ts';

const gateway = entryOf('writ/gateway', {});
const gatewayId = parseSpiffeId('spiffe://zylos.local/writ/gateway')!;

async function open(t: TestContext, entries = [gateway]) {
  const bench = await openBench(t, entries);
  const problems: string[] = [];
  const options: ExternalOptions = {
    endpoint: bench.api.endpoint,
    trustDomain: 'zylos.local',
    gatewayId,
    clock: bench.options.clock,
    onProblem: (says) => problems.push(says),
    backoffMillis: () => 5,
  };
  const external = await openExternalAuthority(options);
  t.after(() => external.close());
  const changes: boolean[] = [];
  external.onChange(({ revoked }) => void changes.push(revoked));
  return { bench, external, problems, changes };
}

test('the gateway’s SVID and the roots are those of the source, and nothing else is signed', async (t) => {
  const { bench, external } = await open(t);
  const svid = await external.mint({ spiffeId: gatewayId });
  assert.deepEqual([svid.spiffeId, svid.chainDer.length, svid.notAfterSeconds], [gatewayId, 2, bench.now + 100]);
  assert.deepEqual(
    external.bundle().map((der) => Buffer.from(der)),
    bench.authority.bundle().map((der) => Buffer.from(der)),
  );
  for (const spiffeId of ['spiffe://zylos.local/demo/one', `${gatewayId}/x`])
    await assert.rejects(external.mint({ spiffeId }), /are the business of `unix:/);
  await assert.rejects(external.rotate('root', { atOnce: true, revoke: true }), /are the business of/);
  assert.throws(() => external.mintJwt({ spiffeId: gatewayId, audience: ['x'] }), /are the business of/);
});

test('renewals and new roots are told as they come', async (t) => {
  const { bench, external, changes } = await open(t);
  const before = await external.mint({ spiffeId: gatewayId });
  await bench.authority.rotate('root', { atOnce: false, revoke: false });
  bench.api.refresh();
  await eventually('the change', () => changes.length === 1);
  assert.equal(external.bundle().length, 2);
  assert.notEqual((await external.mint({ spiffeId: gatewayId })).serialHex, before.serialHex);
});

test('while the source is away what is held serves on, to its end and no longer; back again, it is renewed', async (t) => {
  const { bench, external, changes } = await open(t);
  await bench.api.close();
  bench.now += 99;
  assert.ok(external.serves() && (await external.mint({ spiffeId: gatewayId })));
  bench.now += 1;
  assert.equal(external.serves(), false);
  await assert.rejects(external.mint({ spiffeId: gatewayId }), /has not renewed the identity of this plane/);
  bench.api = await createWorkloadApi(bench.options);
  await eventually('the renewal', () => changes.length === 1);
  assert.equal(external.serves(), true);
});

test('an entry deleted at the source ends it at once, and a new one brings it back', async (t) => {
  const { bench, external, problems, changes } = await open(t);
  bench.plane.setEntries([]);
  bench.api.refresh();
  await eventually('the withdrawal', () => changes.length === 1);
  assert.deepEqual([external.serves(), changes], [false, [true]]);
  assert.match(problems[0]!, /has withdrawn the identity of this plane/);
  bench.plane.setEntries([gateway]);
  await eventually('the return', () => external.serves());
});

test('another name is never taken: at the start it stops the plane, later it is told', async (t) => {
  const { bench, external, problems } = await open(t);
  const before = await external.mint({ spiffeId: gatewayId });
  bench.plane.setEntries([entryOf('demo/one', {})]);
  bench.api.refresh();
  await eventually('the problem', () => problems.length === 1);
  assert.match(problems[0]!, /names this plane `spiffe:\/\/zylos\.local\/demo\/one`; what is held is kept/);
  assert.equal((await external.mint({ spiffeId: gatewayId })).serialHex, before.serialHex);
  await assert.rejects(open(t, [entryOf('demo/one', {})]), /Register this process there \(uid \d+\) as `spiffe:/);
});

test('a source that knows nobody, or is not there, is told with the way out', async (t) => {
  await assert.rejects(open(t, []), /gives this plane no identity \(no identity issued\)\. Register this process/);
  const absent = { endpoint: 'unix:///nowhere/agent.sock', trustDomain: 'zylos.local', gatewayId, openMillisMax: 50 };
  const options = { ...absent, clock: { nowSeconds: () => 0 }, onProblem: () => {}, backoffMillis: () => 5 };
  await assert.rejects(openExternalAuthority(options), /gives this plane no identity/);
});
