import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { endpointsOfSockets, listeningSockets, namedEndpoint } from './endpoints.ts';
import { hostKind, isUnder, plainUrl } from './hosts.ts';

test('listening sockets are read from the tables of the kernel, others are passed over', () => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-proc-'));
  try {
    writeFileSync(
      join(folder, 'tcp'),
      `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 1 1
   1: 00000000:22B8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 2 1
   2: 0100007F:1F91 0100007F:A000 01 00000000:00000000 00:00000000 00000000  1000 0 3 1
`,
    );
    writeFileSync(
      join(folder, 'tcp6'),
      `  sl  local_address                         remote_address                        st
   0: 00000000000000000000000001000000:2329 00000000000000000000000000000000:0000 0A
   1: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A
   2: 0000000000000000FFFF00000100007F:232A 00000000000000000000000000000000:0000 0A
`,
    );
    assert.deepEqual(listeningSockets(folder), [
      { address: '127.0.0.1', port: 8080 },
      { address: '0.0.0.0', port: 8888 },
      { address: '::1', port: 9001 },
      { address: '::', port: 80 },
      { address: '127.0.0.1', port: 9002 },
    ]);
    assert.deepEqual(listeningSockets(join(folder, 'absent')), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a socket is asked at its most private address, and known to be exposed by its others', () => {
  const sockets = [
    { address: '0.0.0.0', port: 8000 },
    { address: '::1', port: 8001 },
    { address: '192.168.1.5', port: 8002 },
    { address: '127.0.0.1', port: 6379 },
    { address: '127.0.0.1', port: 8003 },
  ];
  const known = [namedEndpoint('http://localhost:8003/mcp')!];
  assert.deepEqual(
    endpointsOfSockets(sockets, known).map(({ url, isExposed }) => [url, isExposed]),
    [
      ['http://127.0.0.1:8000/', true],
      ['http://[::1]:8001/', false],
      ['http://192.168.1.5:8002/', true],
    ],
  );
});

const named: [text: string, url: string | null][] = [
  ['https://x.example/mcp', 'https://x.example/mcp'],
  ['x.example', 'https://x.example'],
  ['x.example:8443', 'https://x.example:8443'],
  ['127.0.0.1:8931', 'http://127.0.0.1:8931'],
  ['localhost:3000/mcp', 'http://localhost:3000/mcp'],
  ['10.0.0.7', 'http://10.0.0.7'],
  ['http://', null],
  ['a b', null],
];
for (const [text, url] of named) {
  test(`\`${text}\` names ${url ?? 'no address'}`, () => assert.equal(namedEndpoint(text)?.url ?? null, url));
}

const kinds: [host: string, kind: string][] = [
  ['localhost', 'loopback'],
  ['api.localhost', 'loopback'],
  ['127.3.2.1', 'loopback'],
  ['[::1]', 'loopback'],
  ['0.0.0.0', 'loopback'],
  ['10.1.2.3', 'private'],
  ['172.31.0.1', 'private'],
  ['172.32.0.1', 'beyond'],
  ['192.168.0.1', 'private'],
  ['[fd00::1]', 'private'],
  ['169.254.169.254', 'beyond'],
  ['[fe80::1]', 'beyond'],
  ['8.8.8.8', 'beyond'],
  ['localhost.example.com', 'beyond'],
  ['printer', 'beyond'],
];
for (const [host, kind] of kinds) test(`${host} is ${kind}`, () => assert.equal(hostKind(host), kind));

test('a name is under a domain, or not, by whole labels', () => {
  assert.ok(isUnder('api.github.com', ['github.com']));
  assert.ok(isUnder('github.com', ['github.com']));
  assert.ok(!isUnder('evilgithub.com', ['github.com']));
  assert.ok(!isUnder('github.com.evil.example', ['github.com']));
});

test('a plain address has no user, query or fragment', () => {
  assert.equal(plainUrl('https://a:b@x.example/p?q=1#f'), 'https://x.example/p');
  assert.equal(plainUrl('ftp://x.example'), null);
  assert.equal(plainUrl('not an address'), null);
});
