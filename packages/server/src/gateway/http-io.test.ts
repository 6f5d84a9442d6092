import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import {
  bearerChallenge,
  closeDigest,
  credentialOf,
  digestOf,
  forwardableHeaders,
  headerValues,
  hostMatches,
  openDigest,
  originMatches,
} from './http-io.ts';

/** Only what these functions read of a request. */
function arrived(headers: readonly (readonly [string, string])[]): IncomingMessage {
  const joined = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
  return { rawHeaders: headers.flat(), headers: joined } as unknown as IncomingMessage;
}

test('two credentials are ambiguous wherever they stand, also twice the same', () => {
  const bearer = ['Authorization', 'Bearer a'] as const;
  assert.deepEqual(credentialOf(arrived([bearer])), { kind: 'jwt', scheme: 'Bearer', value: 'a' });
  assert.equal(credentialOf(arrived([bearer, bearer])).kind, 'ambiguous');
  assert.equal(credentialOf(arrived([bearer, ['AUTHORIZATION', 'DPoP b']])).kind, 'ambiguous');
  assert.equal(credentialOf(arrived([bearer, ['X-AIP-Token', 'c']])).kind, 'ambiguous');
});

test('the value of a token keeps its case, the scheme does not matter', () => {
  assert.deepEqual(credentialOf(arrived([['authorization', 'bEaReR aB.c']])), {
    kind: 'jwt',
    scheme: 'Bearer',
    value: 'aB.c',
  });
});

test('a host is exact beyond loopback', () => {
  const base = 'https://gw.example.org';
  for (const [host, matches] of [
    ['gw.example.org', true],
    ['GW.example.org', true],
    ['gw.example.org:443', true],
    ['gw.example.org:8443', false],
    ['gw.example.org.evil.com', false],
    ['evil.com@gw.example.org', false],
    ['gw.example.org/x', false],
    ['localhost', false],
    ['', false],
  ] as const) {
    assert.equal(hostMatches(arrived([['Host', host]]), base), matches, host);
  }
});

test('an origin is the service’s own or a listed one', () => {
  const base = 'https://gw.example.org';
  const allowed = new Set(['https://app.example.org']);
  for (const [origin, matches] of [
    ['https://gw.example.org', true],
    ['https://app.example.org', true],
    ['http://gw.example.org', false],
    ['https://app.example.org.evil.com', false],
    ['http://localhost', false],
    ['null', false],
  ] as const) {
    assert.equal(originMatches(arrived([['Origin', origin]]), base, allowed), matches, origin);
  }
});

test('no allow list lets an identity, a connection header or Writ’s own travel on', () => {
  const names = ['authorization', 'cookie', 'connection', 'transfer-encoding', 'host', 'forwarded', 'x-forwarded-for'];
  const never = [
    ...names,
    'x-forwarded-client-cert',
    'writ-context',
    'writ-call',
    'x-aip-token',
    'dpop',
    'proxy-connection',
  ];
  const req = arrived([...never, 'traceparent'].map((name) => [name, 'x'] as const));
  assert.deepEqual(
    forwardableHeaders(req, () => true),
    { traceparent: 'x' },
  );
});

test('a scope that cannot stand in a challenge is left out, not escaped', () => {
  const challenge = bearerChallenge({ resourceMetadata: 'https://x/y', scopes: ['a:b', 'c"d', 'e f'], error: null });
  assert.equal(challenge, 'Bearer resource_metadata="https://x/y", scope="a:b"');
});

test('every value of a header is seen, however its name is spelled and wherever it stands', () => {
  const req = arrived([
    ['X-A', ' 1 '],
    ['b', '2'],
    ['x-a', '1'],
    ['__proto__', '3'],
  ]);
  // Asked twice: the fields are told apart once.
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(headerValues(req, 'x-a'), ['1', '1']);
    assert.deepEqual(headerValues(req, '__proto__'), ['3']);
    assert.deepEqual(headerValues(req, 'constructor'), []);
  }
});

test('the host of another request, or of another service, is never remembered for this one', () => {
  const [here, there] = ['https://gw.example.org', 'https://gw.example.org:8443/a2a/x/y'];
  for (let i = 0; i < 600; i++) hostMatches(arrived([['Host', 'x']]), `https://gw.example.org/a2a/x/${i}`);
  assert.equal(hostMatches(arrived([['Host', 'gw.example.org']]), here), true);
  assert.equal(hostMatches(arrived([['Host', 'gw.example.org']]), there), false);
  assert.equal(hostMatches(arrived([['Host', 'gw.example.org:8443']]), there), true);
  assert.equal(hostMatches(arrived([['Host', 'gw.example.org:8443/a2a/x/y']]), there), false);
});

test('a digest in one piece is that of the pieces', () => {
  const open = openDigest().update('a').update(Buffer.from('ü'));
  assert.equal(closeDigest(open), digestOf('aü'));
  assert.equal(digestOf(Buffer.from('aü')), digestOf('aü'));
});
