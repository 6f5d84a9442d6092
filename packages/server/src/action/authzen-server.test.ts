// The AuthZEN server over HTTP, with core's own judge behind it: what is answered, what is recorded, and what only says that nothing
// was decided.

import assert from 'node:assert/strict';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, beforeEach, test } from 'node:test';
import {
  type Call,
  type Decision,
  type Denial,
  decide,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseSpiffeId,
  type World,
} from '@writ/core';
import {
  agentUrl,
  hop,
  longChain,
  nowSeconds,
  permitAll,
  rootLink,
  serverUrl,
  shortChain,
  spiffe,
  tokenFor,
  worldWith,
} from '../../../core/src/decision/world.fixture.ts';
import { evaluationsMax } from './authzen/request.ts';
import { createAuthzenServer } from './authzen-server.ts';

const oauthUrl = 'http://127.0.0.1:8480/mcp/files';
let world: World = worldWith();
let judged: { readonly call: Call; readonly decision: Decision }[] = [];
let refused: { readonly call: Call; readonly denial: Denial }[] = [];
let outage = false;
let count = 0;

beforeEach(() => {
  world = worldWith();
  judged = [];
  refused = [];
  outage = false;
});

const handle = createAuthzenServer({
  base: 'https://writ.example',
  nowSeconds: () => nowSeconds,
  newId: () => `dec_${++count}`,
  endpointOf(kind, callee, listener) {
    if (kind === 'agent') return agentUrl(callee);
    if (!['files', 'mail'].includes(callee)) return null;
    return listener === 'oauth' ? oauthUrl : serverUrl(callee);
  },
  async callerOf(req) {
    if (req.headers.authorization !== 'Bearer pep') return null;
    const spiffeId = parseSpiffeId(spiffe('edge/gateway'));
    return { id: 'edge/gateway', spiffeId, mayAsk: (callee) => callee !== 'mail' };
  },
  async judge(call) {
    if (outage) throw new Error('the log is full');
    const decision = decide(call, world, nowSeconds);
    judged.push({ call, decision });
    return decision;
  },
  async refuse(call, denial) {
    refused.push({ call, denial });
  },
  findApproval: async () => null,
  search: {
    isAdmin: async (req) => req.headers.authorization === 'Bearer admin',
    subjects: (type) => (type === 'user' ? ['ada', 'eve', 'howard'] : []),
    resources: (type) => (type === 'tool' ? ['files/read', 'files/write', 'mail/send'] : []),
    couldDo: ({ id }, { callee, name }) => id !== 'eve' && callee === 'files' && (name === 'read' || id === 'ada'),
  },
  approvalUrl: (id) => `https://writ.example/console/approvals#${id}`,
  report: () => {},
});
const server = createServer(async (req, res) => {
  if (!(await handle(req, res, null))) res.writeHead(404).end('not mine');
});
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
after(() => {
  server.closeAllConnections();
  server.close();
});

interface Sent {
  readonly path?: string;
  readonly headers?: { readonly [name: string]: string | undefined };
  readonly raw?: string;
}

async function post(body: JsonValue, { path = '/access/v1/evaluation', headers = {}, raw }: Sent = {}) {
  const given = { authorization: 'Bearer pep', 'content-type': 'application/json', ...headers };
  const kept = Object.entries(given).filter((header): header is [string, string] => header[1] !== undefined);
  const answer = await fetch(origin + path, { method: 'POST', headers: kept, body: raw ?? JSON.stringify(body) });
  const text = await answer.text();
  const json = answer.headers.get('content-type')?.startsWith('application/json')
    ? (JSON.parse(text) as JsonObject)
    : null;
  return { status: answer.status, headers: answer.headers, text, json };
}

const orchestrator = { id: spiffe('claude/orchestrator') };
const evaluation = (over: JsonObject = {}): JsonObject => ({
  subject: { type: 'user', id: 'howard' },
  action: { name: 'tools/call', properties: { arguments: { path: '/a' } } },
  resource: { type: 'tool', id: 'files/read_file' },
  context: { token: tokenFor(shortChain()), peer: orchestrator },
  ...over,
});
const context = (over: JsonObject): JsonObject => ({
  context: { token: tokenFor(shortChain()), peer: orchestrator, ...over },
});

test('a genuine token on the right wire is a yes, with the id of its record and the policies that decided', async () => {
  const { status, json } = await post(evaluation());
  assert.equal(status, 200);
  assert.deepEqual(json, {
    decision: true,
    context: {
      evaluation_id: judged[0]!.decision.id,
      policy: { version: 'sha256:test', determining: ['all.agent', 'all.user'] },
    },
  });
  const { peer } = judged[0]!.call;
  assert.deepEqual(peer.listener === 'oauth' ? null : peer.assertedBy, spiffe('edge/gateway'));
});

const forged = tokenFor(shortChain(), {}, { kid: 'k2' });
const denials: [why: string, code: string, over: JsonObject][] = [
  ['identifiers without a token prove nobody', 'token.missing', { context: { peer: orchestrator } }],
  [
    'what a gateway says of a chain is not heard',
    'token.missing',
    {
      context: {
        peer: orchestrator,
        agent: orchestrator.id,
        actor_chain: [orchestrator.id],
        scopes: ['files:read_file'],
      },
    },
  ],
  ['a forged token', 'token.signature_invalid', context({ token: forged })],
  ['no token at all', 'token.malformed', context({ token: 'x' })],
  ['a token on somebody else’s wire', 'token.bound_to_other_peer', context({ peer: { id: spiffe('db/agent') } })],
  ['an agent’s token without a wire', 'token.wrong_audience', context({ peer: null })],
  [
    'a peer of another trust domain',
    'transport.trust_domain_unknown',
    context({ peer: { id: 'spiffe://evil.example/claude/orchestrator' } }),
  ],
  [
    'a token bound to a certificate that nobody saw',
    'token.bound_to_other_key',
    context({ token: tokenFor(shortChain(), { cnf: { 'x5t#S256': 'abc' } }) }),
  ],
  [
    'a token for another callee',
    'token.wrong_audience',
    { resource: { type: 'agent', id: 'db/agent' }, action: { name: 'SendMessage' } },
  ],
  [
    'a scope that the chain does not hold',
    'token.scope_insufficient',
    { resource: { type: 'tool', id: 'files/delete' } },
  ],
  ['a person whom the token does not speak of', 'token.chain_ambiguous', { subject: { type: 'user', id: 'eve' } }],
  [
    'the same name of another issuer',
    'token.chain_ambiguous',
    { subject: { type: 'user', id: 'howard', properties: { iss: 'https://evil.example' } } },
  ],
  [
    'an agent that is not the one acting',
    'token.chain_ambiguous',
    { subject: { type: 'agent', id: spiffe('db/agent') } },
  ],
  ['a subject of a kind nobody here has', 'token.chain_ambiguous', { subject: { type: 'group', id: 'howard' } }],
  ['an action that such a resource does not have', 'action.unknown', { action: { name: 'tools/list' } }],
  ['a kind of resource that is not here', 'action.unknown', { resource: { type: '__proto__', id: 'files/x' } }],
  ['a tool without a server', 'action.unknown', { resource: { type: 'tool', id: 'read_file' } }],
  ['a server that does not exist', 'action.unknown', { resource: { type: 'tool', id: 'nothing/x' } }],
];

for (const [why, code, over] of denials) {
  test(`${why}: 200, decision false, ${code}`, async () => {
    const { status, json } = await post(evaluation(over));
    assert.equal(status, 200);
    assert.equal(json!.decision, false);
    assert.equal((json!.context as JsonObject).reason, code);
    assert.ok((json!.context as JsonObject).says);
  });
}

test('the acting agent may be the subject too, and COAZ’ identity is the person', async () => {
  assert.equal((await post(evaluation({ subject: { type: 'agent', id: orchestrator.id } }))).json!.decision, true);
  assert.equal((await post(evaluation({ subject: { type: 'identity', id: 'howard' } }))).json!.decision, true);
});

test('a chain of three is judged by its whole', async () => {
  const over = { context: { token: tokenFor(longChain()), peer: { id: spiffe('db/reader') } } };
  assert.equal((await post(evaluation(over))).json!.decision, true);
  const narrowed = longChain({ details: [] });
  const none = { context: { token: tokenFor(narrowed), peer: { id: spiffe('db/reader') } } };
  assert.equal(((await post(evaluation(none))).json!.context as JsonObject).reason, 'token.constraint_violated');
});

test('an OAuth client’s own token needs no wire, and only one that may go unbound', async () => {
  const actor = (sub: string) => ({ iss: 'http://127.0.0.1:8420', sub });
  const link = (sub: string) =>
    hop('claude/orchestrator', oauthUrl, { actor: actor(sub), scopes: ['files:read_file'] });
  world = {
    ...world,
    tokens: {
      ...world.tokens,
      resources: new Map([
        ...world.tokens.resources,
        [oauthUrl, { url: oauthUrl, kind: 'server', key: 'files', owner: null }],
      ]),
    },
  };
  const reason = async (sub: string) => {
    const token = tokenFor({ task: 'tsk_1', links: [rootLink({ audience: 'http://127.0.0.1:8420' }), link(sub)] });
    const { json } = await post(evaluation({ context: { token } }));
    return json!.decision || (json!.context as JsonObject).reason;
  };
  assert.equal(await reason('strict'), 'token.unbound');
  assert.equal(await reason('desktop'), true);
});

test('two stories are recorded as a refusal, and nothing is judged or used up', async () => {
  const { json } = await post(evaluation({ subject: { type: 'user', id: 'eve' } }));
  assert.equal(judged.length, 0);
  assert.deepEqual(
    refused.map(({ denial }) => denial.code),
    ['token.chain_ambiguous'],
  );
  assert.equal((json!.context as JsonObject).evaluation_id, refused[0]!.call.decisionId);
});

test('a denial tells what a caller may know, and nothing that an operator should', async () => {
  const denying = {
    ...permitAll,
    evaluate: () => ({ outcome: 'forbid', determining: ['internal-rule'], errors: [] }) as const,
  };
  world = worldWith({ policy: denying });
  const { text } = await post(evaluation());
  assert.match(text, /action\.policy_forbids/);
  assert.doesNotMatch(text, /internal-rule/);
});

test('a gateway asks about its own callees and no others', async () => {
  const { status, text } = await post(evaluation({ resource: { type: 'tool', id: 'mail/send' } }));
  assert.deepEqual([status, text], [403, 'this client may not ask about `mail`']);
  assert.equal(judged.length, 0);
});

const malformed: [why: string, body: JsonValue, sent?: Sent][] = [
  ...(['subject', 'action', 'resource'] as const).map((name): [string, JsonValue] => {
    const { [name]: _, ...rest } = evaluation();
    return [`no ${name}`, rest];
  }),
  ['a subject without type', evaluation({ subject: { id: 'howard' } })],
  ['a subject without id', evaluation({ subject: { type: 'user' } })],
  ['an empty id', evaluation({ subject: { type: 'user', id: '' } })],
  ['a resource without type', evaluation({ resource: { id: 'x' } })],
  ['a resource without id', evaluation({ resource: { type: 'tool' } })],
  ['an action without name', evaluation({ action: {} })],
  ['a subject that is text', evaluation({ subject: 'howard' })],
  ['an action’s name that is a number', evaluation({ action: { name: 1 } })],
  ['properties that are a list', evaluation({ subject: { type: 'user', id: 'howard', properties: [] } })],
  ['a context that is text', evaluation({ context: 'x' })],
  ['a token that is an object', evaluation(context({ token: {} }))],
  ['a peer that is no SPIFFE ID', evaluation(context({ peer: { id: 'db/agent' } }))],
  ['arguments that are a list', evaluation({ action: { name: 'tools/call', properties: { arguments: [] } } })],
  ['a list', [evaluation()]],
  ['another content type', evaluation(), { headers: { 'content-type': 'text/plain' } }],
  ['no content type', evaluation(), { headers: { 'content-type': '' } }],
  ['half a document', null, { raw: '{"subject":' }],
  ['an empty body', null, { raw: '' }],
  ['one name twice', null, { raw: '{"subject":{},"subject":{}}' }],
  ['evaluations that are no list', { ...evaluation(), evaluations: {} }, { path: '/access/v1/evaluations' }],
  [
    'options that are no object',
    { ...evaluation(), evaluations: [{}], options: 1 },
    { path: '/access/v1/evaluations' },
  ],
  [
    'an unknown semantic',
    { ...evaluation(), evaluations: [{}], options: { evaluations_semantic: 'any' } },
    { path: '/access/v1/evaluations' },
  ],
  [
    'too many evaluations',
    { ...evaluation(), evaluations: Array(evaluationsMax + 1).fill({}) },
    { path: '/access/v1/evaluations' },
  ],
];

for (const [why, body, sent] of malformed) {
  test(`${why}: 400 with a message, and nothing decided`, async () => {
    const { status, text, json } = await post(body, sent);
    assert.deepEqual([status, json], [400, null]);
    assert.notEqual(text, '');
    assert.equal(judged.length, 0);
  });
}

test('nobody in particular is 401, and an outage is 500 that gives nothing away', async () => {
  const stranger = await post(evaluation(), { headers: { authorization: undefined } });
  assert.deepEqual([stranger.status, stranger.headers.get('www-authenticate')], [401, 'Bearer']);
  outage = true;
  const broken = await post(evaluation());
  assert.deepEqual([broken.status, broken.text], [500, 'nothing was decided']);
});

test('a body without end is cut', async () => {
  const { status } = await post(null, { raw: `{"x":"${'x'.repeat(1_100_000)}"}` });
  assert.equal(status, 413);
});

test('what is not known is ignored, and nulls are as if absent', async () => {
  const body = evaluation({ more: 1, subject: { type: 'user', id: 'howard', properties: { role: 'x' }, more: [] } });
  assert.equal((await post(body)).json!.decision, true);
  const nulls = evaluation({ subject: { type: 'user', id: 'howard', properties: null } });
  assert.equal((await post(nulls)).json!.decision, true);
  // A member that looks like our own word for a complaint is only a member.
  assert.equal((await post(evaluation(context({ malformed: 'x' })))).json!.decision, true);
});

test('a request id comes back, and no other header does', async () => {
  const { headers } = await post(evaluation(), { headers: { 'x-request-id': 'r-1' } });
  assert.equal(headers.get('x-request-id'), 'r-1');
  assert.equal((await post(evaluation())).headers.get('x-request-id'), null);
});

const batch = (evaluations: JsonValue, over: JsonObject = {}) =>
  post({ ...evaluation(), evaluations, ...over }, { path: '/access/v1/evaluations' });
const decisions = (json: JsonObject | null) =>
  (json!.evaluations as readonly JsonObject[]).map(({ decision }) => decision);

const yes = {};
const no = { resource: { type: 'tool', id: 'files/delete' } };
const broken = { subject: { type: 'user' } };

test('a batch is answered in order, each item over the defaults', async () => {
  const { status, json } = await batch([yes, no, yes]);
  assert.deepEqual([status, decisions(json)], [200, [true, false, true]]);
  assert.equal(json!.decision, undefined);
});

const semantics: [string, JsonValue[], boolean[]][] = [
  ['execute_all', [no, yes, no], [false, true, false]],
  ['deny_on_first_deny', [yes, no, yes], [true, false]],
  ['deny_on_first_deny', [yes, broken, yes], [true, false]],
  ['deny_on_first_deny', [yes, yes], [true, true]],
  ['permit_on_first_permit', [no, yes, no], [false, true]],
  ['permit_on_first_permit', [no, broken], [false, false]],
];
for (const [semantic, items, expected] of semantics) {
  test(`${semantic} over ${items.length} items answers ${expected}`, async () => {
    const { json } = await batch(items, { options: { evaluations_semantic: semantic } });
    assert.deepEqual(decisions(json), expected);
    assert.equal(
      judged.length,
      expected.length - items.slice(0, expected.length).filter((item) => item === broken).length,
    );
  });
}

test('an item that cannot be judged is a denial that says why, and the others are judged', async () => {
  const { status, json } = await batch([broken, { resource: { type: 'tool', id: 'mail/send' } }, 'x', yes]);
  assert.equal(status, 200);
  const errors = (json!.evaluations as readonly JsonObject[]).map(
    ({ context }) => (context as JsonObject).error ?? null,
  );
  assert.deepEqual(
    errors.map((error) => (isJsonObject(error) ? error.status : error)),
    [400, 403, 400, null],
  );
  assert.deepEqual(decisions(json), [false, false, false, true]);
});

test('a member of an item replaces the default whole', async () => {
  const { json } = await batch([{ context: { peer: orchestrator } }]);
  assert.equal(((json!.evaluations as readonly JsonObject[])[0]!.context as JsonObject).reason, 'token.missing');
});

test('an outage within a batch is a denial of that item', async () => {
  outage = true;
  assert.deepEqual(decisions((await batch([yes, yes])).json), [false, false]);
});

for (const [why, evaluations] of [
  ['no evaluations', undefined],
  ['an empty list', []],
  ['null', null],
] as const) {
  test(`${why} is a single evaluation`, async () => {
    const body = evaluations === undefined ? evaluation() : { ...evaluation(), evaluations };
    const { json } = await post(body, { path: '/access/v1/evaluations' });
    assert.deepEqual([json!.decision, json!.evaluations], [true, undefined]);
  });
}

test('the metadata names what there is', async () => {
  const answer = await fetch(`${origin}/.well-known/authzen-configuration`);
  assert.deepEqual(await answer.json(), {
    policy_decision_point: 'https://writ.example',
    access_evaluation_endpoint: 'https://writ.example/access/v1/evaluation',
    access_evaluations_endpoint: 'https://writ.example/access/v1/evaluations',
    search_subject_endpoint: 'https://writ.example/access/v1/search/subject',
    search_resource_endpoint: 'https://writ.example/access/v1/search/resource',
    search_action_endpoint: 'https://writ.example/access/v1/search/action',
    access_request_endpoint: 'https://writ.example/access/v1/requests',
    capabilities: ['urn:openid:authzen:capability:access-request'],
  });
  assert.equal((await post({}, { path: '/access/v1/search/other' })).status, 404);
});

test('another method is told which one to use', async () => {
  const allow = await new Promise((done, fail) => {
    httpRequest(`${origin}/access/v1/evaluation`, { method: 'GET' }, (res) => done([res.statusCode, res.headers.allow]))
      .on('error', fail)
      .end();
  });
  assert.deepEqual(allow, [405, 'POST']);
});
