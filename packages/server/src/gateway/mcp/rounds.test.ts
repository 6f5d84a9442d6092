// Rules §4.4: what comes back between two rounds is to this request, by this caller, in this task, or it is nothing.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { type Call, canonicalJson, type Decision, denial, type JsonObject, says, type TokenFacts } from '@writ/core';
import { UpstreamError } from '../exchange.ts';
import type { Request } from './parse.ts';
import { createStateSeal } from './request-state.ts';
import { openRounds, type RoundsPorts } from './rounds.ts';
import { messageOf } from './upstream.ts';

const key = randomBytes(32).toString('base64url');
const ports: RoundsPorts & { nowSeconds(): number; newId(): string } = {
  seal: createStateSeal(key),
  definitionOf: () => 'sha256:d',
  ownUrls: () => ['https://127.0.0.1:8443', 'https://writ.example.org'],
  nowSeconds: () => 1000,
  newId: () => randomBytes(16).toString('hex'),
};
const everyKind = { elicitation: { url: {}, form: {} }, sampling: {}, roots: {} };

function requestOf(params: JsonObject = {}, capabilities: JsonObject = everyKind, method = 'tools/call'): Request {
  const _meta = { 'io.modelcontextprotocol/clientCapabilities': capabilities };
  const head = { kind: 'call', era: 'modern', id: 1, method, version: '2026-07-28', sessionId: null } as const;
  return { ...head, params: { name: 'pay', arguments: { amount: 50 }, ...params, _meta } };
}

const call = {
  operation: 'tools/call',
  target: { kind: 'server', server: 'bank', name: 'pay' },
  resource: 'https://gw/mcp/bank',
  arguments: { amount: 50 },
} as unknown as Call;

function tokenOf(over: { task?: string; root?: string; actors?: string[] } = {}): TokenFacts {
  const { task = 'tsk_1', root = 'howard', actors = ['spiffe://td/a/b'] } = over;
  const party = (sub: string) => ({ iss: 'https://issuer', sub });
  const links = [party(root), ...actors.map(party)].map((actor) => ({ actor }));
  return { root: party(root), chain: { task, links } } as unknown as TokenFacts;
}

function decisionOf(token = tokenOf()): Decision {
  const decision = {
    id: 'dec_1',
    outcome: 'approval',
    denial: denial('action.target_untrusted'),
    token: { verdict: 'pass', facts: token, seen: null },
    opened: { id: 'apr_1', url: 'https://writ.example.org/console/approvals#apr_1' },
  };
  return decision as unknown as Decision;
}

const page = 'https://writ.example.org/console/approvals#apr_1';
const asked = (over: Partial<typeof ports> = {}) =>
  openRounds({ ...ports, ...over }, requestOf(), call).askPerson(decisionOf(), page)!;
const stateIn = (result: JsonObject | null) => String(result!.requestState);

/** A server's question, as its caller gets it. */
function fromServer(result: JsonObject, capabilities: JsonObject = everyKind): JsonObject {
  const message = messageOf('response', { jsonrpc: '2.0', id: 1, result: { resultType: 'input_required', ...result } });
  const rounds = openRounds(ports, requestOf({}, capabilities), call);
  return rounds.fromServer(message, decisionOf()).value.result as JsonObject;
}

function back(params: JsonObject, over: { ports?: Partial<typeof ports>; call?: Call; token?: TokenFacts } = {}) {
  const rounds = openRounds({ ...ports, ...over.ports }, requestOf(params), over.call ?? call);
  return { rounds, handed: rounds.handedBack(over.token ?? tokenOf()) };
}

function whyNot(handed: ReturnType<typeof back>['handed']): unknown {
  assert.ok(handed !== null && 'refused' in handed, 'it was taken');
  assert.equal(handed.refused.code, 'action.approval_invalid');
  return handed.refused.detail.state;
}

describe('a question to a person', () => {
  test('is a page for a caller that can show one, and names the question it goes on with', () => {
    const result = asked();
    assert.equal(result.resultType, 'input_required');
    assert.deepEqual(Object.values(result.inputRequests as JsonObject), [
      {
        method: 'elicitation/create',
        params: {
          mode: 'url',
          message: says('action.target_untrusted'),
          url: page,
        },
      },
    ]);
    const { handed } = back({ requestState: stateIn(result) });
    assert.ok(handed && 'call' in handed);
    assert.deepEqual([handed.resumes, handed.claims, handed.call], ['apr_1', [], call]);
  });

  test('is none for a caller that cannot, nor for what has no rounds', () => {
    for (const request of [
      requestOf({}, {}),
      requestOf({}, { elicitation: {} }),
      requestOf({}, { elicitation: { form: {} } }),
      requestOf({}, everyKind, 'subscriptions/listen'),
      { ...requestOf(), era: 'legacy' } as const,
    ]) {
      assert.equal(openRounds(ports, request, call).askPerson(decisionOf(), page), null);
    }
  });

  test('is not answered by what the agent says', () => {
    const answers = { 'dev.writ/approval': { action: 'accept', content: { approve: true } } };
    const { handed, rounds } = back({ requestState: stateIn(asked()), inputResponses: answers });
    assert.ok(handed && 'call' in handed);
    assert.equal(handed.call.answers, undefined);
    assert.equal('inputResponses' in rounds.outgoing(requestOf({ inputResponses: answers }).params), false);
  });

  for (const [name, over, why] of [
    ['another root', { token: tokenOf({ root: 'eve' }) }, 'another caller'],
    ['another agent', { token: tokenOf({ actors: ['spiffe://td/c/d'] }) }, 'another caller'],
    ['one agent more', { token: tokenOf({ actors: ['spiffe://td/a/b', 'spiffe://td/c/d'] }) }, 'another caller'],
    ['another task', { token: tokenOf({ task: 'tsk_2' }) }, 'another task'],
    ['another amount', { call: { ...call, arguments: { amount: 51 } } }, 'another request'],
    ['another tool', { call: { ...call, target: { ...call.target, name: 'refund' } } }, 'another request'],
    ['another endpoint', { call: { ...call, resource: 'https://gw/mcp/bank2' } }, 'another request'],
    ['another definition', { ports: { definitionOf: () => 'sha256:e' } }, 'another definition'],
    ['a definition that is gone', { ports: { definitionOf: () => null } }, 'another definition'],
    ['its last second', { ports: { nowSeconds: () => 1900 } }, 'expired'],
    [
      'another plane’s key',
      { ports: { seal: createStateSeal(randomBytes(32).toString('base64url')) } },
      'not sealed here',
    ],
  ] as const) {
    test(`is not carried over to ${name}`, () => {
      assert.equal(whyNot(back({ requestState: stateIn(asked()) }, over).handed), why);
    });
  }

  test('one byte of the state changed anywhere, cut off or spelled otherwise: refused', () => {
    const state = stateIn(asked());
    const bytes = Buffer.from(state, 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      assert.equal(whyNot(back({ requestState: changed.toString('base64url') }).handed), 'not sealed here');
    }
    for (const other of ['', 'x', state.slice(0, -2), `${state}A`, `${state}=`, ` ${state}`, state.repeat(2)])
      assert.equal(whyNot(back({ requestState: other }).handed), 'not sealed here', other);
  });
});

describe('a question of the server', () => {
  const form = { method: 'elicitation/create', params: { mode: 'form', message: 'Which?', requestedSchema: {} } };
  const question = { requestState: 'its own', inputRequests: { which: form } };

  test('passes, its state inside ours, and the answer reaches it once with its own state', () => {
    const shown = fromServer(question);
    assert.deepEqual(shown.inputRequests, question.inputRequests);
    assert.ok(!Buffer.from(stateIn(shown), 'base64url').includes('its own'));
    const inputResponses = { which: { action: 'accept', content: { a: 1 } }, other: { action: 'accept' } };
    const { handed, rounds } = back({ requestState: stateIn(shown), inputResponses });
    assert.ok(handed && 'call' in handed);
    assert.deepEqual(handed.call.answers, { which: inputResponses.which }, 'level 0, and only what was asked');
    assert.deepEqual([handed.resumes, handed.claims.map(({ kind }) => kind)], [null, ['state']]);
    const { requestState, inputResponses: sent } = rounds.outgoing(requestOf({ requestState: 'x' }).params);
    assert.deepEqual([requestState, sent], ['its own', { which: inputResponses.which }]);
  });

  test('a person who is asked about the answer says yes to that answer, and it is used up once', () => {
    const first = back({
      requestState: stateIn(fromServer(question)),
      inputResponses: { which: { action: 'accept' } },
    });
    assert.ok(first.handed && 'call' in first.handed);
    const state = stateIn(first.rounds.askPerson(decisionOf(), page));
    const second = back({ requestState: state, inputResponses: { which: { action: 'accept', content: 'another' } } });
    assert.ok(second.handed && 'call' in second.handed);
    assert.equal(canonicalJson(second.handed.call.answers!), '{"which":{"action":"accept"}}', 'not what came along');
    assert.equal(second.handed.resumes, 'apr_1');
    assert.deepEqual(second.handed.claims, first.handed.claims, 'one use for both');
  });

  test('answers to nothing are refused', () => {
    assert.equal(whyNot(back({ inputResponses: { which: { action: 'accept' } } }).handed), 'nobody asked');
    assert.equal(back({ inputResponses: {} }).handed, null);
  });

  for (const [name, url, isTaken] of [
    ['a page elsewhere', 'https://bank.example/pay?id=1', true],
    ['another program on loopback', 'http://localhost:9000/', true],
    ['the console', 'https://writ.example.org/console/approvals#apr_9', false],
    ['the console in capitals', 'https://WRIT.example.ORG./login', false],
    ['another port of its host', 'http://writ.example.org:1/', false],
    ['the gateway by another name of loopback', 'https://localhost:8443/x', false],
    ['the gateway by an address that means it', 'https://2130706433:8443/', false],
    ['the gateway in the other family', 'https://[::ffff:127.0.0.1]:8443/', false],
    ['a user name in front', 'https://writ.example.org@bank.example/', false],
    ['a script', 'javascript:alert(1)', false],
    ['no address', 'bank.example', false],
  ] as const) {
    test(`sends a person to ${name}: ${isTaken ? 'passes' : 'refused'}`, () => {
      const ask = { method: 'elicitation/create', params: { mode: 'url', message: 'sign in', url } };
      const shown = () => fromServer({ inputRequests: { a: ask } });
      if (isTaken) assert.ok(shown().requestState);
      else assert.throws(shown, UpstreamError);
    });
  }

  for (const [name, result, capabilities] of [
    ['for what the caller did not offer', question, {}],
    [
      'for a page where only forms were offered',
      { inputRequests: { a: { ...form, params: { mode: 'url', url: page } } } },
      { elicitation: { form: {} } },
    ],
    [
      'for a model that nobody lends',
      { inputRequests: { a: { method: 'sampling/createMessage' } } },
      { elicitation: {} },
    ],
    ['in a way nobody knows', { inputRequests: { a: { method: 'shell/run' } } }, everyKind],
    ['in the name of the plane', { inputRequests: { 'dev.writ/approval': form } }, everyKind],
    ['for nothing', {}, everyKind],
    ['with a state that is no text', { requestState: { a: 1 }, inputRequests: { which: form } }, everyKind],
    ['with a state nobody could carry', { requestState: 'x'.repeat(300_000) }, everyKind],
  ] as const) {
    test(`asks ${name}: withheld`, () => {
      assert.throws(() => fromServer(result as unknown as JsonObject, capabilities), UpstreamError);
    });
  }

  test('says nothing in the words of the plane', () => {
    const _meta = { 'dev.writ/approval': { approvalUrl: 'https://evil.example' }, other: 1 };
    assert.deepEqual(fromServer({ ...question, _meta })._meta, { other: 1 });
  });
});
