// What has to hold before anything is judged, and what the server survives.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { denial } from '@writ/core';
import { type ModernUpstream, startModern } from './servers.fixture.ts';
import { ask, MODERN_META, modernRequest, startGateway, type TestGateway } from './world.fixture.ts';

let notes: ModernUpstream;
let gateway: TestGateway;
before(async () => {
  notes = await startModern();
  gateway = await startGateway({ notes: notes.upstream });
});
after(async () => {
  await gateway.close();
  await notes.close();
});

/** One request with any header at all, `Host` included. */
function raw(
  headers: Record<string, string>,
  body: string,
  method = 'POST',
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const req = request(gateway.endpoint('notes'), { method, headers }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      res.on('end', () => resolve({ status: res.statusCode!, body: text }));
    });
    req.on('error', reject);
    req.end(body);
  });
}

const LIST = modernRequest('tools/list');
const LIST_HEADERS = LIST.headers as Record<string, string>;
const LIST_BODY = LIST.body as string;

async function stillServes(): Promise<void> {
  const { status, body } = await ask(gateway.endpoint('notes'), modernRequest('tools/list'));
  assert.equal(status, 200);
  assert.ok(body.result);
}

describe('before the body is read', () => {
  for (const [title, headers, status] of [
    ['a foreign host is misdirected', { host: 'evil.example.com' }, 421],
    ['a host of another port is misdirected', { host: '127.0.0.1:1' }, 421],
    ['a host with a user name is misdirected', { host: 'x@127.0.0.1' }, 421],
    ['a page of a foreign origin may not call', { origin: 'http://evil.example.com' }, 403],
    ['a page without an origin may not call', { origin: 'null' }, 403],
    ['a page of loopback may', { origin: 'http://localhost:3000' }, 200],
  ] as const) {
    test(title, async () => {
      const answer = await raw({ ...LIST_HEADERS, ...headers }, LIST_BODY);
      assert.equal(answer.status, status);
      if (status !== 200) assert.equal(gateway.malformed.at(-1)!.denialCode, 'gateway.misdirected');
    });
  }

  test('the other names of loopback are the same host', async () => {
    const host = `localhost:${new URL(gateway.url).port}`;
    assert.equal((await raw({ ...LIST_HEADERS, host }, LIST_BODY)).status, 200);
  });

  test('two hosts in one request are no host', async () => {
    const port = Number(new URL(gateway.url).port);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      const hosts = `Host: 127.0.0.1:${port}\r\nHost: evil.example.com\r\n`;
      socket.end(`POST /mcp/notes HTTP/1.1\r\n${hosts}Content-Length: 0\r\nConnection: close\r\n\r\n`);
      let text = '';
      socket.on('data', (part) => {
        text += part;
      });
      socket.on('end', () => resolve(text)).on('error', reject);
    });
    assert.match(answer, /^HTTP\/1\.1 4(00|21) /);
  });

  test('GET is not served, and DELETE only for a legacy session', async () => {
    for (const [method, headers] of [
      ['GET', {}],
      ['DELETE', {}],
      ['DELETE', { 'mcp-session-id': 'x', 'mcp-protocol-version': '2026-07-28' }],
    ] as const) {
      const answer = await fetch(gateway.endpoint('notes'), { method, headers });
      assert.equal(answer.status, 405);
      assert.equal(answer.headers.get('allow'), 'POST');
      assert.ok(answer.headers.get('writ-decision'));
    }
  });

  test('a server nobody configured is not found', async () => {
    assert.equal((await ask(gateway.endpoint('ghosts'), modernRequest('tools/list'))).status, 404);
    assert.equal((await ask(`${gateway.url}/.well-known/oauth-protected-resource/mcp/ghosts`, {})).status, 404);
  });

  test('a caller without an edge is refused while its body is still unread', async () => {
    const closed = await startGateway(
      { notes: notes.upstream },
      { early: () => denial('transport.edge_not_allowed', { callee: 'notes' }) },
    );
    const port = Number(new URL(closed.url).port);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.write(`POST /mcp/notes HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 1000\r\n\r\n`);
      socket.once('data', (part) => resolve(String(part))).on('error', reject);
      socket.once('data', () => socket.destroy());
    });
    assert.match(answer, /^HTTP\/1\.1 403 /);
    assert.equal(closed.malformed[0]?.denialCode, 'transport.edge_not_allowed');
    assert.equal(closed.answered.length, 0);
    await closed.close();
  });
});

describe('hostile bodies', () => {
  test('64 MB with a length are refused unread', async () => {
    const answer = await raw({ ...LIST_HEADERS, 'content-length': String(64 * 1024 * 1024) }, LIST_BODY).catch(
      () => null,
    );
    assert.equal(answer?.status, 413);
    await stillServes();
  });

  test('64 MB without a length are refused as soon as they are too many', async () => {
    const status = await new Promise<number | 'cut'>((resolve, reject) => {
      const req = request(gateway.endpoint('notes'), { method: 'POST', headers: LIST_HEADERS }, (res) => {
        res.resume();
        resolve(res.statusCode!);
      });
      let left = 64;
      const push = () => {
        while (left-- > 0) if (!req.write(Buffer.alloc(1024 * 1024, 0x20))) return void req.once('drain', push);
        req.end();
      };
      req.on('error', (error: NodeJS.ErrnoException) => {
        // Whoever goes on sending may lose the answer to the reset that follows it; the refusal is on record either way.
        if (['EPIPE', 'ECONNRESET'].includes(error.code ?? '')) resolve('cut');
        else reject(error);
      });
      push();
    });
    assert.ok(status === 413 || status === 'cut', String(status));
    assert.equal(gateway.malformed.at(-1)!.denialCode, 'gateway.too_large');
    await stillServes();
  });

  for (const [title, body, rpcCode] of [
    ['100,000 brackets', '['.repeat(100_000), -32700],
    ['a name twice', '{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}', -32700],
    ['a batch', `[${LIST_BODY}]`, -32600],
  ] as const) {
    test(`${title} get the standard's error`, async () => {
      const { status, headers, body: answer } = await ask(gateway.endpoint('notes'), { ...LIST, body });
      assert.equal(status, 400);
      assert.equal(answer.error?.code, rpcCode);
      assert.ok(!('id' in answer));
      assert.equal(answer.error?.data?.decisionId, headers.get('writ-decision'));
      assert.equal(gateway.malformed.at(-1)!.decisionId, headers.get('writ-decision'));
      await stillServes();
    });
  }

  test('bytes that are not UTF-8 get the standard’s error', async () => {
    const { body } = await ask(gateway.endpoint('notes'), { ...LIST, body: new Uint8Array([0x7b, 0xff, 0x7d]) });
    assert.equal(body.error?.code, -32700);
  });

  test('a coded body is not seen, so not judged', async () => {
    const answer = await raw({ ...LIST_HEADERS, 'content-encoding': 'gzip' }, LIST_BODY);
    assert.equal(answer.status, 400);
    assert.equal(gateway.malformed.at(-1)!.denialCode, 'gateway.body_unseen');
  });

  test('a caller that hangs up within its body leaves nothing behind', async () => {
    const before = gateway.answered.length;
    const port = Number(new URL(gateway.url).port);
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(`POST /mcp/notes HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 1000\r\n\r\n{`, () => {
          socket.destroy();
          resolve();
        });
      });
    });
    await stillServes();
    assert.equal(gateway.answered.length, before + 1);
  });
});

describe('what is judged is what is forwarded', () => {
  const call = { name: 'echo', arguments: { text: 'hi' } };

  test('the very bytes, when nothing had to change', async () => {
    const body = ` ${JSON.stringify({ method: 'tools/call', id: 'x', params: { ...call, _meta: MODERN_META }, jsonrpc: '2.0' })}\n`;
    await ask(gateway.endpoint('notes'), { ...modernRequest('tools/call', call), body });
    assert.equal(notes.heard.at(-1)!.body, body);
    const { call: judged, forwardedDigest } = gateway.answered.at(-1)!;
    assert.equal(judged.judgedDigest, forwardedDigest);
    assert.deepEqual({ ...judged.arguments }, { text: 'hi' });
  });

  test('one new serialisation without Writ’s members and extensions, when a caller sent some', async () => {
    const _meta = {
      'dev.writ/context': 'forged',
      'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} }, roots: {} },
      progressToken: 1,
    };
    await ask(gateway.endpoint('notes'), modernRequest('tools/call', { ...call, _meta }));
    const sent = JSON.parse(notes.heard.at(-1)!.body);
    assert.deepEqual(sent.params, {
      ...call,
      _meta: { ...MODERN_META, progressToken: 1, 'io.modelcontextprotocol/clientCapabilities': { roots: {} } },
    });
    const { call: judged, forwardedDigest } = gateway.answered.at(-1)!;
    assert.notEqual(judged.judgedDigest, forwardedDigest);
  });

  test('headers made from the body, and none of the caller’s but the trace', async () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await ask(
      gateway.endpoint('notes'),
      modernRequest('tools/call', call, {
        traceparent: trace,
        cookie: 'a=b',
        'x-forwarded-for': '1.2.3.4',
        'x-forwarded-client-cert': 'URI=spiffe://x/y',
        'writ-context': 'forged',
        'x-user': 'root',
        'mcp-param-unknown': 'x',
      }),
    );
    const { headers } = notes.heard.at(-1)!;
    assert.equal(headers['mcp-method'], 'tools/call');
    assert.equal(headers['mcp-name'], 'echo');
    assert.equal(headers.traceparent, trace);
    assert.equal(gateway.answered.at(-1)!.call.trace, '0af7651916cd43dd8448eb211c80319c');
    for (const name of [
      'cookie',
      'x-forwarded-for',
      'x-forwarded-client-cert',
      'writ-context',
      'x-user',
      'mcp-param-unknown',
    ]) {
      assert.equal(headers[name], undefined, name);
    }
  });

  test('parameters that a tool wants in headers are checked, and sent on', async () => {
    await ask(gateway.endpoint('notes'), modernRequest('tools/list'));
    const place = { name: 'place', arguments: { region: 'eu west' } };
    const agreed = modernRequest('tools/call', place, { 'mcp-param-region': 'eu west' });
    const { body } = await ask(gateway.endpoint('notes'), agreed);
    assert.deepEqual(body.result?.content, [{ type: 'text', text: 'placed in eu west' }]);
    assert.equal(notes.heard.at(-1)!.headers['mcp-param-region'], 'eu west');
    const heard = notes.heard.length;
    for (const extra of [{}, { 'mcp-param-region': 'us' }]) {
      const refused = await ask(gateway.endpoint('notes'), modernRequest('tools/call', place, extra));
      assert.equal(refused.status, 400);
      assert.equal(refused.body.error?.code, -32020);
    }
    assert.equal(notes.heard.length, heard);
    assert.equal(gateway.malformed.at(-1)!.denialCode, 'gateway.header_mismatch');
  });
});

describe('lists', () => {
  test('show what the caller may call, are private, and tell what the server listed', async () => {
    const narrow = await startGateway(
      { notes: notes.upstream },
      { visible: (_decision, name) => name === 'echo' || name === 'prompts/greet' },
    );
    const list = async (method: string) => (await ask(narrow.endpoint('notes'), modernRequest(method))).body.result!;
    const tools = await list('tools/list');
    assert.deepEqual(
      (tools.tools as { name: string }[]).map((tool) => tool.name),
      ['echo'],
    );
    assert.equal(tools.cacheScope, 'private');
    assert.ok(narrow.observed.get('notes')!.length > 1);
    assert.equal(((await list('prompts/list')).prompts as unknown[]).length, 1);
    assert.deepEqual((await list('resources/list')).resources, []);
    const discovered = await list('server/discover');
    assert.deepEqual(discovered.supportedVersions, ['2026-07-28']);
    assert.equal(discovered.instructions, 'keep notes');
    await narrow.close();
  });
});

test('instructions nobody reviewed are not shown', async () => {
  const definitions = {
    observe: () => {},
    isReviewed: () => true,
    inputSchemaOf: () => undefined,
    mayShowInstructions: () => false,
  };
  const strict = await startGateway({ notes: notes.upstream }, { definitions });
  const { body } = await ask(strict.endpoint('notes'), modernRequest('server/discover'));
  assert.ok(body.result && !('instructions' in body.result));
  await strict.close();
});

test('a failure of ours is told to the operator and answered as one', async () => {
  const broken = await startGateway(
    { notes: notes.upstream },
    {
      early: () => {
        throw new Error('out of order');
      },
    },
  );
  const { status, body } = await ask(broken.endpoint('notes'), modernRequest('tools/list'));
  assert.deepEqual([status, body], [500, { error: 'server_error' }]);
  assert.match(broken.reported[0]!, /request for notes: Error: out of order/);
  await broken.close();
});

test('a refusal stands although its record failed', async () => {
  const deaf = await startGateway(
    { notes: notes.upstream },
    { recordMalformed: () => Promise.reject(new Error('disk')) },
  );
  assert.equal((await ask(deaf.endpoint('notes'), { ...LIST, body: '[]' })).status, 400);
  assert.match(deaf.reported[0]!, /record of a refusal: Error: disk/);
  await deaf.close();
});

describe('a result that holds a secret of the broker', () => {
  test('is withheld', async () => {
    const careful = await startGateway({ notes: notes.upstream }, { holdsSecret: (text) => text.includes('k-leased') });
    const call = { name: 'echo', arguments: { text: 'k-leased' } };
    const { body } = await ask(careful.endpoint('notes'), modernRequest('tools/call', call));
    assert.equal(body.error?.code, -31001);
    assert.ok(!JSON.stringify(body).includes('k-leased'));
    await careful.close();
  });
});
