import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
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

interface IdVectors {
  readonly codePoints: { readonly trustDomain: string; readonly path: string };
  readonly cases: readonly {
    readonly name: string;
    readonly input: string;
    readonly trustDomain?: string;
    readonly path?: string;
    readonly code?: string;
  }[];
  readonly lengths: readonly {
    readonly name: string;
    readonly trustDomainBytes: number;
    readonly pathBytes: number;
    readonly valid: boolean;
  }[];
}
const file = new URL('../../../../test/vectors/spiffe/ids.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as IdVectors;

for (const { name, input, trustDomain, path, code } of vectors.cases) {
  test(`SPIFFE-ID §2: ${name}`, () => {
    assert.equal(parseSpiffeId(input), code === undefined ? input : null, JSON.stringify(input));
    if (code !== undefined) return;
    assert.equal(trustDomainOf(id(input)), trustDomain);
    assert.equal(pathOf(id(input)), path);
  });
}

test('each of the first 256 code points is allowed exactly where the standard lists it', () => {
  const { trustDomain, path } = vectors.codePoints;
  for (let code = 0; code < 256; code++) {
    const character = String.fromCharCode(code);
    // A slash in the trust domain begins the path instead.
    const inDomain = trustDomain.includes(character) || character === '/';
    assert.equal(parseSpiffeId(`spiffe://a${character}b/p`) !== null, inDomain, `trust domain, code point ${code}`);
    assert.equal(isTrustDomain(`a${character}b`), trustDomain.includes(character), `name alone, code point ${code}`);
    const inPath = path.includes(character) || character === '/';
    assert.equal(parseSpiffeId(`spiffe://td/a${character}b`) !== null, inPath, `path, code point ${code}`);
    // As the only character of its segment, a dot is a step in place and a slash leaves the segment empty.
    const alone = inPath && character !== '.' && character !== '/';
    assert.equal(parseSpiffeId(`spiffe://td/${character}`) !== null, alone, `alone, code point ${code}`);
  }
});

test('no code point above ASCII is allowed anywhere, however it looks', () => {
  for (let code = 0x80; code <= 0xffff; code++) {
    const character = String.fromCharCode(code);
    assert.equal(parseSpiffeId(`spiffe://a${character}/p`), null);
    assert.equal(parseSpiffeId(`spiffe://td/a${character}`), null);
  }
});

for (const { name, trustDomainBytes, pathBytes, valid } of vectors.lengths) {
  test(`SPIFFE-ID §2.3: ${name} is ${valid ? 'read' : 'refused'}`, () => {
    const text = `spiffe://${'a'.repeat(trustDomainBytes)}/${'b'.repeat(pathBytes - 1)}`;
    assert.equal(parseSpiffeId(text) !== null, valid);
    assert.equal(isTrustDomain('a'.repeat(trustDomainBytes)), trustDomainBytes <= 255);
  });
}

test('no name is no trust domain', () => assert.ok(!isTrustDomain('')));

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
