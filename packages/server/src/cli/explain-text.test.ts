import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@writ/core';
import { explainRefusal, explainText } from './explain-text.ts';

const plain = (_: unknown, text: string) => text;

const link = (
  actor: string,
  scopes: string[],
  removed: string[],
  expires: string,
  constraints: JsonObject[] = [],
): JsonObject => ({
  actor,
  audience: 'https://127.0.0.1:8443/a2a/x',
  scopes,
  removed,
  constraints,
  expires,
  proof: 'row',
});

const narrowed: JsonObject = {
  decisionId: 'dec_1',
  sequence: 17,
  time: '2026-11-24T12:00:00.000Z',
  outcome: 'deny',
  code: 'token.scope_insufficient',
  says: 'The token does not carry the scope this needs.',
  sentence:
    'howard, through claude/orchestrator and db/agent, asked files/write_file: refused at the token, db/agent had narrowed it to files:read_file.',
  operation: 'tools/call',
  target: { server: 'files', name: 'write_file' },
  checks: {
    transport: {
      verdict: 'pass',
      peer: 'spiffe://zylos.local/db/agent',
      listener: 'mtls',
      boundary: 'launch',
      assertedBy: null,
    },
    token: { verdict: 'deny', code: 'token.scope_insufficient', encoding: 'jwt' },
    action: { verdict: 'not_reached' },
  },
  chain: [
    link('howard', ['files:read_file', 'files:write_file', 'db/agent:send'], [], '2026-11-24T13:00:00Z'),
    link(
      'spiffe://zylos.local/claude/orchestrator',
      ['files:read_file', 'files:write_file', 'db/agent:send'],
      [],
      '2026-11-24T13:00:00Z',
    ),
    link(
      'spiffe://zylos.local/db/agent',
      ['files:read_file'],
      ['files:write_file', 'db/agent:send'],
      '2026-11-24T12:10:00Z',
      [{ actions: ['files:read_file'], arguments: { '/path': { subpath: { root: '/srv', separator: '/' } } } }],
    ),
  ],
  policy: { version: 'sha256:aa', determining: [] },
  arguments: { digest: 'sha256:bb' },
  mode: 'enforce',
  task: 'tsk_1',
  trace: null,
  result: { state: 'none' },
  proof: { index: 17, size: 40, verified: true },
};

test('a refusal shows the sentence, the verdicts and where the chain became too narrow', () => {
  assert.equal(
    explainText(narrowed, plain),
    `howard, through claude/orchestrator and db/agent, asked files/write_file: refused at the token, db/agent had narrowed it to files:read_file.

  transport  pass  spiffe://zylos.local/db/agent over mtls (boundary launch)
  token      DENY  token.scope_insufficient
  action     -     not reached

  howard                files:read_file files:write_file db/agent:send
    |  (nothing removed)
    v
  claude/orchestrator   files:read_file files:write_file db/agent:send
    |  - files:write_file
    |  - db/agent:send
    |  - ends 2026-11-24T12:10:00Z
    |  - only files:read_file where /path is {"subpath":{"root":"/srv","separator":"/"}}
    v
  db/agent              files:read_file
    |
    X
  files/write_file   refused: token.scope_insufficient

  decision   dec_1
  time       2026-11-24T12:00:00.000Z
  policy     sha256:aa
  arguments  sha256:bb
  result     none
  record     17, proven in a log of 40`,
  );
});

test('an allowed call names the policies that allowed it, and a log that does not prove it says so', () => {
  const allowed = {
    ...narrowed,
    outcome: 'allow',
    code: null,
    sentence: 'howard asked.',
    checks: {
      transport: { verdict: 'pass', peer: null, listener: 'oauth', boundary: 'none', assertedBy: null },
      token: { verdict: 'pass', encoding: 'jwt' },
      action: { verdict: 'pass' },
    },
    chain: [link('howard', ['files:read_file'], [], '2026-11-24T13:00:00Z')],
    policy: { version: 'sha256:aa', determining: ['allow.1.agent', 'allow.1.user'] },
    mode: 'observe',
    proof: { index: 17, size: 40, verified: false },
  };
  assert.equal(
    explainText(allowed, plain),
    `howard asked.

  transport  pass  nobody by certificate over oauth (boundary none)
  token      pass  jwt (task tsk_1)
  action     pass  by allow.1.agent, allow.1.user

  howard   files:read_file
    |
    v
  files/write_file   allowed

  decision   dec_1
  time       2026-11-24T12:00:00.000Z
  mode       observe
  policy     sha256:aa
  arguments  sha256:bb
  result     none
  record     17, NOT proven in a log of 40`,
  );
});

test('of a wildcard that was removed, the part that was kept is shown', () => {
  const part = {
    ...narrowed,
    chain: [link('howard', ['s:*', 't:a'], [], 'x'), link('a/b', ['s:one', 's:two'], ['s:*', 't:a'], 'x')],
  };
  assert.match(explainText(part, plain), /\| {2}- s:\* but s:one s:two\n {4}\| {2}- t:a\n/);
});

test('an approval and a refusal without a chain are told as such', () => {
  const waiting = {
    ...narrowed,
    outcome: 'approval',
    code: 'action.approval_required',
    chain: [link('howard', [], [], 'x')],
  };
  assert.match(
    explainText(waiting, plain),
    /\?\n {2}files\/write_file {3}waits for a person: action.approval_required/,
  );
  const nobody = { ...narrowed, chain: [], target: { server: 'files', name: null } };
  assert.match(explainText(nobody, plain), /no chain/);
});

test('what a caller wrote cannot steer the terminal', () => {
  const nasty = { ...narrowed, sentence: 'a\u001b[2Jb\u202ec', target: { server: 'x', name: '\u001b]0;t\u0007' } };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  assert.doesNotMatch(explainText(nasty, plain), /[\u001b\u0007\u202e]/);
});

test('a record of another shape is shown as far as it goes, and never throws', () => {
  for (const odd of [
    {},
    { chain: 'x', checks: 7 },
    { chain: [{}], checks: { token: [] }, policy: null },
  ] as JsonObject[]) {
    assert.equal(typeof explainText(odd, plain), 'string');
  }
});

test('a refused token is told with who asked, why, and where it stands', () => {
  const event = {
    ...{ kind: 'event', id: 'r1', time: '2026-11-24T12:00:00.000Z', event: 'token.refused' },
    ...{ client: 'spiffe://zylos.local/db/agent', source: '127.0.0.1:4711', grant: 'token-exchange' },
    ...{ error: 'invalid_scope', code: 'token.scope_widened', detail: { asked: ['files:*'], why: 'b\u001b[2Jad' } },
  };
  assert.equal(
    explainRefusal({ event, sequence: 9, proof: { index: 9, size: 40, verified: true } }, plain),
    `db/agent asked for a token (token-exchange): refused.

  time    2026-11-24T12:00:00.000Z
  from    127.0.0.1:4711
  answer  invalid_scope
  why     token.scope_widened
  asked   ["files:*"]
  why     bad
  record  9, proven in a log of 40`,
  );
  const stranger = { ...event, client: null, detail: null, code: null };
  assert.match(explainRefusal({ event: stranger }, plain), /^somebody who was not authenticated asked for a token/);
});
