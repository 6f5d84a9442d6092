import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@writ/core';
import { FILES, ISSUER, line, listingOf, load, reviewedServer, spiffe, tool } from '../testing.ts';
import { redecide } from './redecide.ts';
import { view } from './testing.ts';

const allow = [line('db/reader', 'files/read_file'), line('claude/orchestrator', 'files/read_file')];

/** As `GET decisions/ID` has it (contract §6). */
function record(over: JsonObject = {}, actors = ['claude/orchestrator', 'db/reader']): JsonObject {
  const link = (iss: string, actor: string) => ({ iss, actor, audience: '', scopes: [] });
  return {
    decisionId: 'dec_1',
    time: '2026-11-25T10:00:00.000Z',
    outcome: 'allow',
    code: null,
    protocol: 'mcp',
    operation: 'tools/call',
    target: { server: 'files', name: 'read_file' },
    checks: { transport: { verdict: 'pass' }, token: { verdict: 'pass' }, action: { verdict: 'pass' } },
    chain: [link(ISSUER, 'howard'), ...actors.map((path) => link('spiffe://zylos.local', spiffe(path)))],
    task: 'tsk_1',
    ...over,
  };
}

const refused = (code: string) => record({ outcome: 'deny', code, checks: { action: { verdict: 'deny' } } });
const again = (of: JsonObject, cedar = '', lines = allow) => redecide(view(load(lines, cedar)), of);

test('under the same policy nothing changes', () => {
  const { changed, now } = again(record())!;
  assert.deepEqual(
    [changed, now],
    ['no', { outcome: 'allow', code: null, policies: ['allow.1.agent', 'allow.1.user'] }],
  );
});

const narrower: [why: string, code: string, cedar: string, lines?: typeof allow][] = [
  ['a line was taken out', 'action.policy_forbids', '', [line('claude/orchestrator', 'files/read_file')]],
  [
    'the person lost the permit',
    'action.user_not_permitted',
    `forbid(principal == Writ::User::"${ISSUER} howard", action, resource);`,
  ],
  [
    'an agent in the middle is forbidden',
    'action.policy_forbids',
    'forbid(principal == Writ::Agent::"spiffe://zylos.local/claude/orchestrator", action, resource);',
  ],
  ['the chain is too long', 'action.policy_forbids', 'forbid(principal, action, resource) when { context.depth > 1 };'],
  [
    'it was asked before a date',
    'action.policy_forbids',
    'forbid(principal, action, resource) when { context.now < datetime("2027-01-01") };',
  ],
  [
    'a person has to be asked now',
    'action.approval_required',
    '@outcome("approval") forbid(principal, action, resource);',
  ],
];

for (const [why, code, cedar, lines] of narrower) {
  test(`${why}: narrower`, () => {
    const { changed, now } = again(record(), cedar, lines)!;
    assert.deepEqual([changed, now.code], ['narrower', code]);
  });
}

test('what was refused by policy and would be allowed is wider', () => {
  assert.equal(again(refused('action.policy_forbids'))!.changed, 'wider');
  assert.equal(again(refused('action.user_not_permitted'), 'forbid(principal, action, resource);')!.changed, 'no');
});

test('what depends on arguments is unknown, since they are not on record', () => {
  const cedar =
    'forbid(principal, action == Writ::Action::"files/read_file", resource) when { context.input.path like "/etc/*" };';
  assert.deepEqual([again(record(), cedar)!.changed, again(record(), cedar)!.now.outcome], ['unknown', 'open']);
});

test('a definition that nobody has reviewed any more is a refusal', () => {
  const { now } = redecide(view(load(allow), { offered: [] }), record())!;
  assert.equal(now.code, 'action.unknown');
});

test('a definition that changed since its review is a refusal', () => {
  const now = listingOf([tool('read_file', { path: { type: 'string' } }, ['path'], { title: 'other' })]);
  const files = { ...reviewedServer('files', FILES), listing: now };
  const changed = view(load(allow, '', { servers: [files] }));
  assert.equal(redecide(changed, record())!.now.code, 'action.manifest_changed');
});

test('decisions that policy had no part in are passed by', () => {
  for (const of of [
    refused('action.argument_invalid'),
    record({
      outcome: 'deny',
      code: 'token.expired',
      checks: { token: { verdict: 'deny' }, action: { verdict: 'not_reached' } },
    }),
    record({ operation: 'tools/list', target: { server: 'files', name: null } }),
    record({ chain: [] }),
  ]) {
    assert.equal(again(of), null);
  }
});
