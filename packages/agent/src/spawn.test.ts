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
