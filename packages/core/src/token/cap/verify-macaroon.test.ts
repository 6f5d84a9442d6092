// Macaroons at the entry point: the same chain in other clothes, and the same refusals.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DenialCode } from '../../denial.ts';
import { utf8 } from '../../std/bytes.ts';
import { nowSeconds } from './aip/links.fixture.ts';
import { agent, call, chain, howard, world } from './capability.fixture.ts';
import { chainToMacaroon } from './convert.ts';
import { capEngine } from './keys.fixture.ts';
import { addCondition, addThirdParty, bindDischarge, mintMacaroon } from './macaroon/build.ts';
import { writeCondition } from './macaroon/conditions.ts';
import { macaroonsText } from './macaroon/text.ts';
import { verifyCapability } from './verify-capability.ts';
import type { CapAsk, CapWorld } from './world.ts';

const judged = (ask: CapAsk, over: Partial<CapWorld> = {}) => verifyCapability(ask, world(over), capEngine, nowSeconds);

function passes(ask: CapAsk) {
  const verdict = judged(ask);
  if (verdict.outcome === 'deny') assert.fail(JSON.stringify(verdict.denial));
  return verdict.facts;
}

const withdrawn = (of: Partial<CapWorld['revocations']>): Partial<CapWorld> => ({
  revocations: { ...world().revocations, ...of },
});

const macaroon = (of = chain(), ...conditions: readonly Uint8Array[]) =>
  conditions.reduce(
    (one, condition) => addCondition(one, condition, capEngine),
    chainToMacaroon(
      of,
      { keyId: 'k1', secret: utf8('a secret of the plane'), nonce: 'n1', location: 'https://plane.example' },
      capEngine,
    ),
  );
const macaroonCall = (text: string, as: string, over: Partial<CapAsk> = {}): CapAsk => ({
  ...call(text, as, over),
  capability: { kind: 'macaroon', value: text, holderProof: null },
});
const held = (...conditions: readonly Uint8Array[]) => macaroonsText([macaroon(chain(), ...conditions)]);
const actorOf = (name: string) => writeCondition('actor', { ...agent(name) });

test('a macaroon holds the same chain, and each condition narrows it', () => {
  assert.deepEqual(passes(macaroonCall(held(), 'a0')).chain, chain());
  const narrow = held(writeCondition('scope', ['files:read_file']), writeCondition('until', nowSeconds + 5));
  const facts = passes(macaroonCall(narrow, 'a0'));
  assert.deepEqual([facts.chain.links.length, facts.untilSeconds], [2, nowSeconds + 5]);
  assert.deepEqual(facts.chain.links[1], {
    ...chain().links[1],
    scopes: ['files:read_file'],
    untilSeconds: nowSeconds + 5,
  });
  const on = passes(macaroonCall(held(actorOf('a1'), writeCondition('scope', [])), 'a1', { scopes: [] }));
  assert.deepEqual(
    on.chain.links.map(({ actor }) => actor),
    [howard, agent('a0'), agent('a1')],
  );
  assert.equal(on.delegatorsAuthenticated, false, 'anybody who held it could have handed it on');
});

const third = {
  identifier: utf8('approval 17'),
  secret: utf8('the approver’s'),
  location: null,
  nonce: new Uint8Array(24).fill(7),
};
const approved = (...conditions: readonly Uint8Array[]) => {
  const root = addThirdParty(macaroon(), third, capEngine);
  const yes = conditions.reduce(
    (one, condition) => addCondition(one, condition, capEngine),
    mintMacaroon(third.identifier, third.secret, null, capEngine),
  );
  return macaroonsText([root, bindDischarge(root, yes, capEngine)]);
};

test('a person’s yes is a discharge, for as long as it says', () => {
  assert.equal(passes(macaroonCall(approved(writeCondition('until', nowSeconds + 1)), 'a0')).encoding, 'macaroon');
});

const refusedMacaroons: [
  name: string,
  code: DenialCode,
  text: () => string,
  as?: string,
  over?: () => Partial<CapWorld>,
][] = [
  [
    'a scope regained',
    'token.scope_widened',
    () => held(writeCondition('scope', ['files:read_file']), writeCondition('scope', ['files:write_file'])),
  ],
  ['put off', 'token.expiry_widened', () => held(writeCondition('until', nowSeconds + 6000))],
  ['over', 'token.expired', () => held(writeCondition('until', nowSeconds))],
  ['a condition that nobody knows', 'token.restriction_unknown', () => held(utf8('colour "red"'))],
  ['a condition in another spelling', 'token.restriction_unknown', () => held(utf8('scope [ "files:read_file"]'))],
  ['another callee', 'token.wrong_audience', () => held(writeCondition('aud', 'https://127.0.0.1:8443/mcp/mail'))],
  ['handed on too often', 'token.depth_exceeded', () => held(...['a1', 'a2', 'a3', 'a4'].map(actorOf)), 'a4'],
  ['handed to somebody in the chain', 'token.cycle', () => held(actorOf('a0'))],
  [
    'handed on where delegators must sign (rules §2.14)',
    'token.delegator_unauthenticated',
    () => held(actorOf('a1')),
    'a1',
    () => ({ macaroons: { ...world().macaroons!, delegatorsMustSign: true } }),
  ],
  ['somebody else presents it', 'token.bound_to_other_peer', () => held(), 'a1'],
  [
    'a key that is not known',
    'token.issuer_unknown',
    () => held(),
    'a0',
    () => ({ macaroons: { ...world().macaroons!, secrets: new Map() } }),
  ],
  ['no macaroons here', 'token.issuer_unknown', () => held(), 'a0', () => ({ macaroons: null })],
  [
    'another secret',
    'token.signature_invalid',
    () => held(),
    'a0',
    () => ({ macaroons: { ...world().macaroons!, secrets: new Map([['k1', utf8('another')]]) } }),
  ],
  [
    'another place',
    'token.malformed',
    () => held(),
    'a0',
    () => ({ macaroons: { ...world().macaroons!, location: null } }),
  ],
  ['nobody has said yes', 'token.proof_invalid', () => macaroonsText([addThirdParty(macaroon(), third, capEngine)])],
  ['a yes that is over', 'token.expired', () => approved(writeCondition('until', nowSeconds))],
  ['a yes under a condition nobody knows', 'token.restriction_unknown', () => approved(utf8('if it rains'))],
  [
    'its id withdrawn',
    'token.revoked',
    () => held(),
    'a0',
    () => withdrawn({ rows: new Set([passes(macaroonCall(held(), 'a0')).blockIds[0]!]) }),
  ],
  [
    'an identifier of somebody else',
    'token.malformed',
    () => macaroonsText([mintMacaroon(utf8('id'), utf8('a secret of the plane'), null, capEngine)]),
  ],
];
for (const [name, code, text, as = 'a0', over] of refusedMacaroons) {
  test(`macaroon: ${name}: ${code}`, () => {
    const verdict = judged(macaroonCall(text(), as), over?.());
    assert.equal(verdict.outcome === 'deny' ? verdict.denial.code : 'accepted', code, JSON.stringify(verdict));
  });
}
