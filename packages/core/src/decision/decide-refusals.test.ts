// One case for each way in which the three checks say no.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from '../action/call.ts';
import type { Policy, PolicyAnswer } from '../action/policy.ts';
import { unknownTool } from '../action/trust/manifest.ts';
import type { DenialCode } from '../denial.ts';
import type { JsonObject } from '../std/json.ts';
import { DETAIL_TYPE } from '../token/chain.ts';
import { decide } from './decide.ts';
import {
  agent,
  agentUrl,
  callOf,
  hop,
  issuer,
  longChain,
  nowSeconds,
  peerOf,
  permitAll,
  reader,
  rootLink,
  serverUrl,
  shortChain,
  signJws,
  spiffe,
  tokenFor,
  worldWith,
  write,
} from './world.fixture.ts';

function answering(answers: { [kind: string]: Partial<PolicyAnswer> }): Policy {
  return {
    ...permitAll,
    evaluate: ({ asker }) => ({ outcome: 'permit', determining: [], errors: [], ...answers[asker.kind] }),
  };
}

function rewritten(text: string, change: (claims: JsonObject) => JsonObject): string {
  const [head, body] = text.split('.') as [string, string];
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as JsonObject;
  return signJws(JSON.parse(Buffer.from(head, 'base64url').toString()) as JsonObject, change(claims));
}

const token = () => tokenFor(shortChain());
const cases: {
  name: string;
  code: DenialCode;
  call: () => Call;
  world?: Parameters<typeof worldWith>[0];
  at?: number;
}[] = [
  {
    name: 'a peer without an edge',
    code: 'transport.edge_not_allowed',
    call: () => callOf(token(), { peer: peerOf('scheduler/c5') }),
  },
  {
    name: 'an expired certificate',
    code: 'transport.certificate_expired',
    call: () => callOf(token(), { peer: peerOf('claude/orchestrator', { notAfterSeconds: nowSeconds }) }),
  },
  {
    name: 'a certificate that names nobody',
    code: 'transport.identity_invalid',
    call: () => callOf(token(), { peer: peerOf('claude/orchestrator', { spiffeId: null }) }),
  },
  {
    name: 'a withdrawn identity',
    code: 'transport.identity_revoked',
    call: () => callOf(token()),
    world: { revoked: [spiffe('claude/orchestrator')] },
  },
  { name: 'no token', code: 'token.missing', call: () => callOf(null) },
  {
    name: 'two credentials',
    code: 'token.ambiguous',
    call: () => callOf(null, { credential: { kind: 'ambiguous', seen: ['authorization', 'x-aip-token'] } }),
  },
  { name: 'garbage for a token', code: 'token.malformed', call: () => callOf('not.a.token') },
  {
    name: 'a continuation used as a bearer',
    code: 'token.malformed',
    call: () => callOf(tokenFor(shortChain(), {}, { typ: 'writ-continuation+jwt' })),
  },
  { name: 'algorithm none', code: 'token.malformed', call: () => callOf(tokenFor(shortChain(), {}, { alg: 'none' })) },
  {
    name: 'a key in the header',
    code: 'token.malformed',
    call: () => callOf(tokenFor(shortChain(), {}, { jwk: { kty: 'OKP' } })),
  },
  {
    name: 'an unknown critical header',
    code: 'token.malformed',
    call: () => callOf(tokenFor(shortChain(), {}, { crit: ['x'] })),
  },
  {
    name: 'another issuer',
    code: 'token.issuer_unknown',
    call: () => callOf(tokenFor(shortChain(), { iss: 'https://evil.example' })),
  },
  {
    name: 'a key that is not the issuer’s',
    code: 'token.signature_invalid',
    call: () => callOf(tokenFor(shortChain(), {}, { kid: 'k2' })),
  },
  {
    name: 'a header that says another algorithm',
    code: 'token.signature_invalid',
    call: () => callOf(tokenFor(shortChain(), {}, { alg: 'ES256' })),
  },
  { name: 'an expired token', code: 'token.expired', call: () => callOf(tokenFor(shortChain(), { exp: nowSeconds })) },
  {
    name: 'a token from the future',
    code: 'token.not_yet_valid',
    call: () => callOf(tokenFor(shortChain(), { iat: nowSeconds + 1 })),
  },
  {
    name: 'a token for another server',
    code: 'token.wrong_audience',
    call: () => callOf(tokenFor(shortChain({ audience: serverUrl('mail') }))),
  },
  {
    name: 'a token for several audiences',
    code: 'token.malformed',
    call: () => callOf(tokenFor(shortChain(), { aud: [serverUrl('files'), serverUrl('mail')] })),
  },
  { name: 'a stolen token', code: 'token.bound_to_other_peer', call: () => callOf(token(), reader) },
  {
    name: 'an agent’s token on a connection without a certificate',
    code: 'token.bound_to_other_peer',
    call: () => callOf(token(), { peer: { listener: 'oauth', remote: '127.0.0.1:1' } }),
  },
  {
    name: 'a token bound to another certificate',
    code: 'token.bound_to_other_key',
    call: () => callOf(tokenFor(shortChain(), { cnf: { 'x5t#S256': 'other' } })),
  },
  {
    name: 'a proof-bound token under Bearer',
    code: 'token.bound_to_other_key',
    call: () => callOf(tokenFor(shortChain(), { cnf: { jkt: 'thumb' } })),
  },
  {
    name: 'a token without a person behind it',
    code: 'token.no_mandate',
    call: () => callOf(rewritten(token(), ({ wc: _wc, act: _act, ...rest }) => rest)),
  },
  {
    name: 'an act that tells another story',
    code: 'token.chain_ambiguous',
    call: () => callOf(tokenFor(shortChain(), { act: { ...agent('db/agent') } })),
  },
  {
    name: 'a scope that tells another story',
    code: 'token.chain_ambiguous',
    call: () => callOf(tokenFor(shortChain(), { scope: 'files:read_file files:write_file mail:send' })),
  },
  {
    name: 'a subject that tells another story',
    code: 'token.chain_ambiguous',
    call: () => callOf(tokenFor(shortChain(), { sub: 'mallory' })),
  },
  {
    name: 'an unknown restriction',
    code: 'token.restriction_unknown',
    call: () =>
      callOf(
        rewritten(token(), (claims) => ({
          ...claims,
          wc: (claims.wc as JsonObject[]).map((link) => ({ ...link, colour: 'red' })),
        })),
      ),
  },
  {
    name: 'a withdrawn token',
    code: 'token.revoked',
    call: () => callOf(token()),
    world: { revocations: { rows: new Set(['jti-1']) } },
  },
  {
    name: 'a withdrawn ancestor',
    code: 'token.revoked',
    call: () => callOf(token()),
    world: { revocations: { rows: new Set(['row-root']) } },
  },
  {
    name: 'an ended task',
    code: 'token.revoked',
    call: () => callOf(token()),
    world: { revocations: { tasks: new Set(['tsk_1']) } },
  },
  {
    name: 'a withdrawn person',
    code: 'token.revoked',
    call: () => callOf(token()),
    world: { revocations: { users: new Set([`${issuer} howard`]) } },
  },
  {
    name: 'a withdrawn agent in the middle of the chain',
    code: 'token.revoked',
    call: () => callOf(tokenFor(longChain()), reader),
    world: { revocations: { agents: new Set([spiffe('db/agent')]) } },
  },
  {
    name: 'a list of revocations that is too old',
    code: 'gateway.store_unreachable',
    call: () => callOf(token()),
    world: { revocations: { fresh: false } },
  },
  {
    name: 'a link made for another agent',
    code: 'token.delegator_mismatch',
    call: () =>
      callOf(
        tokenFor({
          task: 't',
          links: [rootLink(), hop('db/reader', serverUrl('files'), { scopes: ['files:read_file'] })],
        }),
        reader,
      ),
  },
  {
    name: 'a chain that comes back to an agent',
    code: 'token.cycle',
    call: () =>
      callOf(
        tokenFor({
          task: 't',
          links: [
            rootLink(),
            hop('claude/orchestrator', agentUrl('scheduler/c5')),
            hop('scheduler/c5', agentUrl('claude/orchestrator'), { depth: 1 }),
            hop('claude/orchestrator', serverUrl('files'), { depth: 0 }),
          ],
        }),
      ),
  },
  {
    name: 'a link wider than its parent',
    code: 'token.scope_widened',
    call: () => callOf(tokenFor(shortChain({ scopes: ['files:read_file', 'files:delete'] }))),
  },
  {
    name: 'a link that outlives its parent',
    code: 'token.expiry_widened',
    call: () => callOf(tokenFor(shortChain({ untilSeconds: nowSeconds + 901 }))),
  },
  {
    name: 'a link deeper than allowed',
    code: 'token.depth_exceeded',
    call: () => callOf(tokenFor(shortChain({ depth: 3 }))),
  },
  {
    name: 'a scope nobody gave',
    code: 'token.scope_insufficient',
    call: () => callOf(tokenFor(longChain()), { ...reader, ...write }),
  },
  {
    name: 'an argument outside the constraint',
    code: 'token.constraint_violated',
    call: () =>
      callOf(
        tokenFor(
          shortChain({
            details: [
              {
                type: DETAIL_TYPE,
                actions: ['files:*'],
                arguments: { '/path': { subpath: { root: '/docs', separator: '/' } } },
              },
            ],
          }),
        ),
      ),
  },
  {
    name: 'a grant that has ended',
    code: 'token.expired',
    call: () => callOf(tokenFor(shortChain({ untilSeconds: nowSeconds }))),
  },
  {
    name: 'a ceiling nobody can count',
    code: 'token.restriction_unknown',
    call: () => callOf(tokenFor(shortChain({ budget: [{ unit: 'EUR', max: 5 }] }))),
  },
  {
    name: 'an operation policy has not heard of',
    code: 'action.unknown',
    call: () => callOf(token()),
    world: { policy: { ...permitAll, definition: () => undefined } },
  },
  {
    name: 'a definition nobody reviewed',
    code: 'action.manifest_changed',
    call: () => callOf(token()),
    world: {
      policy: {
        ...permitAll,
        definition: () => ({
          digest: 'd',
          reviewed: false,
          risk: 4,
          manifest: false,
          trust: unknownTool,
          checkArguments: () => null,
        }),
      },
    },
  },
  {
    name: 'an argument the definition does not know',
    code: 'action.argument_unknown',
    call: () => callOf(token()),
    world: {
      policy: {
        ...permitAll,
        definition: () => ({
          digest: 'd',
          reviewed: true,
          risk: 1,
          manifest: true,
          trust: unknownTool,
          checkArguments: () => ({ code: 'action.argument_unknown', pointer: '/x', expected: 'nothing' }),
        }),
      },
    },
  },
  {
    name: 'nothing that permits the agent',
    code: 'action.policy_forbids',
    call: () => callOf(token()),
    world: { policy: answering({ agent: { outcome: 'none' } }) },
  },
  {
    name: 'a forbid for the agent',
    code: 'action.policy_forbids',
    call: () => callOf(token()),
    world: { policy: answering({ agent: { outcome: 'forbid' } }) },
  },
  {
    name: 'nothing that permits the person',
    code: 'action.user_not_permitted',
    call: () => callOf(token()),
    world: { policy: answering({ user: { outcome: 'none' } }) },
  },
  {
    name: 'a policy that erred beside a permit',
    code: 'action.policy_error',
    call: () => callOf(token()),
    world: { policy: answering({ agent: { outcome: 'permit', errors: ['guard: attribute not found'] } }) },
  },
];

for (const { name, code, call, world } of cases) {
  test(`${name} is refused as ${code}`, () => {
    const decision = decide(call(), worldWith(world), nowSeconds);
    assert.equal(decision.outcome, 'deny');
    assert.equal(decision.denial?.code, code);
    assert.deepEqual(decision.claims, []);
  });
}
