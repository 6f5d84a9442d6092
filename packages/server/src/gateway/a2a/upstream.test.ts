import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { UpstreamError } from '../exchange.ts';
import { openAgentEndpoint, readAnswer } from './upstream.ts';

async function endpoint(t: TestContext, serve: RequestListener) {
  const server = createServer(serve);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return openAgentEndpoint(`http://127.0.0.1:${port}/`, null, { answerMillisMax: 50 });
}

test('an agent that never answers holds its call no longer than it may be silent', async (t) => {
  const silent = await endpoint(t, () => {});
  await assert.rejects(silent.send({ id: 1 }, false), UpstreamError);
});

test('an agent that falls silent within an answer ends it', async (t) => {
  const halting = await endpoint(t, (_req, res) => {
    res.writeHead(200, { 'content-type': 'application/json' });
    res.write('{"jsonrpc":');
  });
  const reply = await halting.send({ id: 1 }, false);
  await assert.rejects(readAnswer(reply.body));
});

test('a stream may be silent between its events', async (t) => {
  const slow = await endpoint(t, (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write('data: {}\n\n');
    setTimeout(() => res.end('data: {}\n\n'), 150);
  });
  const reply = await slow.send({ id: 1 }, true);
  let text = '';
  for await (const part of reply.body) text += String(part);
  assert.equal(text, 'data: {}\n\ndata: {}\n\n');
});
