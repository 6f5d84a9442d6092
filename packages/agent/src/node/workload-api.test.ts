import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { bytesField, concat, stringField, utf8, writeProto } from '@writ/core';
import { openX509Source, type WorkloadApiError } from './workload-api.ts';
import { frameReader, parseEndpoint } from './workload-api-grpc.ts';
import { readX509Response, splitDer } from './workload-api-messages.ts';

const endpoints: readonly (readonly [string, ReturnType<typeof parseEndpoint>])[] = [
  ['unix:///run/writ/workload.sock', { path: '/run/writ/workload.sock' }],
  ['unix:/run/writ/workload.sock', { path: '/run/writ/workload.sock' }],
  ['tcp://127.0.0.1:8081', { host: '127.0.0.1', port: 8081 }],
  ['tcp://[::1]:8081', { host: '::1', port: 8081 }],
  ['unix://relative/path', null],
  ['unix://', null],
  ['unix:///a?b', null],
  ['unix:///a#b', null],
  ['tcp://localhost:8081', null],
  ['tcp://127.0.0.1', null],
  ['tcp://127.0.0.1:0', null],
  ['tcp://127.0.0.1:65536', null],
  ['tcp://127.0.0.1:8081/path', null],
  ['tcp://127.0.0.256:8081', null],
  ['http://127.0.0.1:8081', null],
  ['/run/writ/workload.sock', null],
  ['', null],
];
for (const [text, expected] of endpoints) {
  test(`the endpoint \`${text}\` is ${expected ? 'read' : 'refused'}`, () => {
    assert.deepEqual(parseEndpoint(text), expected);
  });
}

const frame = (message: Uint8Array) => {
  const head = new Uint8Array(5);
  new DataView(head.buffer).setUint32(1, message.length);
  return concat(head, message);
};

test('messages come out whole, however the bytes were cut', () => {
  const bytes = concat(frame(utf8('one')), frame(new Uint8Array()), frame(utf8('three')));
  for (let size = 1; size <= bytes.length; size++) {
    const seen: string[] = [];
    const read = frameReader((message) => seen.push(Buffer.from(message).toString()));
    for (let at = 0; at < bytes.length; at += size) read(bytes.subarray(at, at + size));
    assert.deepEqual(seen, ['one', '', 'three']);
  }
});

test('compressed and oversized frames are refused by their head', () => {
  const read = () => frameReader(() => assert.fail('no message'));
  assert.throws(() => read()(Uint8Array.of(1, 0, 0, 0, 0)), /compressed/);
  assert.throws(() => read()(Uint8Array.of(0, 0x7f, 0, 0, 0)), /too large/);
});

const splits: readonly (readonly [string, number[], number[][] | null])[] = [
  ['nothing', [], []],
  [
    'two short ones',
    [0x30, 1, 9, 0x30, 0],
    [
      [0x30, 1, 9],
      [0x30, 0],
    ],
  ],
  ['a long form', [0x30, 0x81, 1, 9], [[0x30, 0x81, 1, 9]]],
  ['one cut short', [0x30, 2, 9], null],
  ['a length cut short', [0x30, 0x82, 1], null],
  ['an indefinite length', [0x30, 0x80, 0, 0], null],
  ['a length of four bytes', [0x30, 0x84, 0, 0, 0, 0], null],
  ['another type', [0x31, 0], null],
  ['a lone tag', [0x30], null],
];
for (const [what, bytes, expected] of splits) {
  test(`concatenated DER with ${what}`, () => {
    assert.deepEqual(splitDer(Uint8Array.from(bytes))?.map((part) => [...part]) ?? null, expected);
  });
}

const malformed: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['no SVID', writeProto([]), /no identity issued/],
  ['bytes that are no message', Uint8Array.of(0x0a), /cannot be read/],
  ['an SVID that is no message', writeProto([bytesField(1, Uint8Array.of(0x0a))]), /SVID cannot be read/],
  ['an SVID without identity', writeProto([bytesField(1, writeProto([]))]), /has no identity/],
  [
    'a chain that is no DER',
    writeProto([bytesField(1, writeProto([stringField(1, 'spiffe://a/b'), bytesField(2, utf8('x'))]))]),
    /certificate cannot be read/,
  ],
  ['a map that is no map', writeProto([bytesField(3, Uint8Array.of(0x0a))]), /cannot be read/],
];
for (const [what, bytes, says] of malformed) {
  test(`a response with ${what} is an error, not half an identity`, () => {
    assert.throws(() => readX509Response(bytes), says);
  });
}

/** A server on TCP that answers every call with `answer`, and counts the calls. */
async function serve(t: TestContext, answer: (stream: ServerHttp2Stream) => void) {
  const calls: Record<string, unknown>[] = [];
  const sessions = new Set<{ destroy(): void }>();
  const server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    calls.push({ ...headers });
    stream.on('error', () => {});
    answer(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { calls, endpoint: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const ok = { ':status': 200, 'content-type': 'application/grpc' };

function respondWithTrailers(stream: ServerHttp2Stream, body: Uint8Array, trailers: Record<string, string>): void {
  stream.respond(ok, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(body);
}

test('the call carries the mandatory metadata and asks for trailers', async (t) => {
  const { calls, endpoint } = await serve(t, (stream) =>
    stream.respond({ ...ok, 'grpc-status': '7' }, { endStream: true }),
  );
  await assert.rejects(openX509Source({ endpoint }), { status: 7 });
  assert.equal(calls.length, 1);
  assert.equal(calls[0]!['workload.spiffe.io'], 'true');
  assert.equal(calls[0]!.te, 'trailers');
  assert.equal(calls[0]![':path'], '/SpiffeWorkloadAPI/FetchX509SVID');
});

const ends: readonly (readonly [string, (stream: ServerHttp2Stream) => void, number, RegExp])[] = [
  [
    'a refusal in trailers',
    (s) => respondWithTrailers(s, new Uint8Array(), { 'grpc-status': '7', 'grpc-message': 'no%20identity' }),
    7,
    /^no identity$/,
  ],
  ['an invalid argument', (s) => respondWithTrailers(s, new Uint8Array(), { 'grpc-status': '3' }), 3, /status 3/],
  ['an unimplemented call', (s) => s.respond({ ...ok, 'grpc-status': '12' }, { endStream: true }), 12, /status 12/],
  ['a status that is no number', (s) => s.respond({ ...ok, 'grpc-status': 'x' }, { endStream: true }), 13, /status 13/],
  [
    'a message that cannot be read',
    (s) => respondWithTrailers(s, frame(Uint8Array.of(0x0a)), { 'grpc-status': '0' }),
    13,
    /malformed/,
  ],
];
for (const [what, answer, status, says] of ends) {
  test(`${what} ends the opening with its status`, async (t) => {
    const { calls, endpoint } = await serve(t, answer);
    await assert.rejects(openX509Source({ endpoint, backoffMillis: () => 5 }), (error: WorkloadApiError) => {
      assert.equal(error.status, status);
      assert.match(error.message, says);
      return true;
    });
    assert.equal(calls.length, 1);
  });
}

const passing: readonly (readonly [string, (stream: ServerHttp2Stream) => void])[] = [
  ['unavailable', (s) => s.respond({ ...ok, 'grpc-status': '14' }, { endStream: true })],
  [
    'ended without a status',
    (s) => {
      s.respond(ok);
      s.end();
    },
  ],
  ['reset', (s) => s.close(2)],
  ['an HTTP error', (s) => s.respond({ ':status': 503 }, { endStream: true })],
];
for (const [what, answer] of passing) {
  test(`a stream that is ${what} is tried again with more and more patience`, async (t) => {
    const { calls, endpoint } = await serve(t, answer);
    const attempts: number[] = [];
    const backoffMillis = (attempt: number) => {
      attempts.push(attempt);
      return 5;
    };
    await assert.rejects(openX509Source({ endpoint, backoffMillis, openMillisMax: 150 }), { status: 14 });
    assert.ok(calls.length >= 3, `${calls.length} calls`);
    assert.deepEqual(attempts.slice(0, 3), [0, 1, 2]);
  });
}
