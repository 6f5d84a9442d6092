// The webhook to a real server on loopback: signed, without values, and not for ever.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { openWeb } from '../broker/web.ts';
import { createWebhook, type WaitingQuestion, type WebhookDeps } from './webhook.ts';

const question: WaitingQuestion = {
  id: 'apr_1',
  url: 'https://writ.example/console/approvals/apr_1',
  hash: 'sha256:aa',
  expiresSeconds: 1_800_000_900,
  about: { server: 'bank', tool: 'pay' },
  values: { will: 'pays DE75512108001245126199', arguments: { to: 'DE75512108001245126199' } },
};

async function scene(t: TestContext, statuses: readonly number[], over: Partial<WebhookDeps> = {}) {
  const heard: { headers: { [name: string]: unknown }; body: string }[] = [];
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const part of req) body += part;
    heard.push({ headers: req.headers, body });
    const status = statuses[Math.min(heard.length, statuses.length) - 1]!;
    res.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('thank you');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const web = openWeb({ origins: new Set([new URL(url).origin]) });
  t.after(async () => {
    await web.close();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const waited: number[] = [];
  const reported: string[] = [];
  const webhook = createWebhook({
    ...{ url, showArguments: false, web, secret: async () => 's3cret', nowSeconds: () => 1_800_000_000 },
    report: (what, error) => reported.push(`${what}: ${(error as Error).message}`),
    wait: async (millis) => void waited.push(millis),
    ...over,
  });
  webhook.opened(question);
  await webhook.idle();
  return { heard, waited, reported, webhook };
}

test('the message is signed over id, time and body, and holds no value', async (t) => {
  const { heard, reported } = await scene(t, [204]);
  const [{ headers, body }] = heard as [{ headers: { [name: string]: string }; body: string }];
  const signed = `apr_1.1800000000.${body}`;
  assert.equal(headers['webhook-signature'], `v1,${createHmac('sha256', 's3cret').update(signed).digest('base64')}`);
  assert.deepEqual([headers['webhook-id'], headers['webhook-timestamp']], ['apr_1', '1800000000']);
  const { type, data } = JSON.parse(body);
  assert.deepEqual([type, data.id, data.server, data.hash], ['approval.opened', 'apr_1', 'bank', 'sha256:aa']);
  assert.ok(!body.includes('DE75'));
  assert.deepEqual(reported, []);
});

test('values go along where the operator wants them', async (t) => {
  const { heard } = await scene(t, [200], { showArguments: true });
  assert.match(heard[0]!.body, /DE75512108001245126199/);
});

for (const [name, statuses, attempts, isReported] of [
  ['a server that is busy once', [503, 200], 2, false],
  ['a server that asks for patience', [429, 200], 2, false],
  ['a server that never answers well', [500], 4, true],
  ['a server that refuses it', [403], 1, true],
  ['a server that points elsewhere', [302], 4, true],
] as const) {
  test(`${name}: ${attempts} attempts`, async (t) => {
    const { heard, waited, reported } = await scene(t, statuses);
    assert.deepEqual([heard.length, waited.length], [attempts, attempts - 1]);
    assert.equal(reported.length, isReported ? 1 : 0);
    assert.ok(
      heard.every(({ headers }) => headers['webhook-id'] === 'apr_1'),
      'the same message each time',
    );
  });
}

test('a private address that nobody wrote is not asked, and neither is anything after the plane has stopped', async (t) => {
  const web = openWeb({ origins: new Set() });
  t.after(() => web.close());
  const { heard, reported } = await scene(t, [200], { web, wait: () => Promise.reject(new Error('stopped')) });
  assert.deepEqual([heard.length, reported.length], [0, 1]);
});

test('without its secret nothing is sent', async (t) => {
  const { heard, reported } = await scene(t, [200], { secret: () => Promise.reject(new Error('HOOK_KEY is not set')) });
  assert.equal(heard.length, 0);
  assert.match(reported[0]!, /webhook about apr_1: HOOK_KEY is not set/);
});
