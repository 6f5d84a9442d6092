import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calleeOf, planeFromReady } from './plane.ts';
import { spawnToken } from './spawn.ts';
import type { Token } from './token.ts';

const plane = planeFromReady({
  gateway: { mtls: 'https://127.0.0.1:8443' },
  issuer: 'http://127.0.0.1:8420',
  gatewayId: 'spiffe://zylos.local/writ/gateway',
});

/** A plane that answers what it was asked, changed like this. */
function spawning(changed: Partial<Token>) {
  const ports = {
    tokens: {
      take: async ({ audience, scopes }: { audience: string; scopes: readonly string[] }): Promise<Token> => ({
        token: 'T',
        audience,
        scopes,
        expiresAt: 1_000,
        chain: null,
        ...changed,
      }),
    },
    calleeOf: (key: string) => calleeOf(plane, key),
    authority: () => 'C1',
    clock: { nowSeconds: () => 1_000 },
  };
  return spawnToken(ports, { tools: ['files/read_file'], audience: 'files', estimatedSeconds: 30 });
}

test('a token for up to twice the estimate is what was promised', async () => {
  assert.equal((await spawning({ expiresAt: 1_060 })).expiresAt, 1_060);
});

test('a token for longer is not handed on', async () => {
  await assert.rejects(spawning({ expiresAt: 1_061 }), /longer than twice the estimate of 30 s/);
});

test('a token for more than was asked is not handed on, for less it is', async () => {
  await assert.rejects(spawning({ scopes: ['files:read_file', 'files:write_file'] }), /a scope that was not asked for/);
  assert.deepEqual((await spawning({ scopes: [] })).scopes, []);
});

test('arguments are asked for tool by tool, and a tool that is not spoken of is listed as it was', async () => {
  const asked: unknown[] = [];
  const ports = {
    tokens: {
      take: async ({
        audience,
        scopes,
        details,
      }: {
        audience: string;
        scopes: readonly string[];
        details?: unknown;
      }) => {
        asked.push(details);
        return { token: 'T', audience, scopes, expiresAt: 1_000, chain: null };
      },
    },
    calleeOf: (key: string) => calleeOf(plane, key),
    authority: () => 'C1',
    clock: { nowSeconds: () => 1_000 },
  };
  const request = { tools: ['files/read_file', 'files/list'], audience: 'files', estimatedSeconds: 30 };
  const path = { '/path': { oneOf: ['/docs/a.md'] } };
  await spawnToken(ports, { ...request, arguments: { 'files/read_file': path } });
  const type = 'urn:writ:params:oauth:authorization-details:call';
  assert.deepEqual(asked, [
    [
      { type, actions: ['files:list'] },
      { type, actions: ['files:read_file'], arguments: path },
    ],
  ]);
  await assert.rejects(
    spawnToken(ports, { ...request, arguments: { 'files/write_file': path } }),
    /not among the tools/,
  );
});

test('a token for other arguments than were asked for is not handed on', async () => {
  const link = (details?: unknown) => ({ ...(details ? { details } : {}) }) as never;
  for (const details of [undefined, [{ type: 'x', actions: ['files:read_file'] }]]) {
    const chain = { task: 'tsk_1', links: [link(), link(details)] } as unknown as Token['chain'];
    const ports = {
      tokens: { take: async () => ({ token: 'T', audience: 'x', scopes: [], expiresAt: 1_000, chain }) },
      calleeOf: (key: string) => calleeOf(plane, key),
      authority: () => 'C1',
      clock: { nowSeconds: () => 1_000 },
    };
    const limits = { 'files/read_file': { '/path': { oneOf: ['/a'] } } };
    const request = { tools: ['files/read_file'], arguments: limits, audience: 'files', estimatedSeconds: 30 };
    await assert.rejects(spawnToken(ports, request), /other arguments/);
  }
});
