import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import type { Policy, PolicyAnswer } from '../action/policy.ts';
import { toBase64Url } from '../std/base64.ts';
import type { JsonObject } from '../std/json.ts';
import { chainToClaims } from '../token/wc.ts';
import { decide } from './decide.ts';
import { decisionRecord } from './record.ts';
import {
  agent,
  callOf,
  howard,
  issuer,
  longChain,
  nowSeconds,
  permitAll,
  reader,
  serverUrl,
  shortChain,
  signJws,
  spiffe,
  tokenFor,
  worldWith,
  write,
} from './world.fixture.ts';

const frame = {
  time: '2027-01-15T08:00:00.000Z',
  argumentsDigest: 'sha256:1',
  replica: '1',
  mode: 'enforce',
  memory: 'task',
  versions: { policy: 'sha256:test' },
} as const;

test('a call with all three checks passed is allowed, with the chain back to the person', () => {
  const decision = decide(callOf(tokenFor(longChain()), reader), worldWith(), nowSeconds);
  assert.equal(decision.outcome, 'allow');
  assert.deepEqual(decision.token.facts?.root, howard);
  assert.equal(decision.token.facts?.actorKey, 'db/reader');
  const record = decisionRecord(callOf(null, reader), decision, frame) as JsonObject;
  assert.equal(
    record.sentence,
    'howard, through claude/orchestrator, db/agent and db/reader, asked files/read_file: allowed by all.agent and all.user.',
  );
  assert.deepEqual(record.act, {
    iss: 'spiffe://zylos.local',
    sub: spiffe('db/reader'),
    act: { iss: 'spiffe://zylos.local', sub: spiffe('db/agent'), act: { ...agent('claude/orchestrator') } },
  });
});

test('a refusal names who had narrowed the authority', () => {
  const call = callOf(tokenFor(longChain()), { ...reader, ...write });
  const decision = decide(call, worldWith(), nowSeconds);
  assert.equal(decision.denial?.code, 'token.scope_insufficient');
  const record = decisionRecord(call, decision, frame) as JsonObject;
  assert.equal(
    record.sentence,
    'howard, through claude/orchestrator, db/agent and db/reader, asked files/write_file: refused at the token, ' +
      'db/agent had narrowed it to files:read_file db/reader:send.',
  );
});

const token = () => tokenFor(shortChain());

test('a forbid for an agent in the middle counts, its missing permit does not', () => {
  const middle = (outcome: PolicyAnswer['outcome']): Policy => ({
    ...permitAll,
    evaluate: ({ asker }) => ({
      outcome: asker.kind === 'agent' && asker.spiffeId === spiffe('db/agent') ? outcome : 'permit',
      determining: ['p'],
      errors: [],
    }),
  });
  const call = callOf(tokenFor(longChain()), reader);
  assert.equal(decide(call, worldWith({ policy: middle('none') }), nowSeconds).outcome, 'allow');
  assert.equal(decide(call, worldWith({ policy: middle('forbid') }), nowSeconds).denial?.code, 'action.policy_forbids');
});

test('a token signed by a stranger’s key is not genuine', () => {
  const chain = shortChain();
  const stranger = generateKeyPairSync('ed25519').privateKey;
  const forged = signJws(
    { alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' },
    {
      ...(chainToClaims(chain) as unknown as JsonObject),
      iss: issuer,
      aud: serverUrl('files'),
      client_id: 'x',
      exp: nowSeconds + 60,
      iat: nowSeconds,
      jti: 'j',
      scope: 'files:read_file',
    },
    stranger,
  );
  assert.equal(decide(callOf(forged), worldWith(), nowSeconds).denial?.code, 'token.signature_invalid');
});

test('another spelling of the same token is another token', () => {
  const [head, body, tail] = token().split('.') as [string, string, string];
  const last = tail.at(-1)!;
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const twin = alphabet[alphabet.indexOf(last) ^ 1]!;
  assert.deepEqual(Buffer.from(tail, 'base64url'), Buffer.from(tail.slice(0, -1) + twin, 'base64url'));
  assert.equal(
    decide(callOf(`${head}.${body}.${tail.slice(0, -1)}${twin}`), worldWith(), nowSeconds).denial?.code,
    'token.malformed',
  );
});

test('a duplicate member in a token is refused, whichever value is the harmless one', () => {
  const [head, body] = token().split('.') as [string, string];
  const text = Buffer.from(body, 'base64url').toString().replace('"jti"', '"aud":"https://evil.example","jti"');
  const twice = `${head}.${toBase64Url(Buffer.from(text))}.${'A'.repeat(86)}`;
  assert.equal(decide(callOf(twice), worldWith(), nowSeconds).denial?.code, 'token.malformed');
});

test('a ceiling on calls becomes a claim at the link that carries it', () => {
  const decision = decide(
    callOf(tokenFor(shortChain({ budget: [{ unit: 'calls', max: 5 }] }))),
    worldWith(),
    nowSeconds,
  );
  assert.deepEqual(decision.claims, [
    { kind: 'budget', row: 'row-claude/orchestrator', unit: 'calls', amount: 1, max: 5 },
  ]);
});

test('the same call, world and time give the same decision', () => {
  const call = callOf(tokenFor(longChain()), reader);
  assert.deepEqual(decide(call, worldWith(), nowSeconds), decide(call, worldWith(), nowSeconds));
});
