import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  agentPath,
  isAtOrBelow,
  isMemberOf,
  isTrustDomain,
  parseSpiffeId,
  pathOf,
  trustDomainOf,
} from './spiffe-id.ts';

const id = (text: string) => {
  const parsed = parseSpiffeId(text);
  assert.ok(parsed !== null, `${text} should be a SPIFFE ID`);
  return parsed;
};

test('well-formed identities are read as they are written', () => {
  const table: [text: string, trustDomain: string, path: string][] = [
    ['spiffe://td', 'td', ''],
    ['spiffe://1.2.3.4/a', '1.2.3.4', '/a'],
    ['spiffe://my_td/A/b-c_d.e', 'my_td', '/A/b-c_d.e'],
    ['spiffe://td/...', 'td', '/...'],
    ['spiffe://td/.a', 'td', '/.a'],
    ['spiffe://td/..a/b', 'td', '/..a/b'],
    ['spiffe://td/a.', 'td', '/a.'],
    ['spiffe://zylos.local/claude/orchestrator', 'zylos.local', '/claude/orchestrator'],
  ];
  for (const [text, trustDomain, path] of table) {
    assert.equal(parseSpiffeId(text), text);
    assert.equal(trustDomainOf(id(text)), trustDomain);
    assert.equal(pathOf(id(text)), path);
  }
});

test('everything a URL class would forgive is refused', () => {
  const refused = [
    ...[
      '',
      'spiffe',
      'spiffe:',
      'spiffe:/td/a',
      'spiffe://',
      'spiffe:///p',
      'http://td/p',
      ' spiffe://td/a',
      'spiffe://td/a ',
    ],
    ...['Spiffe://td/a', 'SPIFFE://td/a', 'spiffe://TD/a', 'spiffe://Td'],
    ...['spiffe://td/', 'spiffe://td//', 'spiffe://td//a', 'spiffe://td/a//b', 'spiffe://td/a/', 'spiffe://td/a//'],
    ...[
      'spiffe://td/.',
      'spiffe://td/..',
      'spiffe://td/./a',
      'spiffe://td/../a',
      'spiffe://td/a/.',
      'spiffe://td/a/..',
      'spiffe://td/a/../b',
    ],
    ...['spiffe://td/a%20b', 'spiffe://td/%2e%2e/a', 'spiffe://td%20/a', 'spiffe://td%2fa'],
    ...['spiffe://td:8080/a', 'spiffe://td:/a', 'spiffe://u@td/a', 'spiffe://u:p@td/a', 'spiffe://[::1]/a'],
    ...[
      'spiffe://td/a?x=1',
      'spiffe://td?x',
      'spiffe://td/a#f',
      'spiffe://td#f',
      'spiffe://td/a\\b',
      'spiffe:\\\\td\\a',
    ],
    ...[
      'spiffe://tdé/a',
      'spiffe://td/é',
      'spiffe://td/a\0',
      'spiffe://td\0.evil/a',
      'spiffe://td/a\n',
      'spiffe://td/\ud800',
    ],
  ];
  for (const text of refused) assert.equal(parseSpiffeId(text), null, JSON.stringify(text));
});

test('each of the first 256 code points is allowed exactly where the standard lists it', () => {
  const lower = 'abcdefghijklmnopqrstuvwxyz0123456789.-_';
  const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
  for (let code = 0; code < 256; code++) {
    const character = String.fromCharCode(code);
    // A slash in the trust domain begins the path instead.
    const inDomain = lower.includes(character) || character === '/';
    assert.equal(parseSpiffeId(`spiffe://a${character}b/p`) !== null, inDomain, `trust domain, code point ${code}`);
    const inPath = lower.includes(character) || upper.includes(character) || character === '/';
    assert.equal(parseSpiffeId(`spiffe://td/a${character}b`) !== null, inPath, `path, code point ${code}`);
    // As the only character of its segment, a dot is a step in place and a slash leaves the segment empty.
    const alone = inPath && character !== '.' && character !== '/';
    assert.equal(parseSpiffeId(`spiffe://td/${character}`) !== null, alone, `alone, code point ${code}`);
  }
});

test('lengths are bounded in bytes: 255 for the trust domain, 2048 for the whole', () => {
  assert.ok(parseSpiffeId(`spiffe://${'a'.repeat(255)}/b`));
  assert.equal(parseSpiffeId(`spiffe://${'a'.repeat(256)}/b`), null);
  assert.ok(isTrustDomain('a'.repeat(255)) && !isTrustDomain('a'.repeat(256)) && !isTrustDomain(''));
  const start = 'spiffe://td/';
  assert.ok(parseSpiffeId(start + 'a'.repeat(2048 - start.length)));
  assert.equal(parseSpiffeId(start + 'a'.repeat(2049 - start.length)), null);
});

test('paths differ by case, and prefixes end at a segment', () => {
  assert.notEqual(id('spiffe://td/A'), id('spiffe://td/a'));
  assert.ok(isAtOrBelow(id('spiffe://td/a/b/c'), id('spiffe://td/a/b')));
  assert.ok(isAtOrBelow(id('spiffe://td/a/b'), id('spiffe://td/a/b')));
  assert.ok(!isAtOrBelow(id('spiffe://td/a/bc'), id('spiffe://td/a/b')));
  assert.ok(!isAtOrBelow(id('spiffe://td/a'), id('spiffe://td/a/b')));
  assert.ok(!isAtOrBelow(id('spiffe://td2/a'), id('spiffe://td')));
});

test('membership is of the whole trust domain name', () => {
  assert.ok(isMemberOf(id('spiffe://a.example/x'), 'a.example'));
  assert.ok(!isMemberOf(id('spiffe://b.a.example/x'), 'a.example'));
  assert.ok(!isMemberOf(id('spiffe://a.example.evil/x'), 'a.example'));
});

test('an agent is two plain segments outside the reserved path', () => {
  assert.equal(agentPath(id('spiffe://td/claude/orchestrator')), 'claude/orchestrator');
  assert.equal(agentPath(id('spiffe://td/a_b/C-9')), 'a_b/C-9');
  for (const path of ['', '/a', '/a/b/c', '/writ/gateway', '/writ/node', '/writ/node/one', '/a/b.c', '/a.b/c']) {
    assert.equal(agentPath(id(`spiffe://td${path}`)), null, path);
  }
  assert.equal(agentPath(id('spiffe://td/a/writ')), 'a/writ');
});
