// Other gateways ask Writ (AuthZEN 1.0, rules §7.5): who may ask, what a decision is worth, and what is left in the log.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { FetchLike } from '@writ/agent';
import type { Agent } from '@writ/agent/node';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { askJson, closeDials, fetchAs } from './pep.fixture.ts';

const ORCHESTRATOR = 'spiffe://zylos.local/claude/orchestrator';
const EDGE = 'spiffe://zylos.local/edge/gateway';

let world: TestPlane;
let orchestrator: Agent;
let asEdge: FetchLike;
let asOrchestrator: FetchLike;

before(async () => {
  world = await startTestPlane({
    yaml: `
agents:
  claude/orchestrator: { attest: { launched: true }, inputs: gated, calls: [files, notes], scopes: ["files:read_text_file", "files:write_file", "notes:read_text_file"], memory: task }
  edge/gateway: { attest: { launched: true }, pep: [files] }
  edge/other: { attest: { launched: true }, pep: [files] }
servers:
  files: { mcp: { command: ["$NODE", "$FILES", "$DOCS"] }, manifest: "builtin:filesystem" }
  notes: { mcp: { command: ["$NODE", "$FILES", "$DOCS"] }, manifest: "builtin:filesystem" }
users:
  howard: { roles: [admin] }
allow:
  - { agent: claude/orchestrator, tool: files/read_text_file }
  - { agent: claude/orchestrator, tool: notes/read_text_file }
`,
  });
  orchestrator = await world.agent('claude/orchestrator');
  asEdge = await fetchAs(world, 'edge/gateway');
  asOrchestrator = await fetchAs(world, 'claude/orchestrator');
});

after(async () => {
  closeDials();
  await world?.close();
});

/** A token of a task of howard’s, for one tool of one server. */
async function tokenFor(tool: string, budget?: unknown): Promise<string> {
  const task = await orchestrator.task(await world.task('claude/orchestrator', budget === undefined ? {} : { budget }));
  try {
    const audience = tool.split('/')[0]!;
    const { token } = await task.run(() => orchestrator.spawn({ tools: [tool], audience, estimatedSeconds: 60 }));
    return token;
  } finally {
    task.close();
  }
}

/** The agent’s own token, by its SVID. */
async function ownToken(as: FetchLike, clientId: string): Promise<string> {
  const answer = await as(`${world.mtls}/oauth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId }).toString(),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}

function evaluation(token: string, tool = 'files/read_text_file', path = `${world.docs}/report.md`) {
  return {
    subject: { type: 'user', id: 'howard' },
    action: { name: 'tools/call', properties: { arguments: { path } } },
    resource: { type: 'tool', id: tool },
    context: { token, peer: { id: ORCHESTRATOR } },
  };
}

function ask(body: object, more: { as?: FetchLike; path?: string; bearer?: string; base?: string } = {}) {
  const { as = asEdge, path = '/access/v1/evaluation', bearer, base = world.mtls } = more;
  return askJson(as, `${base}${path}`, body, bearer);
}

/** The outcome is written right after the answer. */
async function closedRecord(id: string) {
  for (let tries = 0; ; tries++) {
    const record = await world.decision(id);
    if ((record.result as { state: string }).state !== 'unknown' || tries === 100) return record;
    await delay(20);
  }
}

test('the enforcement point of a server hears a whole decision, which is on record and forwards nothing', async () => {
  const { status, json } = await ask(evaluation(await tokenFor('files/read_text_file')));
  assert.deepEqual([status, json!.decision], [200, true]);
  const record = await closedRecord(json!.context.evaluation_id);
  const { transport } = record.checks as { transport: { listener: string; assertedBy: string; peer: string } };
  assert.deepEqual([transport.peer, transport.assertedBy], [ORCHESTRATOR, EDGE]);
  assert.deepEqual((record.principal as { id: string }).id, 'howard');
  assert.equal((record.result as { state: string }).state, 'none');
  assert.equal((record.digests as { forwarded: string | null }).forwarded ?? null, null);
});

test('the same at the admin address, with a token of the agent’s own', async () => {
  const bearer = await ownToken(asEdge, EDGE);
  const body = evaluation(await tokenFor('files/read_text_file'));
  const { status, json } = await ask(body, { as: fetch as FetchLike, base: world.issuer, bearer });
  assert.deepEqual([status, json!.decision], [200, true]);
});

test('an answer that Writ does not see lowers the floor of its task (rules §1.6)', async () => {
  const token = await tokenFor('files/read_text_file');
  const floors: number[] = [];
  for (let i = 0; i < 2; i++) {
    const { json } = await ask(evaluation(token));
    const { floor } = await world.decision(json!.context.evaluation_id);
    floors.push((floor as { used: number }).used);
  }
  assert.deepEqual(floors, [3, 1]);
});

test('what our own policy refuses is 200 with false, and on record', async () => {
  const body = evaluation(await tokenFor('files/write_file'), 'files/write_file');
  const { status, json } = await ask(body);
  assert.deepEqual([status, json!.decision], [200, false]);
  assert.match(json!.context.reason!, /^action\./);
  assert.equal((await world.decision(json!.context.evaluation_id)).outcome, 'deny');
});

test('a decision uses up what a call would: a budget of one is one yes, wherever it is asked', async () => {
  const token = await tokenFor('files/read_text_file', [{ unit: 'calls', max: 1 }]);
  assert.equal((await ask(evaluation(token))).json!.decision, true);
  const second = await ask(evaluation(token));
  assert.deepEqual([second.json!.decision, second.json!.context.reason], [false, 'token.budget_exceeded']);
});

test('a batch is decided item by item, with a record for each', async () => {
  const token = await tokenFor('files/read_text_file');
  const { resource: _, ...rest } = evaluation(token);
  const evaluations = [
    { resource: { type: 'tool', id: 'files/read_text_file' } },
    { resource: { type: 'tool', id: 'files/write_file' } },
    { resource: { type: 'tool', id: 'files/read_text_file' } },
  ];
  const body = { ...rest, evaluations, options: { evaluations_semantic: 'deny_on_first_deny' } };
  const { json } = await ask(body, { path: '/access/v1/evaluations' });
  assert.deepEqual(
    json!.evaluations!.map(({ decision }) => decision),
    [true, false],
  );
  for (const { context } of json!.evaluations!) assert.ok((await world.decision(context.evaluation_id)).outcome);
});

test('each address names itself in its metadata', async () => {
  for (const [as, base] of [
    [fetch as FetchLike, world.issuer],
    [asEdge, world.mtls],
  ] as const) {
    const answer = await as(`${base}/.well-known/authzen-configuration`);
    const { policy_decision_point, access_evaluation_endpoint } = (await answer.json()) as { [name: string]: string };
    assert.deepEqual([policy_decision_point, access_evaluation_endpoint], [base, `${base}/access/v1/evaluation`]);
  }
});

test('an enforcement point asks about its own callees and no others', async () => {
  const { status } = await ask(evaluation(await tokenFor('notes/read_text_file'), 'notes/read_text_file'));
  assert.equal(status, 403);
});

test('an agent that is nobody’s enforcement point asks about nothing, not even its own call', async () => {
  const body = evaluation(await tokenFor('files/read_text_file'));
  assert.equal((await ask(body, { as: asOrchestrator })).status, 403);
  const bearer = await ownToken(asOrchestrator, ORCHESTRATOR);
  assert.equal((await ask(body, { as: fetch as FetchLike, base: world.issuer, bearer })).status, 403);
});

test('nobody else gets an answer: no credential, a person, the viewer, a token of a task, two credentials', async () => {
  const token = await tokenFor('files/read_text_file');
  const viewer = await world.person('/status').then(() => String(world.plane.demoSession));
  const own = await ownToken(asEdge, EDGE);
  const web = { as: fetch as FetchLike, base: world.issuer };
  for (const [why, more] of [
    ['nothing', web],
    ['a person’s session', { ...web, bearer: viewer }],
    ['the token that is asked about', { ...web, bearer: token }],
    ['text', { ...web, bearer: 'x' }],
    ['a certificate and a token', { bearer: own }],
  ] as const) {
    const { status } = await ask(evaluation(token), more);
    assert.equal(status, 401, why);
  }
});

test('an admin searches for who could do what; an enforcement point, the viewer and a cookie do not', async () => {
  const search = (kind: string, body: object, more: { bearer?: string; as?: FetchLike; base?: string } = {}) =>
    ask(body, { as: fetch as FetchLike, base: world.issuer, path: `/access/v1/search/${kind}`, ...more });
  const bearer = world.plane.demoSession!;
  const resultsOf = async (kind: string, body: object) =>
    ((await search(kind, body, { bearer })).json as unknown as { results: { id?: string; name?: string }[] }).results;
  const tool = { type: 'tool', id: 'files/read_text_file' };
  const action = { name: 'tools/call' };
  assert.deepEqual(await resultsOf('subject', { subject: { type: 'agent' }, action, resource: tool }), [
    { type: 'agent', id: ORCHESTRATOR },
  ]);
  assert.deepEqual(await resultsOf('subject', { subject: { type: 'user' }, action, resource: tool }), [
    { type: 'user', id: 'howard' },
  ]);
  const subject = { type: 'agent', id: ORCHESTRATOR };
  assert.deepEqual(
    (await resultsOf('resource', { subject, action, resource: { type: 'tool' } })).map(({ id }) => id),
    ['files/read_text_file', 'notes/read_text_file'],
  );
  assert.deepEqual(await resultsOf('action', { subject, resource: tool }), [{ name: 'tools/call' }]);
  assert.deepEqual(await resultsOf('action', { subject, resource: { type: 'tool', id: 'files/write_file' } }), []);

  const body = { subject, action, resource: { type: 'tool' } };
  const viewer = readFileSync((world.plane.ready.admin as { viewerTokenFile: string }).viewerTokenFile, 'utf8').trim();
  for (const [why, more] of [
    ['nobody', {}],
    ['the viewer', { bearer: viewer }],
    ['an enforcement point, by its token', { bearer: await ownToken(asEdge, EDGE) }],
    ['an enforcement point, by its certificate', { as: asEdge, base: world.mtls }],
    ['a session at the wrong address', { as: asEdge, base: world.mtls, bearer }],
  ] as const) {
    assert.equal((await search('resource', body, more)).status, 401, why);
  }
});

test('who only asks for decisions reaches no callee', async () => {
  const answer = await asEdge(`${world.mtls}/mcp/files`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  });
  assert.equal(answer.status, 403);
  assert.equal(((await answer.json()) as { code: string }).code, 'transport.edge_not_allowed');
});

test('an enforcement point cannot make up who was on its wire: the token belongs to its holder', async () => {
  const body = evaluation(await tokenFor('files/read_text_file'));
  for (const id of [EDGE, 'spiffe://zylos.local/writ/gateway', 'spiffe://other.example/claude/orchestrator']) {
    const { json } = await ask({ ...body, context: { ...body.context, peer: { id } } });
    assert.equal(json!.decision, false);
    assert.match(json!.context.reason!, /^(transport|token)\./);
  }
});

test('a withdrawn enforcement point is nobody', async () => {
  const asOther = await fetchAs(world, 'edge/other');
  const other = 'spiffe://zylos.local/edge/other';
  const body = evaluation(await tokenFor('files/read_text_file'));
  const bearer = await ownToken(asOther, other);
  assert.equal((await ask(body, { as: asOther })).json!.decision, true);
  const revoked = await world.person('/revocations', { method: 'POST', body: JSON.stringify({ agent: 'edge/other' }) });
  assert.equal(revoked.status, 200, await revoked.text());
  await assert.rejects(ask(body, { as: asOther }), 'its connection is gone, and a new one is not accepted');
  assert.equal((await ask(body, { as: fetch as FetchLike, base: world.issuer, bearer })).status, 401);
});
