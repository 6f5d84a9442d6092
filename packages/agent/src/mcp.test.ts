import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, JsonValue } from '@writ/core';
import { openMcpClient } from './mcp.ts';

const url = 'https://127.0.0.1:8443/mcp/files';

type Asked = { readonly id: number; readonly method: string; readonly params: JsonObject };
type Answer = (asked: Asked, headers: Headers, signal: AbortSignal | null) => Response | Promise<Response>;

function clientOf(answer: Answer) {
  const requests: { body: Asked; headers: Headers }[] = [];
  const client = openMcpClient({
    url,
    async fetch(input, init) {
      assert.equal(String(input), url);
      const body = JSON.parse(String(init?.body)) as Asked;
      const headers = new Headers(init?.headers);
      requests.push({ body, headers });
      return answer(body, headers, init?.signal ?? null);
    },
  });
  return { client, requests };
}

const result = ({ id }: Asked, value: JsonObject) =>
  Response.json({ jsonrpc: '2.0', id, result: { resultType: 'complete', ...value } });
const failure = ({ id }: Asked, error: JsonObject, status = 200) =>
  Response.json({ jsonrpc: '2.0', id, error }, { status });
const stream = (...messages: readonly JsonValue[]) =>
  new Response(messages.map((message) => `data: ${JSON.stringify(message)}\n\n`).join(''), {
    headers: { 'content-type': 'text/event-stream; charset=utf-8' },
  });

test('a request stands alone: version, method and name in headers and body alike', async () => {
  const { client, requests } = clientOf((asked) => result(asked, { content: [{ type: 'text', text: 'hello' }] }));
  const answer = await client.callTool('read_file', { path: 'a.txt' });
  assert.deepEqual(answer, { content: [{ type: 'text', text: 'hello' }], isError: false });
  const { body, headers } = requests[0]!;
  assert.deepEqual(body, {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name: 'read_file',
      arguments: { path: 'a.txt' },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  });
  const names = ['mcp-protocol-version', 'mcp-method', 'mcp-name', 'accept', 'content-type'];
  assert.deepEqual(
    names.map((name) => headers.get(name)),
    ['2026-07-28', 'tools/call', 'read_file', 'application/json, text/event-stream', 'application/json'],
  );
});

test('progress is reported from the stream and the result is its last message', async () => {
  const { client } = clientOf(({ id, params }) => {
    const token = (params._meta as JsonObject).progressToken!;
    const progress = (progressToken: JsonValue, more: JsonObject) => ({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken, ...more },
    });
    return stream(
      progress(token, { progress: 1, total: 2, message: 'half' }),
      progress('another call', { progress: 99 }),
      { jsonrpc: '2.0', id, result: { content: [], structuredContent: { n: 1 }, isError: true } },
    );
  });
  const seen: object[] = [];
  const answer = await client.callTool('slow', {}, { onProgress: (progress) => seen.push(progress) });
  assert.deepEqual(seen, [{ progress: 1, total: 2, message: 'half' }]);
  assert.deepEqual(answer, { content: [], structuredContent: { n: 1 }, isError: true });
});

test('a stream that ends before the result is an outage', async () => {
  const { client } = clientOf(() => stream({ jsonrpc: '2.0', method: 'notifications/message', params: {} }));
  await assert.rejects(client.callTool('x'), /ended before its result/);
});

test('an aborted call closes its stream', async () => {
  const closed = Promise.withResolvers<void>();
  const { client } = clientOf((_asked, _headers, signal) => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        signal?.addEventListener('abort', () => {
          controller.error(signal.reason);
          closed.resolve();
        });
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  });
  const abort = new AbortController();
  const calling = client.callTool('slow', {}, { signal: abort.signal });
  setImmediate(() => abort.abort(new Error('enough')));
  await assert.rejects(calling, /enough/);
  await closed.promise;
});

test('lists are read to their last page', async () => {
  const { client, requests } = clientOf((asked) =>
    asked.params.cursor === undefined
      ? result(asked, { resources: [{ uri: 'file:///a' }], nextCursor: 'p2' })
      : result(asked, { resources: [{ uri: 'file:///b' }] }),
  );
  assert.deepEqual(await client.listResources(), [{ uri: 'file:///a' }, { uri: 'file:///b' }]);
  assert.deepEqual(
    requests.map(({ body }) => body.params.cursor),
    [undefined, 'p2'],
  );
});

test('a list without end is given up', async () => {
  const { client } = clientOf((asked) => result(asked, { prompts: [], nextCursor: 'again' }));
  await assert.rejects(client.listPrompts(), /did not end after 100 pages/);
});

const tool = (name: string, mark: JsonValue) => ({
  name,
  inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': mark } } },
});

test('a tool whose header marks break the rules is left out and the others stay', async () => {
  const { client } = clientOf((asked) => result(asked, { tools: [tool('good', 'Region'), tool('bad', 'Re gion')] }));
  assert.deepEqual(
    (await client.listTools()).map(({ name }) => name),
    ['good'],
  );
});

test('an argument that the schema marks is mirrored, and learnt when the server says so', async () => {
  const { client, requests } = clientOf((asked, headers) => {
    if (asked.method === 'tools/list') return result(asked, { tools: [tool('lookup', 'Region')] });
    return headers.has('mcp-param-region')
      ? result(asked, { content: [] })
      : failure(asked, { code: -32020, message: 'HeaderMismatch' }, 400);
  });
  await client.callTool('lookup', { region: 'Zürich' });
  assert.deepEqual(
    requests.map(({ body }) => body.method),
    ['tools/call', 'tools/list', 'tools/call'],
  );
  assert.equal(requests[2]!.headers.get('mcp-param-region'), '=?base64?WsO8cmljaA==?=');
  await client.callTool('lookup', { region: 'eu' });
  assert.equal(requests.length, 4);
});

test('a header mismatch that stays is thrown after one retry', async () => {
  const { client, requests } = clientOf((asked) =>
    asked.method === 'tools/list'
      ? result(asked, { tools: [] })
      : failure(asked, { code: -32020, message: 'HeaderMismatch' }, 400),
  );
  await assert.rejects(client.callTool('x'), { name: 'RpcError', code: -32020 });
  assert.equal(requests.length, 3);
});

test('a refused action is thrown as a denial, an error of the server as what it is', async () => {
  const data = { code: 'action.policy_forbids', decisionId: 'd9', says: 'Policy does not allow this action.' };
  const refused = clientOf((asked) => failure(asked, { code: -31001, message: 'denied', data }));
  await assert.rejects(refused.client.callTool('x'), (error: Error & { denial?: { decisionId: string } }) => {
    assert.deepEqual(
      [error.name, error.message, error.denial?.decisionId],
      ['DeniedError', 'action.policy_forbids: Policy does not allow this action.', 'd9'],
    );
    return true;
  });
  const failing = clientOf((asked) => failure(asked, { code: -32602, message: 'unknown tool', data: { name: 'x' } }));
  await assert.rejects(failing.client.callTool('x'), {
    name: 'RpcError',
    code: -32602,
    message: 'unknown tool',
    data: { name: 'x' },
  });
});

test('a refusal before the protocol is thrown as a denial too', async () => {
  const body = {
    error: 'temporarily_unavailable',
    error_description: 'The service is stopping.',
    code: 'gateway.draining',
    decisionId: 'd2',
  };
  const { client } = clientOf(() => Response.json(body, { status: 503 }));
  await assert.rejects(client.discover(), {
    name: 'DeniedError',
    message: 'gateway.draining: The service is stopping.',
  });
});

test('what is no answer is an outage', async () => {
  for (const response of [
    new Response('<html>', { status: 502 }),
    Response.json([]),
    Response.json({ jsonrpc: '2.0', id: 77, result: {} }),
  ]) {
    const { client } = clientOf(() => response.clone());
    await assert.rejects(
      client.discover(),
      (error: Error) => error.name === 'Error' && /server\/discover/.test(error.message),
    );
  }
});

test('a result of a kind that was not offered is not taken for an answer', async () => {
  const { client } = clientOf((asked) => result(asked, { resultType: 'input_required', requestState: 's' }));
  await assert.rejects(client.callTool('x'), /unknown kind `input_required`/);
});

test('resources and prompts mirror their names', async () => {
  const { client, requests } = clientOf((asked) => result(asked, { contents: [{ uri: 'file:///ä', text: 't' }] }));
  assert.deepEqual(await client.readResource('file:///ä'), [{ uri: 'file:///ä', text: 't' }]);
  await client.getPrompt('greet', { name: 'x' });
  assert.deepEqual(
    requests.map(({ headers }) => headers.get('mcp-name')),
    ['=?base64?ZmlsZTovLy/DpA==?=', 'greet'],
  );
});
