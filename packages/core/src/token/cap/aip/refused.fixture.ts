// Tokens that have to be refused, each with the code, step and block it dies with: forged below any library. Also the source of
// test/vectors/aip.

import type { DenialCode } from '../../../denial.ts';
import { keyNamed } from '../keys.fixture.ts';
import { parseChained } from './chained.ts';
import {
  fact,
  forgeAuthority,
  forgeBlock,
  plainAuthority,
  plainDelegation,
  plus,
  prefixCheck,
  tamper,
  timeCheck,
  toolCheck,
} from './forge.fixture.ts';
import type { Step } from './link.ts';
import { append, chainOf, delegation, idOf, mint, nowSeconds, untilSeconds } from './links.fixture.ts';
import type { AipAsk, AipWorld } from './verify.ts';

export type Refused = readonly [
  name: string,
  code: DenialCode,
  step: Step,
  block: number | null,
  token: () => string,
  over?: Partial<AipAsk>,
  around?: Partial<AipWorld>,
];

export const refused: readonly Refused[] = [
  ['no token at all', 'token.missing', 'V1', null, () => ''],
  [
    'the standard alphabet of base64',
    'token.malformed',
    'V1',
    null,
    () => `${mint().slice(0, 40)}+/${mint().slice(42)}`,
  ],
  ['wrong padding', 'token.malformed', 'V1', null, () => `${mint().replaceAll('=', '')}=`.padEnd(9, '=')],
  ['a token cut short', 'token.malformed', 'V1', null, () => mint().slice(0, -8)],
  ['a token that is too long', 'token.malformed', 'V1', null, () => 'A'.repeat(20_000)],
  [
    'signed by another root',
    'token.signature_invalid',
    'V1',
    0,
    () => forgeAuthority(plainAuthority, keyNamed('thief')),
  ],
  [
    'blocks in another order',
    'token.signature_invalid',
    'V1',
    1,
    () => tamper(chainOf(2), (one) => ({ ...one, blocks: [one.blocks[0], one.blocks[2]!, one.blocks[1]!] })),
  ],
  [
    'a block cut out of the middle',
    'token.signature_invalid',
    'V1',
    1,
    () => tamper(chainOf(2), (one) => ({ ...one, blocks: [one.blocks[0], one.blocks[2]!] })),
  ],
  [
    'a block spliced in from another token',
    'token.signature_invalid',
    'V1',
    1,
    () => {
      const other = parseChained(append(mint(), delegation('root', 'thief'), keyNamed('root')))!;
      return tamper(chainOf(1), (one) => ({ ...one, blocks: [one.blocks[0], other.blocks[1]!], proof: other.proof }));
    },
  ],
  [
    'the last block cut off, without its key',
    'token.signature_invalid',
    'V1',
    1,
    () => tamper(chainOf(2), (one) => ({ ...one, blocks: [one.blocks[0], one.blocks[1]!] })),
  ],
  [
    'a third-party signature moved from another token',
    'token.signature_invalid',
    'V1',
    1,
    () => {
      const other = parseChained(chainOf(1))!;
      return tamper(forgeBlock(mint(), plainDelegation('root', 'a1')), (one) => ({
        ...one,
        blocks: [one.blocks[0], { ...one.blocks[1]!, external: other.blocks[1]!.external, signatureVersion: 1 }],
      }));
    },
  ],
  [
    'a root key id that nobody configured',
    'token.malformed',
    'V1',
    null,
    () => tamper(mint(), (one) => ({ ...one, rootKeyId: 7 })),
  ],
  [
    'an issuer that is not accepted',
    'token.issuer_unknown',
    'V2',
    0,
    () => forgeAuthority(plainAuthority, keyNamed('thief')),
    {},
    { roots: ['x', 'y'].map((name) => ({ id: idOf(name), keys: [keyNamed(name).publicKey] })) },
  ],
  [
    'a name that does not belong to the key',
    'token.issuer_unknown',
    'V2',
    0,
    () => forgeAuthority({ ...plainAuthority, facts: [fact('identity', idOf('thief')), fact('max_depth', 1)] }),
    {},
    { roots: [{ id: null, keys: [keyNamed('root').publicKey] }] },
  ],
  ['one delegation too many', 'token.depth_exceeded', 'V3', 3, () => chainOf(3, { maxDepth: 2 })],
  ['a delegation where none is allowed', 'token.depth_exceeded', 'V3', 1, () => chainOf(1, { maxDepth: 0 })],
  [
    'no depth at all is none (rules §2.1)',
    'token.depth_exceeded',
    'V3',
    1,
    () =>
      forgeBlock(
        forgeAuthority({ ...plainAuthority, facts: [fact('identity', idOf('root'))] }),
        plainDelegation('root', 'a1'),
      ),
  ],
  [
    'a depth below zero',
    'token.malformed',
    'V4',
    0,
    () => forgeAuthority({ ...plainAuthority, facts: [fact('identity', idOf('root')), fact('max_depth', -1)] }),
  ],
  [
    'a tool regained',
    'token.scope_widened',
    'V4',
    2,
    () => append(chainOf(1), delegation('a1', 'a2', { tools: ['tool:search', 'tool:mail'] }), keyNamed('a1')),
  ],
  [
    'a prefix from a name',
    'token.scope_widened',
    'V4',
    1,
    () => forgeBlock(mint(), plainDelegation('root', 'a1', { checks: [prefixCheck('tool:')] })),
  ],
  [
    'everything from a prefix',
    'token.scope_widened',
    'V4',
    1,
    () => append(mint({ tools: ['tool:*'] }), delegation('root', 'a1', { tools: ['*'] }), keyNamed('root')),
  ],
  [
    'a budget raised',
    'token.budget_exceeded',
    'V4',
    1,
    () => append(mint({ budgetCents: 50 }), delegation('root', 'a1', { budgetCents: 51 }), keyNamed('root')),
  ],
  [
    'a budget raised two links on',
    'token.budget_exceeded',
    'V4',
    2,
    () =>
      append(
        append(mint({ budgetCents: 50 }), delegation('root', 'a1'), keyNamed('root')),
        delegation('a1', 'a2', { budgetCents: 51 }),
        keyNamed('a1'),
      ),
  ],
  [
    'a budget below zero',
    'token.budget_exceeded',
    'V4',
    1,
    () => forgeBlock(mint(), plus(plainDelegation('root', 'a1'), { facts: [fact('budget_ceiling', -1)] })),
  ],
  [
    'an expiry put off',
    'token.expiry_widened',
    'V4',
    1,
    () =>
      append(mint({ untilSeconds: untilSeconds - 1 }), delegation('root', 'a1', { untilSeconds }), keyNamed('root')),
  ],
  [
    'a delegation that is over',
    'token.expired',
    'V4',
    1,
    () => append(mint(), delegation('root', 'a1', { untilSeconds: nowSeconds }), keyNamed('root')),
  ],
  ['an authority that is over', 'token.expired', 'V4', 0, () => mint({ untilSeconds: nowSeconds - 1 })],
  [
    'an authority without end',
    'token.malformed',
    'V4',
    0,
    () => forgeAuthority({ ...plainAuthority, checks: [toolCheck('tool:search')] }),
  ],
  [
    'an authority without tools',
    'token.malformed',
    'V4',
    0,
    () => forgeAuthority({ ...plainAuthority, checks: [timeCheck(untilSeconds)] }),
  ],
  [
    'a domain regained',
    'token.scope_widened',
    'V4',
    1,
    () =>
      append(mint({ domains: ['a.example'] }), delegation('root', 'a1', { domains: ['b.example'] }), keyNamed('root')),
  ],
  [
    'another principal',
    'token.malformed',
    'V4',
    1,
    () => append(mint({ principal: 'howard' }), delegation('root', 'a1', { principal: 'eve' }), keyNamed('root')),
  ],
  [
    'a principal where the authority named none',
    'token.malformed',
    'V4',
    1,
    () => append(mint(), delegation('root', 'a1', { principal: 'howard' }), keyNamed('root')),
  ],
  [
    'a fact twice: the second ceiling is the higher',
    'token.malformed',
    'V4',
    1,
    () =>
      forgeBlock(
        mint(),
        plus(plainDelegation('root', 'a1'), { facts: [fact('budget_ceiling', 5), fact('budget_ceiling', 99)] }),
      ),
  ],
  [
    'two scope checks',
    'token.malformed',
    'V4',
    1,
    () => forgeBlock(mint(), plus(plainDelegation('root', 'a1'), { checks: [toolCheck('tool:mail')] })),
  ],
  [
    'a tool that brings itself along',
    'token.malformed',
    'V4',
    1,
    () => forgeBlock(mint(), plus(plainDelegation('root', 'a1'), { facts: [fact('tool', 'tool:search')] })),
  ],
  [
    'a budget as a check',
    'token.malformed',
    'V4',
    1,
    () =>
      forgeBlock(
        mint(),
        plus(plainDelegation('root', 'a1'), {
          checks: [{ queries: [{ body: [fact('budget', 5)], expressions: [] }] }],
        }),
      ),
  ],
  [
    'a depth in a delegation',
    'token.malformed',
    'V4',
    1,
    () => forgeBlock(mint(), plus(plainDelegation('root', 'a1'), { facts: [fact('max_depth', 9)] })),
  ],
  [
    'a party that is a look-alike',
    'token.malformed',
    'V4',
    1,
    () =>
      forgeBlock(mint(), {
        ...plainDelegation('root', 'a1'),
        facts: [fact('delegator', idOf('root')), fact('delegate', 'aip:web:exаmple.org/a'), fact('context', 'x')],
      }),
  ],
  [
    'Datalog in a text',
    'token.malformed',
    'V4',
    1,
    () =>
      forgeBlock(mint(), {
        ...plainDelegation('root', 'a1'),
        facts: [
          fact('delegator', idOf('root')),
          fact('delegate', idOf('a1')),
          fact('context', 'x"); right("tool:mail'),
        ],
      }),
  ],
  [
    'a line break in a text',
    'token.malformed',
    'V4',
    1,
    () =>
      forgeBlock(mint(), {
        ...plainDelegation('root', 'a1'),
        facts: [fact('delegator', idOf('root')), fact('delegate', idOf('a1')), fact('context', 'x\ny')],
      }),
  ],
  [
    'a number for a name',
    'token.malformed',
    'V4',
    1,
    () =>
      forgeBlock(mint(), {
        ...plainDelegation('root', 'a1'),
        facts: [fact('delegator', idOf('root')), fact('delegate', 7), fact('context', 'x')],
      }),
  ],
  [
    'a star among names',
    'token.malformed',
    'V4',
    0,
    () => forgeAuthority({ ...plainAuthority, checks: [toolCheck('tool:*'), timeCheck(untilSeconds)] }),
  ],
  [
    'a blank context',
    'token.malformed',
    'V5',
    1,
    () =>
      forgeBlock(
        mint(),
        {
          ...plainDelegation('root', 'a1'),
          facts: [fact('delegator', idOf('root')), fact('delegate', idOf('a1')), fact('context', '  ')],
        },
        keyNamed('root'),
      ),
  ],
  [
    'no context',
    'token.malformed',
    'V5',
    1,
    () =>
      forgeBlock(
        mint(),
        { ...plainDelegation('root', 'a1'), facts: [fact('delegator', idOf('root')), fact('delegate', idOf('a1'))] },
        keyNamed('root'),
      ),
  ],
  [
    'a delegator who was never given it',
    'token.delegator_mismatch',
    'V5',
    2,
    () => append(chainOf(1), delegation('thief', 'thief2'), keyNamed('thief')),
  ],
  [
    'a delegation by whoever held the bytes (rules §2.14)',
    'token.delegator_unauthenticated',
    'V5',
    2,
    () => append(chainOf(1), delegation('a1', 'thief'), null),
  ],
  [
    'a delegation signed by somebody else',
    'token.delegator_unauthenticated',
    'V5',
    2,
    () => append(chainOf(1), delegation('a1', 'thief'), keyNamed('thief')),
  ],
  ['a tool that is not held', 'token.scope_insufficient', 'V6', 0, () => chainOf(1), { tools: ['tool:delete'] }],
  [
    'a tool that only the root still holds',
    'token.scope_insufficient',
    'V6',
    1,
    () => chainOf(1),
    { tools: ['tool:mail'] },
  ],
  ['Datalog as a tool', 'token.scope_insufficient', 'V6', null, () => mint(), { tools: ['zz"); tool("tool:search'] }],
  [
    'a star as a tool',
    'token.scope_insufficient',
    'V6',
    null,
    () => mint({ tools: ['tool:*'] }),
    { tools: ['tool:*'] },
  ],
  [
    'a domain that is not held',
    'token.scope_insufficient',
    'V6',
    0,
    () => mint({ domains: ['a.example'] }),
    { domain: 'b.example' },
  ],
  [
    'prefixes where names are asked for',
    'token.restriction_unknown',
    'V6',
    0,
    () => mint({ tools: ['tool:*'] }),
    {},
    { profile: 'simple' },
  ],
  ['somebody else’s token', 'token.bound_to_other_peer', 'V6', 1, () => chainOf(1), { presenter: idOf('thief') }],
];
