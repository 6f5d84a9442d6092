// AuthZEN's access-request profile over a whole plane: another gateway is told that a person could say yes, asks, waits, and evaluates
// again; the yes is the plane's own approval (rules §4), to exactly that action, and once.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { FetchLike } from '@writ/agent';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { askJson, closeDials, fetchAs } from './pep.fixture.ts';

const ORCHESTRATOR = 'spiffe://zylos.local/claude/orchestrator';
let world: TestPlane;
let asEdge: FetchLike;
let asOther: FetchLike;
let token: string;

before(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'writ-authzen-'));
  mkdirSync(join(dataDir, 'policy'), { mode: 0o700 });
  const cedar = `@id("house.ask-before-writing") @outcome("approval")
forbid (principal, action in Writ::Action::"tool.call", resource in Writ::Server::"files") when { context.risk >= 2 };
`;
  writeFileSync(join(dataDir, 'policy', 'house.cedar'), cedar, { mode: 0o600 });
  const server = '{ mcp: { command: ["$NODE", "$FILES", "$DOCS"] }, manifest: "builtin:filesystem" }';
  world = await startTestPlane({
    dataDir,
    yaml: `
agents:
  claude/orchestrator: { attest: { launched: true }, calls: [files], scopes: ["files:write_file"], memory: task }
  edge/gateway: { attest: { launched: true }, pep: [files] }
  edge/other: { attest: { launched: true }, pep: [notes] }
servers:
  files: ${server}
  notes: ${server}
users:
  howard: { roles: [admin, approver] }
allow:
  - { agent: claude/orchestrator, tool: files/write_file }
policy: ./policy
`,
  });
  [asEdge, asOther] = [await fetchAs(world, 'edge/gateway'), await fetchAs(world, 'edge/other')];
  const agent = await world.agent('claude/orchestrator');
  const opened = await world.task('claude/orchestrator', { prompt: 'write the note', scope: ['files:write_file'] });
  const task = await agent.task(opened);
  const spawned = agent.spawn({ tools: ['files/write_file'], audience: 'files', estimatedSeconds: 120 });
  ({ token } = await task.run(() => spawned));
});

after(async () => {
  closeDials();
  await world?.close();
});

const evaluation = (content: string, more: object = {}) => ({
  subject: { type: 'user', id: 'howard' },
  action: { name: 'tools/call', properties: { arguments: { path: join(world.docs, 'note.md'), content } } },
  resource: { type: 'tool', id: 'files/write_file' },
  context: { token, peer: { id: ORCHESTRATOR }, ...more },
});
const evaluate = (content: string, more: object = {}) =>
  askJson(asEdge, `${world.mtls}/access/v1/evaluation`, evaluation(content, more));
const requests = () => `${world.mtls}/access/v1/requests`;

async function decideOn(id: string, verdict: 'approve' | 'deny'): Promise<void> {
  const answer = await world.person('/approvals');
  const { approvals } = (await answer.json()) as { approvals: { id: string; hash: string }[] };
  const { hash } = approvals.find((one) => one.id === id)!;
  const body = JSON.stringify({ verdict, hash });
  assert.equal((await world.person(`/approvals/${id}`, { method: 'POST', body })).status, 200);
}

/** The denial's own words, and the request that follows them. */
async function requestFor(content: string) {
  const { json } = await evaluate(content);
  assert.equal(json!.decision, false);
  const signal = json!.context.access_request!;
  const denial = { binding_token: signal.binding_token, expires_at: signal.expires_at };
  return { signal, denial };
}

test('denied and requestable, asked for, approved, evaluated again: yes, once', async () => {
  const { signal, denial } = await requestFor('hello');
  assert.equal(signal.endpoint, requests());
  assert.match(signal.form_url, /\/console\/approvals\/apr_/);
  const submitted = await askJson(asEdge, signal.endpoint, { ...evaluation('hello'), denial });
  const { id, status, status_endpoint: endpoint } = submitted.json!.task!;
  assert.deepEqual([submitted.status, status], [202, 'pending']);
  assert.equal((await askJson(asEdge, endpoint)).json!.task!.status, 'pending');
  assert.equal((await evaluate('hello')).json!.decision, false, 'asking is not an answer');

  await decideOn(id, 'approve');
  const told = (await askJson(asEdge, endpoint)).json!;
  assert.deepEqual([told.task!.status, told.result!.mode], ['approved', 'reevaluate']);
  const { approval } = told.result!;
  const other = (await evaluate('hello, and more', { approval })).json!;
  assert.deepEqual([other.decision, other.context.next_action], [false, 'request'], 'a yes is to this content alone');
  const yes = (await evaluate('hello', { approval })).json!;
  assert.deepEqual([yes.decision, yes.context.approval?.id], [true, id]);
  assert.equal((await evaluate('hello', { approval })).json!.decision, false, 'a yes is used up');
});

test('a no stays one, and is told', async () => {
  const { signal, denial } = await requestFor('a bad idea');
  const submitted = await askJson(asEdge, signal.endpoint, { ...evaluation('a bad idea'), denial });
  const { id, status_endpoint: endpoint } = submitted.json!.task!;
  await decideOn(id, 'deny');
  const told = (await askJson(asEdge, endpoint)).json!;
  assert.deepEqual([told.task!.status, told.result], ['denied', undefined]);
  const again = (await evaluate('a bad idea', { approval: { id } })).json!;
  assert.deepEqual([again.decision, again.context.next_action], [false, 'none']);
});

test('a gateway that brings an approval it made up is worth nothing', async () => {
  const made = { id: 'apr_mine', approved_until: '2099-01-01T00:00:00Z', state: 'approved' };
  assert.equal((await evaluate('whatever', { approval: made })).json!.decision, false);
});

test('a request is bound to what was denied, and to who may ask about it', async () => {
  const { signal, denial } = await requestFor('exactly this');
  const submit = async (body: object, as = asEdge) => {
    const { status, json } = await askJson(as, signal.endpoint, body);
    return [status, json?.type?.split(':').at(-1)];
  };
  const right = evaluation('exactly this');
  for (const [why, body, as] of [
    ['other content', { ...evaluation('something else'), denial }, asEdge],
    ['another person', { ...right, subject: { type: 'user', id: 'eve' }, denial }, asEdge],
    ['another tool', { ...right, resource: { type: 'tool', id: 'files/read_text_file' }, denial }, asEdge],
    ['a token nobody gave', { ...right, denial: { ...denial, binding_token: 'apr_mine' } }, asEdge],
    ['no denial', right, asEdge],
    ['the gateway of another server', { ...right, denial }, asOther],
  ] as const) {
    assert.deepEqual(await submit(body, as), [400, 'invalid_denial_binding'], why);
  }
  assert.deepEqual(await submit({ subject: 'howard', denial }), [400, 'not_requestable']);
  const mine = (await askJson(asEdge, signal.endpoint, { ...right, denial })).json!.task!;
  const theirs = await askJson(asOther, mine.status_endpoint);
  assert.deepEqual([theirs.status, theirs.json!.type?.split(':').at(-1)], [404, 'unknown_task']);
  assert.equal((await askJson(fetch as FetchLike, `${world.issuer}/access/v1/requests/${mine.id}`)).status, 401);
});
