// The entry point: each check of a JWT has its twin here, for every encoding, and an attempt to get round it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DenialCode } from '../../denial.ts';
import { utf8 } from '../../std/bytes.ts';
import type { PeerFacts } from '../../transport/peer.ts';
import { userKey } from '../token-world.ts';
import { linkToClaim } from '../wc.ts';
import { mintCompact } from './aip/compact.ts';
import { jwtChain } from './aip/json-encodings.fixture.ts';
import { append, authority, delegation, idOf, mint, nowSeconds } from './aip/links.fixture.ts';
import {
  agent,
  call,
  chain,
  files,
  foreignRoot,
  howard,
  linkOf,
  ownRoot,
  peerOf,
  planeToken,
  readOnly,
  world,
} from './capability.fixture.ts';
import { signHolderProof } from './holder-proof.ts';
import { capEngine, keyNamed } from './keys.fixture.ts';
import { verifyCapability } from './verify-capability.ts';
import type { CapAsk, CapWorld } from './world.ts';

const judged = (ask: CapAsk, over: Partial<CapWorld> = {}) => verifyCapability(ask, world(over), capEngine, nowSeconds);

function passes(ask: CapAsk, over: Partial<CapWorld> = {}) {
  const verdict = judged(ask, over);
  if (verdict.outcome === 'deny') assert.fail(JSON.stringify(verdict.denial));
  return verdict.facts;
}

/** a0 hands a part of the plane's token to a1, offline. */
const handed = (over: Parameters<typeof delegation>[2] = {}, from = planeToken()) =>
  append(from, delegation('a0', 'a1', { tools: ['files:read_file'], ...over }), keyNamed('a0'));

test('a chain of the plane comes back whole, and its holder is recognised by its connection', () => {
  const facts = passes(call(planeToken(), 'a0'));
  assert.deepEqual(facts.chain, chain());
  assert.deepEqual([facts.root, facts.actor, facts.actorKey], [howard, agent('a0'), 'db/a0']);
  assert.deepEqual([facts.binding, facts.delegatorsAuthenticated, facts.claims], ['peer', true, []]);
});

test('a part handed on offline names three parties, each narrower, and belongs to the last', () => {
  const facts = passes(call(handed({ untilSeconds: nowSeconds + 60 }), 'a1'));
  assert.deepEqual(
    facts.chain.links.map(({ actor }) => actor),
    [howard, agent('a0'), agent('a1')],
  );
  assert.deepEqual(
    facts.chain.links.map(({ depth }) => depth),
    [4, 3, 2],
  );
  assert.equal(facts.untilSeconds, nowSeconds + 60);
  assert.equal(facts.chain.task, 'tsk_1');
});

test('a foreign root’s token is at home where the configuration says, for whom it says, as little as it says (rules §2.1)', () => {
  const token = append(
    mint({ tools: ['tool:read_file', 'tool:write_file'] }),
    delegation('root', 'a1', { tools: ['tool:read_file'] }),
    keyNamed('root'),
  );
  const facts = passes(call(token, 'a1'));
  const [top, issuer, leaf] = facts.chain.links;
  assert.deepEqual(
    [top.actor, issuer!.actor, leaf!.actor],
    [howard, { iss: idOf('root'), sub: idOf('root') }, agent('a1')],
  );
  assert.deepEqual([leaf!.audience, leaf!.scopes, leaf!.ceiling], [files, ['files:read_file'], 1]);
  assert.match(facts.chain.task, /^cap_/);
  assert.deepEqual(
    passes(
      call(
        append(
          mint({ principal: 'howard@partner.example', tools: ['tool:read_file'] }),
          delegation('root', 'a1', { tools: null }),
          keyNamed('root'),
        ),
        'a1',
      ),
    ).root,
    howard,
  );
});

test('a compact token has the issuer and its holder for links', () => {
  const token = mintCompact(
    authority({ delegate: idOf('a1'), tools: ['tool:read_file'] }),
    nowSeconds,
    keyNamed('root'),
  )!;
  const facts = passes(call(token, 'a1'));
  assert.deepEqual(
    facts.chain.links.map(({ actor }) => actor.sub),
    ['howard', idOf('root'), agent('a1').sub],
  );
  assert.deepEqual(
    facts.chain.links.map(({ depth }) => depth),
    [5, 4, 3],
  );
});

test('a JWT chain belongs to its last holder, and a wider prefix cut out of it to nobody who was further down', () => {
  const token = jwtChain(2);
  const scopes = ['files:search'];
  const facts = passes(call(token, 'a2', { scopes }));
  assert.deepEqual(
    facts.chain.links.map(({ actor }) => actor.sub),
    ['howard', idOf('root'), agent('a0').sub, agent('a1').sub, agent('a2').sub],
  );
  const wider = token.split('~').slice(0, 2).join('~');
  assert.equal(passes(call(wider, 'a1', { scopes })).actor.sub, agent('a1').sub);
  const cut = judged(call(wider, 'a2', { scopes }));
  assert.equal(cut.outcome === 'deny' && cut.denial.code, 'token.bound_to_other_peer');
});

test('a prefix is written out as the reviewed tools it covers (rules §2.10)', () => {
  const token = append(mint({ tools: ['tool:read_*'] }), delegation('root', 'a1', { tools: null }), keyNamed('root'));
  assert.deepEqual(passes(call(token, 'a1')).chain.links[2]!.scopes, ['files:read_file', 'files:read_many']);
  const wide = append(mint({ tools: ['*'] }), delegation('root', 'a1', { tools: null }), keyNamed('root'));
  assert.equal(passes(call(wide, 'a1')).wildcard, false);
});

const withdrawn = (of: Partial<CapWorld['revocations']>): Partial<CapWorld> => ({
  revocations: { ...world().revocations, ...of },
});
const lastId = (text: string, as: string) => passes(call(text, as)).tokenId;
const proof = (text: string, as: string, over: Partial<CapAsk> = {}, signer = as) => {
  const ask = call(text, as, over);
  const about = { ...ask.request, lastBlock: lastId(text, as), audience: files };
  const signed = signHolderProof(about, { id: 'p1', nowSeconds }, keyNamed(signer));
  return { ...ask, capability: { ...ask.capability, holderProof: signed } };
};
const anonymous = { kind: 'anonymous', listener: 'oauth' } as unknown as PeerFacts;
const foreign = (over = {}, of: Parameters<typeof mint>[0] = { tools: ['tool:read_file'] }) =>
  append(mint(of), delegation('root', 'a1', { tools: null, ...over }), keyNamed('root'));

const refused: [name: string, code: DenialCode, ask: () => CapAsk, over?: () => Partial<CapWorld>][] = [
  ['somebody else presents it (rules §2.9)', 'token.bound_to_other_peer', () => call(planeToken(), 'a1')],
  ['the one who handed it on presents what it handed on', 'token.bound_to_other_peer', () => call(handed(), 'a0')],
  ['nobody known presents it', 'token.unbound', () => call(planeToken(), 'a0', { peer: anonymous })],
  [
    'a holder without a row',
    'token.bound_to_other_peer',
    () => call(append(planeToken(), delegation('a0', 'stranger', { tools: null }), keyNamed('a0')), 'a1'),
  ],
  [
    'a holder whose row is over',
    'token.bound_to_other_peer',
    () => call(handed(), 'a1'),
    () => ({
      rows: new Map(
        [...world().rows].map(([id, row]) => [id, id === idOf('a1') ? { ...row, untilSeconds: nowSeconds } : row]),
      ),
    }),
  ],
  [
    'another callee',
    'token.wrong_audience',
    () => call(planeToken(), 'a0', { resource: 'https://127.0.0.1:8443/mcp/mail' }),
  ],
  [
    'a scope that was not handed on',
    'token.scope_insufficient',
    () => call(handed(), 'a1', { scopes: ['files:write_file'] }),
  ],
  [
    'a scope regained',
    'token.scope_widened',
    () => call(append(handed(), delegation('a1', 'a2', { tools: ['files:write_file'] }), keyNamed('a1')), 'a2'),
  ],
  [
    'an argument outside',
    'token.constraint_violated',
    () => call(handed({ writ: { details: readOnly } }), 'a1', { arguments: { path: '/etc/passwd' } }),
  ],
  [
    'arguments regained',
    'token.constraint_widened',
    () =>
      call(
        append(
          handed({ writ: { details: readOnly } }),
          delegation('a1', 'a2', {
            tools: null,
            writ: { details: [{ ...readOnly[0], arguments: { '/path': { any: true } } }] },
          }),
          keyNamed('a1'),
        ),
        'a2',
      ),
  ],
  [
    'a part handed on without a signature',
    'token.delegator_unauthenticated',
    () => call(append(planeToken(), delegation('a0', 'a1', { tools: null }), null), 'a1'),
  ],
  [
    'a part handed on by somebody who never held it',
    'token.delegator_mismatch',
    () => call(append(planeToken(), delegation('a2', 'a1', { tools: null }), keyNamed('a2')), 'a1'),
  ],
  [
    'a part handed on in another’s name',
    'token.delegator_unauthenticated',
    () => call(append(planeToken(), delegation('a0', 'a1', { tools: null }), keyNamed('a2')), 'a1'),
  ],
  [
    'handed back to somebody in the chain',
    'token.cycle',
    () => call(append(handed(), delegation('a1', 'a0', { tools: null }), keyNamed('a1')), 'a0'),
  ],
  ['another task', 'token.wrong_task', () => call(handed({ writ: { task: 'tsk_2' } }), 'a1')],
  ['more trust in its texts', 'token.scope_widened', () => call(handed({ writ: { ceiling: 4 } }), 'a1')],
  ['too deep', 'token.depth_exceeded', () => call(handed({}, planeToken(chain({ depth: 0 }))), 'a1')],
  ['over', 'token.expired', () => call(planeToken(chain({ untilSeconds: nowSeconds })), 'a0')],
  [
    'calls with a ceiling of none',
    'token.budget_exceeded',
    () => call(planeToken(chain({ budget: [{ unit: 'calls', max: 0 }] })), 'a0'),
  ],
  [
    'a ceiling in what nobody counts',
    'token.restriction_unknown',
    () => call(planeToken(chain({ budget: [{ unit: 'tokens', max: 5 }] })), 'a0'),
  ],
  [
    'its row is withdrawn',
    'token.revoked',
    () => call(planeToken(), 'a0'),
    () => withdrawn({ rows: new Set([linkOf(agent('a0')).row]) }),
  ],
  ['its own block is withdrawn', 'token.revoked', () => call(planeToken(), 'a0'), () => ({})],
  ['its task is over', 'token.revoked', () => call(handed(), 'a1'), () => withdrawn({ tasks: new Set(['tsk_1']) })],
  [
    'its person is gone',
    'token.revoked',
    () => call(handed(), 'a1'),
    () => withdrawn({ users: new Set([userKey(howard)]) }),
  ],
  [
    'an agent in the middle is gone',
    'token.revoked',
    () => call(handed(), 'a1'),
    () => withdrawn({ agents: new Set([agent('a0').sub]) }),
  ],
  [
    'nobody knows what has been withdrawn',
    'gateway.store_unreachable',
    () => call(planeToken(), 'a0'),
    () => withdrawn({ fresh: false }),
  ],
  [
    'a root that is not accepted',
    'token.issuer_unknown',
    () => call(mint(), 'a0'),
    () => ({ roots: [ownRoot, { ...foreignRoot, id: idOf('x') }] }),
  ],
  [
    'a foreign root that names a ceiling',
    'token.restriction_unknown',
    () => call(foreign({}, { writ: { ceiling: 4 } }), 'a1'),
  ],
  [
    'a foreign root that names a task',
    'token.restriction_unknown',
    () => call(foreign({}, { writ: { task: 'tsk_1' } }), 'a1'),
  ],
  [
    'a foreign root with ancestors of its own making',
    'token.restriction_unknown',
    () => call(foreign({}, { writ: { ancestors: chain().links } }), 'a1'),
  ],
  [
    'a foreign root that speaks for somebody',
    'token.issuer_unknown',
    () => call(foreign({}, { principal: 'root@zylos.local' }), 'a1'),
  ],
  [
    'a foreign root with nobody accountable (rules §2.3)',
    'token.no_mandate',
    () => call(foreign(), 'a1'),
    () => ({ roots: [{ ...foreignRoot, accountable: null }] }),
  ],
  [
    'a foreign root without a callee',
    'token.wrong_audience',
    () => call(foreign(), 'a1'),
    () => ({ roots: [{ ...foreignRoot, endpoint: null }] }),
  ],
  [
    'a prefix of nobody knows what',
    'token.not_expressible',
    () => call(foreign({}, { tools: ['tool:re*'] }), 'a1'),
    () => ({ tools: new Map() }),
  ],
  [
    'a domain that is not the callee’s',
    'token.scope_insufficient',
    () => call(foreign({}, { tools: ['tool:read_file'], domains: ['a.example'] }), 'a1'),
  ],
  [
    'prefixes where the profile is Simple',
    'token.restriction_unknown',
    () => call(foreign({}, { tools: ['tool:*'] }), 'a1'),
    () => ({ profile: 'simple' }),
  ],
  ['no token', 'token.missing', () => call('', 'a0')],
  ['not a token', 'token.malformed', () => call('not a token', 'a0')],
  [
    'a holder without an edge, through somebody who has one (rules §1.3)',
    'transport.edge_not_allowed',
    () => ({ ...proof(handed(), 'a1'), peer: peerOf('a7') }),
    () => ({ edges: new Map([['db/a7', new Set(['files'])]]) }),
  ],
  [
    'a proof of another key',
    'token.proof_invalid',
    () => ({ ...proof(planeToken(), 'a0', {}, 'a1'), peer: anonymous }),
  ],
  [
    'a proof of another request',
    'token.proof_invalid',
    () => ({
      ...proof(planeToken(), 'a0'),
      peer: anonymous,
      request: { method: 'POST', bodyDigest: capEngine.sha256(utf8('another')) },
    }),
  ],
  [
    'a proof of another method',
    'token.proof_invalid',
    () => ({ ...proof(planeToken(), 'a0'), peer: anonymous, request: { ...call('', 'a0').request, method: 'GET' } }),
  ],
  [
    'a proof of another capability',
    'token.proof_invalid',
    () => ({
      ...proof(planeToken(), 'a0'),
      peer: anonymous,
      capability: { ...proof(planeToken(), 'a0').capability, value: planeToken() },
    }),
  ],
];
for (const [name, code, ask, over] of refused) {
  test(`${name}: ${code}`, () => {
    const asked = ask();
    const around =
      name === 'its own block is withdrawn'
        ? withdrawn({ rows: new Set([lastId(asked.capability.value, 'a0')]) })
        : over?.();
    const verdict = judged(asked, around);
    assert.equal(verdict.outcome === 'deny' ? verdict.denial.code : 'accepted', code, JSON.stringify(verdict));
  });
}

test('a holder that is not the peer proves itself once, for one request (rules §2.14)', () => {
  for (const peer of [anonymous, peerOf('a7')]) {
    const facts = passes({ ...proof(handed(), 'a1'), peer });
    assert.equal(facts.binding, 'proof');
    assert.equal(facts.claims[0]!.kind, 'once');
  }
});

test('a wider block withdrawn takes the narrower token along, and not the other way round', () => {
  const wide = planeToken();
  const narrow = handed({}, wide);
  const of = (id: string) => withdrawn({ rows: new Set([id]) });
  assert.equal(judged(call(narrow, 'a1'), of(lastId(wide, 'a0'))).outcome, 'deny');
  assert.equal(judged(call(wide, 'a0'), of(lastId(narrow, 'a1'))).outcome, 'pass');
});

test('ceilings are claimed at every link that has one (rules §2.12)', () => {
  const token = handed(
    { writ: { budget: [{ unit: 'calls', max: 2 }] } },
    planeToken(chain({ budget: [{ unit: 'calls', max: 5 }] })),
  );
  assert.deepEqual(
    passes(call(token, 'a1')).claims.map((claim) => claim.kind === 'budget' && [claim.unit, claim.amount, claim.max]),
    [
      ['calls', 1, 5],
      ['calls', 1, 2],
    ],
  );
  // Money is left to check 3, which reads the amount from the arguments.
  const money = passes(call(foreign({ budgetCents: 5 }), 'a1'));
  assert.deepEqual([money.claims, money.chain.links[2]!.budget], [[], [{ unit: 'USD', max: 5 }]]);
});

test('a refusal is told with the chain that asked, once its signatures were genuine', () => {
  assert.deepEqual(judged(call(planeToken(), 'a1')).seen?.chain, chain());
  assert.equal(judged(call('', 'a1')).seen, null);
  assert.equal(linkToClaim(chain().links[0]).row, linkOf(howard).row);
});
