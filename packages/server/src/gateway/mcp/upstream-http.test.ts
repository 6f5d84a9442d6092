// A tool server behind HTTP that misbehaves, is slow, is left alone, or keeps sessions.

import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import type { JsonObject } from '@writ/core';
import { type ModernUpstream, startModern, startScripted, startSessioned } from './servers.fixture.ts';
import { ask, modernRequest, startGateway, type TestGateway, tokenUntilSeconds } from './world.fixture.ts';

type Answer = (req: IncomingMessage, res: ServerResponse, message: JsonObject) => void;

const json =
  (body: unknown, status = 200): Answer =>
  (_req, res) => {
    res
      .writeHead(status, { 'content-type': 'application/json' })
      .end(typeof body === 'string' ? body : JSON.stringify(body));
  };
const stream =
  (text: string): Answer =>
  (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).end(text);
  };
const ok = { content: [], resultType: 'complete' };

const GARBAGE: readonly (readonly [string, Answer])[] = [
  ['is no JSON', json('<html>')],
  ['is cut short', json('{"jsonrpc":"2.0","id":7,"result":{')],
  ['has a member twice', json('{"jsonrpc":"2.0","id":7,"result":{"content":[],"content":[]}}')],
  ['is a batch', json([{ jsonrpc: '2.0', id: 7, result: ok }])],
  ['is for another request', json({ jsonrpc: '2.0', id: 8, result: ok })],
  ['has result and error', json({ jsonrpc: '2.0', id: 7, result: ok, error: { code: 1, message: 'x' } })],
  ['has neither', json({ jsonrpc: '2.0', id: 7 })],
  ['has a result that is a list', json({ jsonrpc: '2.0', id: 7, result: [] })],
  ['is a request of its own', stream('data: {"jsonrpc":"2.0","id":1,"method":"roots/list"}\n\n')],
  ['is a stream without an answer', stream(': nothing\n\n')],
  ['is of an unknown result type', json({ jsonrpc: '2.0', id: 7, result: { resultType: 'task', taskId: 'x' } })],
  ['comes without a content type', (_req, res) => void res.writeHead(200).end('{}')],
  [
    'is coded',
    (_req, res) => void res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'br' }).end('x'),
  ],
  ['is an error of the server', json({}, 500)],
  ['is a redirect', (_req, res) => void res.writeHead(307, { location: 'http://127.0.0.1:1/' }).end()],
  ['refuses the gateway', (_req, res) => void res.writeHead(401, { 'www-authenticate': 'Bearer realm="inner"' }).end()],
  ['is a closed connection', (req) => void req.socket.destroy()],
];

describe('an answer that', () => {
  for (const [title, answer] of GARBAGE) {
    test(`${title} is no answer`, async () => {
      const scripted = await startScripted(answer);
      const gateway = await startGateway({ notes: scripted.upstream });
      const { status, headers, body } = await ask(
        gateway.endpoint('notes'),
        modernRequest('tools/call', { name: 'echo' }),
      );
      assert.equal(status, 502);
      assert.equal(body.code, 'gateway.upstream_unreachable');
      assert.equal(headers.get('www-authenticate'), null);
      await gateway.close();
      await scripted.close();
    });
  }

  test('ends badly after it began is ended with an error in its stream', async () => {
    const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } };
    const scripted = await startScripted(stream(`data: ${JSON.stringify(progress)}\n\ndata: {{{\n\n`));
    const gateway = await startGateway({ notes: scripted.upstream });
    const answer = await fetch(gateway.endpoint('notes'), modernRequest('tools/call', { name: 'echo' }));
    const events = (await answer.text()).split('\n\n').filter((event) => event.includes('data: '));
    assert.equal(events.length, 2);
    assert.match(events[1]!, /"id":7,"error":\{"code":-32603/);
    assert.equal((await gateway.ended(1))[0]!.ending?.state, 'unknown');
    await gateway.close();
    await scripted.close();
  });

  test('is an error of the standard passes with its status', async () => {
    const error = { code: -32021, message: 'sampling is needed', data: { requiredCapabilities: { sampling: {} } } };
    const scripted = await startScripted(json({ jsonrpc: '2.0', id: 7, error }, 400));
    const gateway = await startGateway({ notes: scripted.upstream });
    const { status, body } = await ask(gateway.endpoint('notes'), modernRequest('tools/call', { name: 'echo' }));
    assert.equal(status, 400);
    assert.deepEqual(body.error, error);
    assert.equal((await gateway.ended(1))[0]!.ending?.state, 'error');
    await gateway.close();
    await scripted.close();
  });

  test('may be kept by everybody is for this caller only', async () => {
    const contents = { contents: [], resultType: 'complete', ttlMs: 5, cacheScope: 'public' };
    const scripted = await startScripted(json({ jsonrpc: '2.0', id: 7, result: contents }));
    const gateway = await startGateway({ notes: scripted.upstream });
    const { body } = await ask(gateway.endpoint('notes'), modernRequest('resources/read', { uri: 'note://a' }));
    assert.deepEqual(body.result, { ...contents, cacheScope: 'private' });
    await gateway.close();
    await scripted.close();
  });

  test('tells what the standard does not name loses that part', async () => {
    const notes = ['notifications/secret', 'notifications/progress'].map(
      (method) => `data: {"jsonrpc":"2.0","method":"${method}"}\n\n`,
    );
    const scripted = await startScripted(
      stream(`${notes.join('')}data: ${JSON.stringify({ jsonrpc: '2.0', id: 7, result: ok })}\n\n`),
    );
    const gateway = await startGateway({ notes: scripted.upstream });
    const answer = await fetch(gateway.endpoint('notes'), modernRequest('tools/call', { name: 'echo' }));
    const text = await answer.text();
    assert.ok(text.includes('notifications/progress') && !text.includes('notifications/secret'));
    await gateway.close();
    await scripted.close();
  });
});

describe('a call under way', () => {
  let notes: ModernUpstream;
  let gateway: TestGateway;
  before(async () => {
    notes = await startModern();
    gateway = await startGateway({ notes: notes.upstream }, { keepAliveMillis: 20 });
  });
  after(async () => {
    await gateway.close();
    await notes.close();
  });

  const until = async (holds: () => boolean) => {
    for (let i = 0; i < 200 && !holds(); i++) await new Promise((done) => setTimeout(done, 5));
    assert.ok(holds());
  };

  test('is aborted upstream when its caller hangs up in the middle of the stream', async () => {
    const hangUp = new AbortController();
    const wait = modernRequest('tools/call', { name: 'wait', arguments: {}, _meta: { progressToken: 't' } });
    const answer = await fetch(gateway.endpoint('notes'), { ...wait, signal: hangUp.signal });
    const reader = answer.body!.getReader();
    assert.match(new TextDecoder().decode((await reader.read()).value), /notifications\/progress/);
    assert.equal(notes.aborted, 0);
    hangUp.abort();
    await until(() => notes.aborted === 1);
    assert.equal((await gateway.ended(1))[0]!.ending?.state, 'cancelled');
  });

  test('is aborted upstream when its caller hangs up before the first byte', async () => {
    const hangUp = new AbortController();
    const heard = notes.heard.length;
    const wait = modernRequest('tools/call', { name: 'wait', arguments: {} });
    const answer = fetch(gateway.endpoint('notes'), { ...wait, signal: hangUp.signal });
    answer.catch(() => {});
    await until(() => notes.heard.length > heard);
    hangUp.abort();
    await until(() => notes.aborted === 2);
    assert.equal((await gateway.ended(2))[1]!.ending?.state, 'cancelled');
  });

  test('keeps a quiet stream alive with comments', async () => {
    const hangUp = new AbortController();
    const wait = modernRequest('tools/call', { name: 'wait', arguments: {}, _meta: { progressToken: 't' } });
    const answer = await fetch(gateway.endpoint('notes'), { ...wait, signal: hangUp.signal });
    let text = '';
    for await (const part of answer.body!) {
      text += new TextDecoder().decode(part);
      if (text.includes('\n:\n\n')) break;
    }
    hangUp.abort();
    await gateway.ended(3);
  });

  test('goes through whole when it is large and its caller reads slowly', async () => {
    const bytes = 3 * 1024 * 1024;
    const answer = await fetch(
      gateway.endpoint('notes'),
      modernRequest('tools/call', { name: 'big', arguments: { bytes } }),
    );
    await new Promise((done) => setTimeout(done, 30));
    const { result } = (await answer.json()) as { result: { content: { text: string }[] } };
    assert.equal(result.content[0]!.text.length, bytes);
  });
});

test('a server is read no faster than its caller reads', async () => {
  const piece = 64 * 1024;
  let written = 0;
  let stop = false;
  const scripted = await startScripted((_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    const event = `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { message: 'x'.repeat(piece) } })}\n\n`;
    const pump = () => {
      while (!stop) {
        written += piece;
        if (res.write(event)) continue;
        res.once('drain', pump);
        return;
      }
    };
    res.on('close', () => {
      stop = true;
    });
    pump();
  });
  const gateway = await startGateway({ notes: scripted.upstream });
  const hangUp = new AbortController();
  const call = { ...modernRequest('tools/call', { name: 'echo' }), signal: hangUp.signal };
  await fetch(gateway.endpoint('notes'), call);
  // Quiet for a while, or by far more than all buffers on the way can hold.
  const bytesMax = 32 * 1024 * 1024;
  for (let quiet = 0, before = -1; quiet < 5 && written < bytesMax; before = written) {
    await new Promise((done) => setTimeout(done, 20));
    quiet = written === before ? quiet + 1 : 0;
  }
  assert.ok(written > piece, 'the server was read at all');
  assert.ok(written < bytesMax, 'the server still writes although nobody reads');
  hangUp.abort();
  await gateway.ended(1);
  await gateway.close();
  await scripted.close();
});

describe('an answer that asks its caller something', () => {
  const asking = { resultType: 'input_required', requestState: 's', inputRequests: {} };

  test('passes for a call, its state sealed, and is no answer to a list', async () => {
    const scripted = await startScripted(json({ jsonrpc: '2.0', id: 7, result: asking }));
    const gateway = await startGateway({ notes: scripted.upstream });
    const call = await ask(gateway.endpoint('notes'), modernRequest('tools/call', { name: 'echo' }));
    const { requestState, ...shown } = call.body.result!;
    assert.deepEqual(shown, { resultType: 'input_required', inputRequests: {} });
    assert.match(String(requestState), /^[\w-]{100,}$/, 'the state of the server is inside ours (rules §4.4)');
    assert.equal((await ask(gateway.endpoint('notes'), modernRequest('tools/list'))).status, 502);
    await gateway.close();
    await scripted.close();
  });
});

describe('a stream that outlives its authority', () => {
  const endless: Answer = (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write('data: {"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{}}\n\n');
  };
  const listen = modernRequest('subscriptions/listen', { notifications: { toolsListChanged: true } });

  test('ends with its token', async () => {
    const scripted = await startScripted(endless);
    const gateway = await startGateway({ notes: scripted.upstream });
    gateway.nowSeconds = tokenUntilSeconds;
    const text = await (await fetch(gateway.endpoint('notes'), listen)).text();
    assert.match(text, /acknowledged[\s\S]*"code":"token.expired"/);
    assert.deepEqual((await gateway.ended(1))[0]!.ending, {
      state: 'cancelled',
      digest: null,
      detail: 'token.expired',
    });
    await gateway.close();
    await scripted.close();
  });

  test('ends when the spine discards it', async () => {
    const scripted = await startScripted(endless);
    const gateway = await startGateway({ notes: scripted.upstream });
    const answer = await fetch(gateway.endpoint('notes'), listen);
    gateway.discardAll();
    assert.match(await answer.text(), /acknowledged[\s\S]*"code":"token.revoked"/);
    assert.deepEqual((await gateway.ended(1))[0]!.ending, {
      state: 'cancelled',
      digest: null,
      detail: 'token.revoked',
    });
    await gateway.close();
    await scripted.close();
  });

  test('is judged like a read when it watches resources', async () => {
    const scripted = await startScripted(endless);
    const gateway = await startGateway({ notes: scripted.upstream });
    gateway.say = () => 'action.policy_forbids';
    const watched = ['note://a', 'note://b'];
    await ask(
      gateway.endpoint('notes'),
      modernRequest('subscriptions/listen', { notifications: { resourceSubscriptions: watched } }),
    );
    const { call } = gateway.answered[0]!;
    assert.deepEqual([call.scopes, call.isAction, call.target.name], [['notes:resources'], true, 'resources']);
    assert.deepEqual({ ...call.arguments }, { uri: watched });
    await gateway.close();
    await scripted.close();
  });
});

describe('a legacy server with sessions', () => {
  test('has one session per person and task, whoever calls in whatever era', async () => {
    const sessioned = await startSessioned();
    const gateway = await startGateway({ notes: sessioned.upstream });
    const sessionOf = async (token: string) => {
      const call = modernRequest('tools/call', { name: 'session' }, { authorization: `Bearer ${token}` });
      const { body } = await ask(gateway.endpoint('notes'), call);
      return (body.result!.content as { text: string }[])[0]!.text;
    };
    const [a, again, otherTask, otherPerson] = await Promise.all(['ada', 'ada', 'ada.tsk_2', 'bob'].map(sessionOf));
    assert.equal(a, again);
    assert.equal(new Set([a, otherTask, otherPerson]).size, 3);
    assert.equal(sessioned.opened, 3);
    await gateway.close();
    await sessioned.close();
    assert.equal(sessioned.deleted, 3);
  });

  test('that forgot its session is opened anew for the next call, and the lost call is not sent again', async () => {
    const sessioned = await startSessioned();
    const gateway = await startGateway({ notes: sessioned.upstream });
    const call = () => ask(gateway.endpoint('notes'), modernRequest('tools/call', { name: 'session' }));
    assert.equal((await call()).status, 200);
    sessioned.forget();
    assert.equal((await call()).status, 502);
    assert.equal((await call()).status, 200);
    assert.equal(sessioned.opened, 2);
    await gateway.close();
    await sessioned.close();
  });
});

test('an outage while the era is looked for is no sign of an era', async () => {
  const notes = await startModern();
  const gateway = await startGateway({ notes: notes.upstream });
  const down = await startScripted(() => {});
  await down.close();
  const other = await startGateway({ notes: down.upstream });
  assert.equal((await ask(other.endpoint('notes'), modernRequest('tools/list'))).status, 502);
  assert.equal((await ask(gateway.endpoint('notes'), modernRequest('tools/list'))).status, 200);
  await Promise.all([gateway.close(), other.close()]);
  await notes.close();
});
