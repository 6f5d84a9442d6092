import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { JsonObject, JsonValue } from '@writ/core';
import { type Asked, type FakeAnswer, fakePlane, run } from './plane.fixture.ts';

/** A JSON-RPC answer to what was asked. */
function answer(asked: Asked, outcome: JsonObject, more: Partial<FakeAnswer> = {}): FakeAnswer {
  const { id } = JSON.parse(asked.body) as { id: JsonValue };
  return { headers: { 'writ-decision': 'dec_1' }, ...more, body: { jsonrpc: '2.0', id, ...outcome } };
}

describe('one call through a sidecar', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-call-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function call(words: readonly string[], reply: (asked: Asked) => FakeAnswer) {
    await using sidecar = await fakePlane(reply);
    const ran = await run(['call', ...words], { WRIT_SIDECAR: sidecar.origin, WRIT_DATA: folder });
    return { ...ran, asked: sidecar.asked };
  }

  test('that was allowed shows the result and ends 0', async () => {
    const text = { content: [{ type: 'text', text: 'hello' }], resultType: 'complete' };
    const { exitCode, stdout, asked } = await call(['files/read_file', 'path=a.txt', 'head=2', '--json'], (one) =>
      answer(one, { result: text }),
    );
    assert.equal(exitCode, 0);
    const { outcome, decisionId, code, says, httpStatus, rpcCode, approval } = JSON.parse(stdout);
    assert.deepEqual(
      [outcome, decisionId, code, says, httpStatus, rpcCode, approval],
      ['allow', 'dec_1', null, null, 200, null, null],
    );
    assert.equal(asked[0]?.path, '/mcp/files');
    // The sidecar brings the token; a second credential would be ambiguous.
    assert.equal(asked[0]?.authorization, null);
    const { method, params } = JSON.parse(asked[0]!.body);
    assert.deepEqual([method, params.name, params.arguments], ['tools/call', 'read_file', { path: 'a.txt', head: 2 }]);
    const plain = await call(['files/read_file'], (one) => answer(one, { result: text }));
    assert.equal(plain.stdout, 'hello\n');
  });

  test('that policy refused has its code, its sentence and its decision, and ends 1', async () => {
    const error = {
      code: -31001,
      message: 'x',
      data: { code: 'action.policy_forbids', decisionId: 'dec_2', says: 'Policy does not allow this action.' },
    };
    const { exitCode, stdout } = await call(['files/write_file', '--json'], (one) => answer(one, { error }));
    assert.equal(exitCode, 1);
    assert.deepEqual(JSON.parse(stdout), {
      code: 'action.policy_forbids',
      says: 'Policy does not allow this action.',
      approval: null,
      result: null,
      outcome: 'deny',
      decisionId: 'dec_2',
      httpStatus: 200,
      rpcCode: -31001,
    });
    const plain = await call(['files/write_file'], (one) => answer(one, { error }));
    assert.equal(
      plain.stdout,
      'refused: action.policy_forbids — Policy does not allow this action.\nwhy: writ explain dec_2\n',
    );
  });

  test('that waits for a person names the page, and ends 1', async () => {
    const data = {
      code: 'action.approval_required',
      decisionId: 'dec_3',
      says: 'A person has to approve.',
      approvalUrl: 'http://127.0.0.1:1/console/approvals/apr_7',
    };
    const { exitCode, stdout } = await call(['mail/send', '--json'], (one) =>
      answer(one, { error: { code: -31002, message: 'x', data } }),
    );
    const { outcome, approval, rpcCode } = JSON.parse(stdout);
    assert.deepEqual(
      [exitCode, outcome, approval, rpcCode],
      [1, 'approval', { id: 'apr_7', url: data.approvalUrl }, -31002],
    );
  });

  const refusals: [title: string, status: number, code: string][] = [
    ['without a token', 401, 'token.missing'],
    ['without the scope', 403, 'token.scope_insufficient'],
    ['without an edge', 403, 'transport.edge_not_allowed'],
    ['while the log cannot be written', 503, 'audit.unavailable'],
  ];
  for (const [title, status, code] of refusals) {
    test(`${title} keeps the status of the wire, ${status}`, async () => {
      const body = { error: 'refused', error_description: 'In its own words.', code, decisionId: 'dec_4' };
      const { exitCode, stdout } = await call(['files/read_file', '--json'], () => ({ status, body }));
      const told = JSON.parse(stdout);
      assert.deepEqual(
        [exitCode, told.outcome, told.code, told.httpStatus, told.decisionId],
        [1, 'deny', code, status, 'dec_4'],
      );
    });
  }

  test('that the tool itself answered with an error was allowed', async () => {
    const { exitCode, stdout } = await call(['files/read_file', '--json'], (one) =>
      answer(one, { error: { code: -32602, message: 'no such file' } }),
    );
    const { outcome, rpcCode, says } = JSON.parse(stdout);
    assert.deepEqual([exitCode, outcome, rpcCode, says], [0, 'allow', -32602, 'no such file']);
  });

  test('to an agent sends a message', async () => {
    const { exitCode, asked } = await call(
      ['db/agent', '--via', 'a2a', 'message=hello there', 'limit=3', '--json'],
      (one) => answer(one, { result: { message: { messageId: 'm', role: 'ROLE_AGENT', parts: [{ text: 'done' }] } } }),
    );
    assert.equal(exitCode, 0);
    assert.equal(asked[0]?.path, '/a2a/db/agent');
    assert.deepEqual(JSON.parse(asked[0]!.body).params.message.parts, [
      { text: 'hello there' },
      { data: { limit: 3 } },
    ]);
  });

  test('to a URL carries the token of a file, and follows no redirect with it', async () => {
    await using elsewhere = await fakePlane(() => ({ body: {} }));
    await using there = await fakePlane(() => ({ status: 307, headers: { location: elsewhere.origin }, body: {} }));
    await writeFile(join(folder, 'token'), 'abc.def.ghi\n');
    const ran = await run(
      ['call', 'files/read_file', '--url', `${there.origin}/mcp/files`, '--token', join(folder, 'token')],
      { WRIT_DATA: folder },
    );
    assert.equal(there.asked[0]?.authorization, 'Bearer abc.def.ghi');
    assert.equal(elsewhere.asked.length, 0);
    assert.equal(ran.exitCode, 3);
  });

  test('to nobody ends 3', async () => {
    const ran = await run(['call', 'files/read_file'], { WRIT_SIDECAR: 'http://127.0.0.1:9', WRIT_DATA: folder });
    assert.equal(ran.exitCode, 3);
    assert.match(ran.stderr, /`http:\/\/127.0.0.1:9\/mcp\/files` does not answer/);
  });
});
