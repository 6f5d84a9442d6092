// Writes the vectors of aip/, biscuit/ and macaroon/: tokens with fixed keys, a fixed clock and what is to be said of each. Keys come
// from names, so that every run gives the same bytes, except where the reference makes a token with keys of its own. `node --conditions=writ-source test/vectors/aip/make.ts`; the tests read
// the files, never this.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cap, fromBase64Url, toBase64Url, toHex, utf8 } from '@writ/core';
import { forgeBlock, plainDelegation } from '../../../packages/core/src/token/cap/aip/forge.fixture.ts';
import { compact, jwtChain, refusedJson } from '../../../packages/core/src/token/cap/aip/json-encodings.fixture.ts';
import * as links from '../../../packages/core/src/token/cap/aip/links.fixture.ts';
import { refused } from '../../../packages/core/src/token/cap/aip/refused.fixture.ts';
import { capEngine, keyNamed } from '../../../packages/core/src/token/cap/keys.fixture.ts';
import { oracleSeal, oracleThirdParty, oracleToken } from '../../../packages/core/src/token/cap/oracle.fixture.ts';

const root = keyNamed('root');
const rootHex = toHex(root.publicKey);

function write(folder: string, name: string, vectors: object): void {
  mkdirSync(join(import.meta.dirname, '..', folder), { recursive: true });
  writeFileSync(join(import.meta.dirname, '..', folder, name), `${JSON.stringify(vectors, null, 1)}\n`);
}

const accepted = { code: null, aip: null, step: null, block: null };
const asking = { tools: ['tool:search'], domain: null, audience: null, presenter: null };
const spec = 'draft-prakash-aip-01 §3.3';
const good = [
  ...[0, 1, 2, 3].map((depth) => [`chained, ${depth} delegations signed by their delegators`, links.chainOf(depth)] as const),
  ...[0, 1, 2, 3].map((depth) => [`JWT chain, ${depth} delegations`, jwtChain(depth)] as const),
  ['compact', compact({ budgetCents: 150 })] as const,
  ['chained, prefixes', links.mint({ tools: ['tool:search', 'tool:s*', '*'] })] as const,
  ['chained, budget, domains and principal', links.mint({ budgetCents: 5, domains: ['a.example'], principal: 'howard' })] as const,
  ['chained, with dimensions of Writ', links.mint({ writ: { task: 'tsk_1', ceiling: 2, audience: 'https://a.example/mcp' } })] as const,
];
const plain = [1, 2, 3].map((depth) => {
  let token = links.mint();
  for (let i = 1; i <= depth; i++) token = forgeBlock(token, plainDelegation(i === 1 ? 'root' : `a${i - 1}`, `a${i}`));
  return [`plain AIP, ${depth} delegations that prove nobody`, token] as const;
});
const vector = (name: string, token: string, more: object) => ({
  name,
  spec,
  encoding: token === '' ? null : cap.aipEncodingOf(token),
  token,
  roots: [{ id: links.idOf('root'), keys: [rootHex] }],
  nowSeconds: links.nowSeconds,
  ask: asking,
  profile: 'standard',
  delegatorsMustSign: true,
  expect: accepted,
  ...more,
});
write('aip', 'accepted.json', [
  ...good.map(([name, token]) => vector(name, token, {})),
  ...plain.map(([name, token]) => vector(name, token, { delegatorsMustSign: false })),
]);
write('aip', 'refused.json', [
  ...refused.map(([name, code, step, block, token, over = {}, around = {}]) =>
    vector(name, token(), {
      ask: { ...asking, ...over },
      ...(around.profile ? { profile: around.profile } : {}),
      ...(around.roots ? { roots: around.roots.map(({ id, keys }) => ({ id, keys: keys.map(toHex) })) } : {}),
      expect: { code, aip: cap.aipCodeOf(code), step, block },
    }),
  ),
  ...refusedJson.map(([name, code, step, token, over = {}]) => {
    const text = token();
    return vector(name, text, { ask: { ...asking, ...over }, expect: { code, aip: cap.aipCodeOf(code), step } });
  }),
]);

const authority = 'identity("aip:web:example.org/a"); max_depth(3); check if tool($t), ["tool:search"].contains($t);';
const block = 'delegator("aip:web:example.org/a"); delegate("aip:web:example.org/b"); context("x");';
const two = oracleToken(root.seed, authority, block);
const third = oracleThirdParty(two, root.publicKey, keyNamed('a1').seed, block);
write('biscuit', 'tokens.json', [
  ...(
    [
      ['one block of the reference, signed in layout v0', oracleToken(root.seed, authority)],
      ['two blocks of the reference', two],
      ['a third-party block of the reference, signed in layout v1', third],
      ['sealed by the reference', oracleSeal(third, root.publicKey)],
      ['two blocks of ours, the second by a third party', fromBase64Url(links.chainOf(1).replaceAll('=', ''))!],
    ] as const
  ).map(([name, bytes]) => ({ name, spec: 'Biscuit v2', root: rootHex, token: toBase64Url(bytes), genuine: true })),
  { name: 'another root', spec: 'Biscuit v2', root: toHex(keyNamed('a1').publicKey), token: toBase64Url(two), genuine: false },
]);

const secret = utf8('a secret of the plane');
const location = utf8('https://plane.example');
const approver = { identifier: utf8('approval 17'), secret: utf8('shared'), location: utf8('https://approver.example'), nonce: capEngine.sha256(utf8('nonce')).subarray(0, 24) };
const narrowed = cap.addCondition(cap.mintMacaroon(utf8('id'), secret, location, capEngine), utf8('until 4070908800'), capEngine);
const asked = cap.addThirdParty(narrowed, approver, capEngine);
const bare = cap.mintMacaroon(approver.identifier, approver.secret, approver.location, capEngine);
const yes = cap.addCondition(bare, utf8('until 4070908800'), capEngine);
const bound = cap.bindDischarge(asked, yes, capEngine);
const macaroon = (name: string, text: string, expect: object | string) => ({
  name,
  spec: 'libmacaroons doc/format.txt',
  secret: toHex(secret),
  location: 'https://plane.example',
  text,
  expect,
});
write('macaroon', 'macaroons.json', [
  macaroon('binary, one condition', cap.macaroonsText([narrowed]), { conditions: ['until 4070908800'], discharge: [] }),
  macaroon('JSON, one condition', cap.macaroonJson(narrowed), { conditions: ['until 4070908800'], discharge: [] }),
  macaroon('binary, with a discharge', cap.macaroonsText([asked, bound]), { conditions: ['until 4070908800'], discharge: ['until 4070908800'] }),
  macaroon('JSON, with a discharge', `[${cap.macaroonJson(asked)},${cap.macaroonJson(bound)}]`, { conditions: ['until 4070908800'], discharge: ['until 4070908800'] }),
  macaroon('without its discharge', cap.macaroonsText([asked]), 'discharge_missing'),
  macaroon('a discharge that was not bound', cap.macaroonsText([asked, yes]), 'signature_invalid'),
  macaroon('a discharge that nobody asked for', cap.macaroonsText([narrowed, bound]), 'discharge_unused'),
  macaroon('another secret', cap.macaroonsText([cap.mintMacaroon(utf8('id'), utf8('thief'), location, capEngine)]), 'signature_invalid'),
]);
