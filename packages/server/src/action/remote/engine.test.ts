// Both dialects against a server that misbehaves on demand. The one yes is asserted beside every way of not saying it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { type JsonObject, parseStrictJson } from '@writ/core';
import { onServer, request, user } from '../testing.ts';
import { openAuthzen } from './authzen-client.ts';
import type { EngineOptions } from './engine.ts';
import { openOpa } from './opa-rest.ts';
import { aboutOf } from './question.ts';
import type { RemoteEngine, RemoteVerdict } from './verdict.ts';

interface Heard {
  readonly headers: IncomingMessage['headers'];
  readonly path: string;
  readonly text: string;
}

let respond: RequestListener = (_, res) => res.end();
const heard: Heard[] = [];
const server = createServer(async (req, res) => {
  const text = (await req.toArray()).map(String).join('');
  heard.push({ headers: req.headers, path: req.url!, text });
  respond(req, res);
});
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const opened: RemoteEngine[] = [];
after(async () => {
  await Promise.all(opened.map((engine) => engine.close()));
  server.closeAllConnections();
  server.close();
});

function open(dialect: 'opa' | 'authzen', over: Partial<EngineOptions> = {}): RemoteEngine {
  const path = dialect === 'opa' ? '/v1/data/writ/allow' : '/access/v1/evaluation';
  const options = { name: 'other', url: origin + path, deadlineMillis: 300, ...over };
  const engine = dialect === 'opa' ? openOpa(options) : openAuthzen(options);
  opened.push(engine);
  return engine;
}

const asked = request({
  asker: user('howard'),
  target: onServer('files', 'read_file'),
  args: { path: '/docs/a', secret: 'hunter2' },
});

const answers =
  (
    status: number,
    body: string,
    headers: { [name: string]: string } = { 'content-type': 'application/json' },
  ): RequestListener =>
  (_, res) =>
    res.writeHead(status, headers).end(body);

const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const gist = (told: RemoteVerdict) => (told.verdict === 'none' ? told.fault : told.verdict);

const said: [what: string, dialect: 'opa' | 'authzen', expected: string, listener: RequestListener][] = [
  ['true', 'opa', 'permit', answers(200, '{"result":true}')],
  [
    'true with a decision id and a charset',
    'opa',
    'permit',
    answers(200, '{"decision_id":"1","result":true}', { 'content-type': 'application/json; charset=utf-8' }),
  ],
  ['false', 'opa', 'deny', answers(200, '{"result":false}')],
  ['an undefined rule', 'opa', 'no_boolean', answers(200, '{}')],
  ['the text "true"', 'opa', 'no_boolean', answers(200, '{"result":"true"}')],
  ['1', 'opa', 'no_boolean', answers(200, '{"result":1}')],
  ['an object that holds true', 'opa', 'no_boolean', answers(200, '{"result":{"allow":true}}')],
  ['a bare true', 'opa', 'no_boolean', answers(200, 'true')],
  [
    'true twice, which two readers may read as two things',
    'opa',
    'not_json',
    answers(200, '{"result":true,"result":false}'),
  ],
  ['true as a web page', 'opa', 'not_json', answers(200, '{"result":true}', { 'content-type': 'text/html' })],
  ['half a document', 'opa', 'not_json', answers(200, '{"result":true')],
  ['true with 201', 'opa', 'status', answers(201, '{"result":true}')],
  ['true with 500', 'opa', 'status', answers(500, '{"result":true}')],
  ['true with 403', 'opa', 'status', answers(403, '{"result":true}')],
  [
    'a redirect to a yes',
    'opa',
    'redirect',
    answers(307, '{"result":true}', { 'content-type': 'application/json', location: '/yes' }),
  ],
  ['true and a lot more', 'opa', 'too_large', answers(200, `{"result":true,"x":"${'x'.repeat(70_000)}"}`)],
  ['nothing, and then hangs up', 'opa', 'unreachable', (req) => req.socket.destroy()],
  ['nothing for too long', 'opa', 'timeout', () => {}],
  [
    'half of a yes and then nothing',
    'opa',
    'timeout',
    (_, res) => void res.writeHead(200, { 'content-type': 'application/json' }).write('{"result":tr'),
  ],
  ['true', 'authzen', 'permit', answers(200, '{"decision":true}')],
  ['true with context', 'authzen', 'permit', answers(200, '{"decision":true,"context":{"id":"1","obligations":[]}}')],
  ['false', 'authzen', 'deny', answers(200, '{"decision":false,"context":{"reason":"no"}}')],
  [
    'false with an obligation',
    'authzen',
    'deny',
    answers(200, '{"decision":false,"context":{"obligations":[{"id":"a"}]}}'),
  ],
  [
    'true with an obligation',
    'authzen',
    'obligation',
    answers(200, '{"decision":true,"context":{"obligations":[{"id":"a","type":"step-up","properties":{}}]}}'),
  ],
  [
    'true with obligations of no known form',
    'authzen',
    'obligation',
    answers(200, '{"decision":true,"context":{"obligations":"log"}}'),
  ],
  ['true with a context of no known form', 'authzen', 'obligation', answers(200, '{"decision":true,"context":"log"}')],
  ['no decision', 'authzen', 'no_boolean', answers(200, '{"evaluations":[{"decision":true}]}')],
  ['"true"', 'authzen', 'no_boolean', answers(200, '{"decision":"true"}')],
];

for (const [what, dialect, expected, listener] of said) {
  test(`${dialect} says ${what}: ${expected}`, async () => {
    respond = listener;
    assert.equal(gist(await open(dialect).ask(asked)), expected);
  });
}

test('an answer that drips is cut off at the deadline, however lively it is', async () => {
  let drip: NodeJS.Timeout;
  respond = (_, res) => {
    res.writeHead(200, { 'content-type': 'application/json' });
    drip = setInterval(() => res.write(' '), 20);
    res.on('close', () => clearInterval(drip));
  };
  // The test's own end, in case the deadline is none.
  const late = setTimeout(() => server.closeAllConnections(), 1_500);
  const told = await open('opa').ask(asked);
  clearTimeout(late);
  assert.equal(gist(told), 'timeout');
});

test('a yes elsewhere is never fetched', async () => {
  heard.length = 0;
  respond = answers(302, '', { location: `${origin}/yes` });
  await open('opa').ask(asked);
  assert.deepEqual(
    heard.map(({ path }) => path),
    ['/v1/data/writ/allow'],
  );
});

test('nobody there is a no', async () => {
  const gone = createServer();
  await new Promise<void>((done) => gone.listen(0, '127.0.0.1', done));
  const { port } = gone.address() as AddressInfo;
  await new Promise((done) => gone.close(done));
  const told = await open('opa', { url: `http://127.0.0.1:${port}/v1/data/x` }).ask(asked);
  assert.ok(told.verdict === 'none' && told.fault === 'unreachable' && told.answerDigest === null);
  assert.match(told.cause, /ECONNREFUSED/);
});

test('the verdict carries digests of the very bytes, and of what it is about', async () => {
  heard.length = 0;
  respond = answers(200, '{"result": true}');
  const told = await open('opa').ask(asked);
  assert.deepEqual(told, {
    engine: 'other',
    verdict: 'permit',
    about: aboutOf(asked),
    requestDigest: sha256(heard[0]!.text),
    answerDigest: sha256('{"result": true}'),
  });
});

test('more questions than allowed are refused at once instead of queued', async () => {
  const waiting: (() => void)[] = [];
  respond = (_, res) =>
    waiting.push(() => res.writeHead(200, { 'content-type': 'application/json' }).end('{"result":true}'));
  const engine = open('opa', { askedMax: 2 });
  const first = [engine.ask(asked), engine.ask(asked)];
  assert.equal(gist(await engine.ask(asked)), 'overloaded');
  while (waiting.length < 2) await new Promise((done) => setImmediate(done));
  for (const answer of waiting) answer();
  assert.deepEqual((await Promise.all(first)).map(gist), ['permit', 'permit']);
  respond = answers(200, '{"result":true}');
  for (let again = 0; again < 3; again++) assert.equal(gist(await engine.ask(asked)), 'permit');
});

test('argument values stay here unless the operator lists them; their digest always goes', async () => {
  respond = answers(200, '{"result":true}');
  const sent = async (sends: string[]) => {
    heard.length = 0;
    await open('opa', { sends }).ask(asked);
    return heard[0]!.text;
  };
  assert.doesNotMatch(await sent([]), /hunter2|docs/);
  const some = parse(await sent(['/path'])).input as JsonObject;
  assert.deepEqual((some.arguments as JsonObject).values, { '/path': '/docs/a' });
  assert.match(String((some.arguments as JsonObject).digest), /^sha256:[0-9a-f]{64}$/);
  assert.match(await sent(['']), /hunter2/);
});

test('OPA hears who, for whom and what', async () => {
  heard.length = 0;
  await open('opa').ask(asked);
  const { input } = parse(heard[0]!.text) as { input: JsonObject };
  assert.deepEqual(
    [input.root, input.actor, input.target, input.operation, input.depth],
    [
      { iss: 'http://127.0.0.1:8420', sub: 'howard' },
      { kind: 'agent', id: 'spiffe://zylos.local/claude/orchestrator', path: 'claude/orchestrator' },
      { kind: 'server', server: 'files', name: 'read_file' },
      'tools/call',
      1,
    ],
  );
});

test('AuthZEN hears the person as subject, and the agent in the context', async () => {
  heard.length = 0;
  await open('authzen', { bearer: () => 'pep-token' }).ask(asked);
  const { subject, action, resource, context } = parse(heard[0]!.text) as { [name: string]: JsonObject };
  assert.deepEqual(subject, { type: 'user', id: 'howard', properties: { iss: 'http://127.0.0.1:8420' } });
  assert.deepEqual([action!.name, resource!.type, resource!.id], ['tools/call', 'tool', 'files/read_file']);
  assert.equal((context!.agent as JsonObject).id, 'spiffe://zylos.local/claude/orchestrator');
  assert.equal(heard[0]!.headers.authorization, 'Bearer pep-token');
  assert.doesNotMatch(heard[0]!.text, /null/);
});

test('a credential that cannot be had is a no, not a throw', async () => {
  const told = await open('opa', { bearer: () => Promise.reject(new Error('vault says hunter2')) }).ask(asked);
  assert.equal(gist(told), 'unreachable');
  assert.doesNotMatch(JSON.stringify(told), /hunter2/);
  assert.ok(told.verdict === 'none' && /without its credential/.test(told.cause));
});

test('a credential that takes too long is a no as soon as an answer would be', async () => {
  heard.length = 0;
  const told = await open('opa', { bearer: () => new Promise(() => {}) }).ask(asked);
  assert.deepEqual([gist(told), heard.length], ['timeout', 0]);
});

for (const url of ['http://pdp.example/v1/data/x', 'ftp://127.0.0.1/x', 'https://user:pw@pdp.example/x', 'nonsense']) {
  test(`\`${url}\` is refused as an address`, () => {
    assert.throws(() => openOpa({ name: 'other', url }), /cannot be the address of the policy engine `other`/);
  });
}

function parse(text: string): JsonObject {
  // Nobody lists a name twice: what is sent is canonical.
  assert.ok(parseStrictJson(Buffer.from(text)).ok);
  return JSON.parse(text) as JsonObject;
}
