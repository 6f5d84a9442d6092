import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonValue } from '@writ/core';
import { DeniedError, denialOfAnswer, refusedHere } from './denied.ts';

const bare = new Headers();

test('an HTTP refusal names its code, its sentence and its decision', () => {
  const body = {
    error: 'invalid_token',
    error_description: 'The token is no longer valid.',
    code: 'token.expired',
    decisionId: 'd1',
  };
  assert.deepEqual(denialOfAnswer(body, bare), {
    code: 'token.expired',
    says: 'The token is no longer valid.',
    decisionId: 'd1',
    approvalUrl: null,
    scopesNeeded: [],
  });
});

test('the decision is read from the header where the body does not name it', () => {
  const denial = denialOfAnswer(
    { error: 'invalid_target', code: 'token.cycle' },
    new Headers({ 'Writ-Decision': 'd2' }),
  );
  assert.equal(denial?.decisionId, 'd2');
});

test('an OAuth error without a code of the plane keeps its own name', () => {
  assert.equal(denialOfAnswer({ error: 'invalid_client' }, bare)?.code, 'invalid_client');
});

test('the scopes that are needed come from the challenge', () => {
  const headers = new Headers({
    'www-authenticate':
      'Bearer error="insufficient_scope", scope="files:read_file files:write_file", resource_metadata="https://x/y"',
  });
  const denial = denialOfAnswer({ error: 'insufficient_scope', code: 'token.scope_insufficient' }, headers);
  assert.deepEqual(denial?.scopesNeeded, ['files:read_file', 'files:write_file']);
});

test('an action refused in MCP is told in the error data', () => {
  const data = {
    code: 'action.approval_required',
    decisionId: 'd3',
    says: 'A person has to approve this action first.',
    approvalUrl: 'https://c/1',
  };
  const denial = denialOfAnswer({ jsonrpc: '2.0', id: 1, error: { code: -31002, message: 'm', data } }, bare);
  assert.deepEqual(
    [denial?.code, denial?.decisionId, denial?.approvalUrl],
    ['action.approval_required', 'd3', 'https://c/1'],
  );
});

test('an action refused in A2A is told in an ErrorInfo of writ.dev', () => {
  const foreign = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    domain: 'a2a-protocol.org',
    metadata: { code: 'not.ours' },
  };
  const ours = { ...foreign, domain: 'writ.dev', metadata: { code: 'action.policy_forbids', decisionId: 'd4' } };
  const denial = denialOfAnswer(
    { error: { code: -31001, message: 'Policy does not allow this action.', data: [foreign, ours] } },
    bare,
  );
  assert.deepEqual(
    [denial?.code, denial?.says, denial?.decisionId],
    ['action.policy_forbids', 'Policy does not allow this action.', 'd4'],
  );
});

test('an error of the callee itself is no denial', () => {
  const bodies: readonly JsonValue[] = [
    { error: { code: -32602, message: 'unknown tool' } },
    { error: { code: -32001, data: [] } },
    {},
    null,
    'no',
    [1],
  ];
  for (const body of bodies) assert.equal(denialOfAnswer(body, bare), null);
});

test('what is thrown is an Error that carries the denial', () => {
  const error = refusedHere('token.missing');
  assert.ok(error instanceof Error && error instanceof DeniedError);
  assert.equal(error.message, 'token.missing: A token is required.');
  assert.equal(error.denial.decisionId, null);
});
