// Converting between AIP's encodings never widens: whatever the converted token admits, the original admits, and the other way
// round. Over all pairs of encodings. Rules §2.13.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ed25519KeyOf } from '../../../node/engine.ts';
import { capEngine, keyNamed } from '../keys.fixture.ts';
import { type ConvertMeans, convertAip } from './convert-links.ts';
import { compact, jwtChain } from './json-encodings.fixture.ts';
import { isCapFault } from './link.ts';
import { append, ask, chainOf, delegation, idOf, mint, nowSeconds, world } from './links.fixture.ts';
import { type AipAsk, verifyAip } from './verify.ts';

let fresh = 0;
const means: ConvertMeans = {
  issuer: keyNamed('root'),
  next: () => keyNamed(`convert ${fresh++ % 50}`),
  held: ed25519KeyOf,
  id: 'one',
  nowSeconds,
  engine: capEngine,
};
const encodings = ['aip-compact', 'aip-chained', 'aip-jwt-chain'] as const;
const judge = (token: string, over: Partial<AipAsk>, now = nowSeconds) =>
  verifyAip(token, ask(over), world(), capEngine, now);

function verified(token: string, over: Partial<AipAsk> = { tools: [] }) {
  const verdict = judge(token, over);
  if (isCapFault(verdict)) throw new Error(JSON.stringify(verdict));
  return verdict;
}

test('over all pairs of encodings, the same questions get the same answers', () => {
  const limits = fc.record({
    tools: fc.subarray(['tool:search', 'tool:mail', 'db:*', 'tool:s*'], { minLength: 1 }),
    budgetCents: fc.option(fc.nat(500)),
    untilSeconds: fc.integer({ min: nowSeconds + 1, max: nowSeconds + 100 }),
    maxDepth: fc.nat(3),
  });
  const question = fc.record({
    tools: fc.constantFrom('tool:search', 'tool:seal', 'tool:mail', 'db:read', 'x').map((one) => [one]),
    now: fc.integer({ min: nowSeconds, max: nowSeconds + 110 }),
  });
  const from = fc.constantFrom(...encodings);
  fc.assert(
    fc.property(limits, from, from, question, (over, source, target, { tools, now }) => {
      const holder = { delegate: idOf('a0') };
      const made = {
        'aip-compact': () => compact({ ...over, ...holder }),
        'aip-jwt-chain': () => jwtChain(0, over),
        'aip-chained': () =>
          append(
            mint({ ...over, maxDepth: over.maxDepth + 1 }),
            delegation('root', 'a0', { tools: null }),
            keyNamed('root'),
          ),
      }[source]();
      const before = verified(made);
      const text = convertAip(before, target, means);
      assert.ok(typeof text === 'string', JSON.stringify(text));
      const after = verified(text);
      // A JWT chain writes its lists in order.
      const told = ({ holder, effective }: typeof before) => [
        holder,
        { ...effective, tools: effective.tools.toSorted() },
      ];
      assert.equal(after.encoding, target);
      assert.deepEqual(told(after), told(before));
      assert.equal(isCapFault(judge(text, { tools }, now)), isCapFault(judge(made, { tools }, now)));
    }),
    { numRuns: 400 },
  );
});

const refused: [name: string, token: () => string, to: (typeof encodings)[number]][] = [
  ['links of others', () => chainOf(2), 'aip-compact'],
  ['links of others in a JWT chain', () => jwtChain(1), 'aip-chained'],
  ['nobody holds it', () => mint(), 'aip-compact'],
  [
    'a principal',
    () => append(mint({ principal: 'howard' }), delegation('root', 'a0', { tools: null }), keyNamed('root')),
    'aip-compact',
  ],
  [
    'domains',
    () => append(mint({ domains: ['a.example'] }), delegation('root', 'a0', { tools: null }), keyNamed('root')),
    'aip-compact',
  ],
  [
    'a task',
    () => append(mint({ writ: { task: 't' } }), delegation('root', 'a0', { tools: null }), keyNamed('root')),
    'aip-jwt-chain',
  ],
  [
    'a holder whose key is not in its name',
    () =>
      append(
        mint(),
        { ...delegation('root', 'a0', { tools: null }), delegate: 'aip:web:example.org/b' },
        keyNamed('root'),
      ),
    'aip-jwt-chain',
  ],
];
for (const [name, token, to] of refused) {
  test(`${name}: not expressible as ${to}, and nothing is dropped`, () => {
    const told = convertAip(verified(token()), to, means);
    assert.equal(typeof told === 'string' ? told : told.code, 'token.not_expressible');
  });
}
