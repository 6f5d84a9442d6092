// Tokens in AIP's JSON encodings, good ones and forged, with what each forged one dies of. Also the source of test/vectors/aip.

import type { DenialCode } from '../../../denial.ts';
import { toBase64Url } from '../../../std/base64.ts';
import { utf8 } from '../../../std/bytes.ts';
import type { JsonObject, JsonValue } from '../../../std/json.ts';
import { capEngine, keyNamed } from '../keys.fixture.ts';
import { mintCompact } from './compact.ts';
import { signAipJwt } from './jwt.ts';
import { appendJwtChain, mintJwtChain } from './jwt-chain.ts';
import type { AipLink, Step } from './link.ts';
import { authority, delegation, idOf, nowSeconds, untilSeconds } from './links.fixture.ts';
import type { AipAsk } from './verify.ts';

const root = keyNamed('root');
export function compact(over: Partial<AipLink> = {}): string {
  return mintCompact(authority({ delegate: idOf('a1'), ...over }), nowSeconds, root)!;
}

const claims: JsonObject = {
  iss: idOf('root'),
  sub: idOf('a1'),
  scope: ['tool:search'],
  max_depth: 0,
  iat: nowSeconds,
  exp: untilSeconds,
};
const signed = (over: { [name: string]: JsonValue }, typ = 'aip+jwt', signer = root) =>
  signAipJwt(typ, { ...claims, ...over }, signer);

export const keyed = (name: string) => ({ delegateKey: keyNamed(name).publicKey });
export const ids = { id: 'one', issuedSeconds: nowSeconds };

export function jwtChain(depth: number, over: Partial<AipLink> = {}): string {
  let text = mintJwtChain(authority({ delegate: idOf('a0'), ...keyed('a0'), ...over }), ids, root)!;
  for (let i = 1; i <= depth; i++) text = appended(text, `a${i - 1}`, `a${i}`);
  return text;
}

function appended(text: string, from: string, to: string, over: Partial<AipLink> = {}, signer = from): string {
  return appendJwtChain(text, delegation(from, to, { ...keyed(to), ...over }), ids, keyNamed(signer), capEngine)!;
}

const noneHeader = `${toBase64Url(utf8('{"alg":"none","typ":"aip+jwt"}'))}.${compact().split('.')[1]}.`;
const kidHeader = `${toBase64Url(utf8('{"alg":"EdDSA","typ":"aip+jwt","kid":"x"}'))}.${compact().split('.').slice(1).join('.')}`;

export const refusedJson: readonly [
  name: string,
  code: DenialCode,
  step: Step,
  token: () => string,
  over?: Partial<AipAsk>,
][] = [
  ['no signature', 'token.malformed', 'V1', () => noneHeader],
  ['a header member that is not known', 'token.malformed', 'V1', () => kidHeader],
  ['another kind of token', 'token.malformed', 'V1', () => signed({}, 'at+jwt')],
  ['signed by somebody else', 'token.signature_invalid', 'V1', () => signed({}, 'aip+jwt', keyNamed('thief'))],
  ['a claim that is not known', 'token.malformed', 'V4', () => signed({ aud: 'https://a.example' })],
  ['an empty scope', 'token.malformed', 'V4', () => signed({ scope: [] })],
  ['a scope as OAuth writes it', 'token.malformed', 'V4', () => signed({ scope: 'tool:search' })],
  ['a depth that is no number', 'token.malformed', 'V4', () => signed({ max_depth: '3' })],
  ['issued tomorrow', 'token.malformed', 'V4', () => signed({ iat: nowSeconds + 1 })],
  ['over', 'token.expired', 'V4', () => signed({ exp: nowSeconds })],
  ['a ceiling below zero', 'token.budget_exceeded', 'V4', () => signed({ budget_usd: -1 })],
  ['a ceiling in fractions of a cent', 'token.malformed', 'V4', () => signed({ budget_usd: 0.001 })],
  ['a tool that is not held', 'token.scope_insufficient', 'V6', () => signed({}), { tools: ['tool:mail'] }],
  ['an issuer with a key that is not its own', 'token.issuer_unknown', 'V2', () => signed({ iss: idOf('thief') })],
  [
    'chain: a link signed by another holder',
    'token.signature_invalid',
    'V1',
    () => appended(jwtChain(1), 'a1', 'a2', {}, 'thief'),
  ],
  [
    'chain: links swapped',
    'token.signature_invalid',
    'V1',
    () => jwtChain(2).split('~').with(1, jwtChain(2).split('~')[2]!).join('~'),
  ],
  ['chain: a link left out', 'token.signature_invalid', 'V1', () => jwtChain(2).split('~').toSpliced(1, 1).join('~')],
  ['chain: its end alone', 'token.signature_invalid', 'V1', () => jwtChain(2).split('~').slice(1).join('~')],
  ['chain: an empty link', 'token.malformed', 'V1', () => `${jwtChain(1)}~`],
  [
    'chain: a tool regained',
    'token.scope_widened',
    'V4',
    () => appended(jwtChain(1), 'a1', 'a2', { tools: ['tool:mail'] }),
  ],
  ['chain: too deep', 'token.depth_exceeded', 'V3', () => jwtChain(4)],
  [
    'chain: put off',
    'token.expiry_widened',
    'V4',
    () => appended(jwtChain(0), 'a0', 'a1', { untilSeconds: untilSeconds + 1 }),
  ],
  ['chain: another delegator', 'token.delegator_mismatch', 'V5', () => appended(jwtChain(0), 'thief', 'a1', {}, 'a0')],
  [
    'chain: a key that is not the delegate’s own',
    'token.delegator_unauthenticated',
    'V5',
    () => appended(jwtChain(0, keyed('thief')), 'a0', 'a1', {}, 'thief'),
  ],
];
