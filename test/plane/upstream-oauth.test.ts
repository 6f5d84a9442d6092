// A whole plane in front of an MCP server of somebody else's that asks for tokens of somebody else's authorization server: the plane
// signs in there as itself for what servers list, and in the person's name for the person's calls (rules §2.6, RFC 8693).

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createRemoteJWKSet } from 'jose';
import {
  clientSecret,
  type GuardedMcp,
  startGuardedMcp,
  startThirdParty,
  type ThirdParty,
} from '../../packages/server/src/action/broker/third-party.fixture.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

let party: ThirdParty;
let mcp: GuardedMcp;
let plane: TestPlane;
before(async () => {
  party = await startThirdParty('');
  mcp = await startGuardedMcp(party.url);
  plane = await startTestPlane({
    environment: { NOTES_SECRET: clientSecret },
    yaml: `
agents:
  claude/orchestrator: { attest: { launched: true }, calls: [notes], scopes: ["notes:read", "notes:write"], memory: task }
servers:
  notes:
    mcp: { url: "${mcp.url}/mcp" }
    credential:
      oauth:
        issuer: "${party.url}"
        clientId: writ
        secret: { env: NOTES_SECRET }
        grant: token_exchange
        scopes: [notes.read]
        stepUp: [notes.write]
        challenged: true
users:
  howard: { roles: [admin] }
allow:
  - { agent: claude/orchestrator, tool: notes/read, risk: 1 }
  - { agent: claude/orchestrator, tool: notes/write, risk: 1 }
`,
  });
  // From now on it believes what this plane signs, by the keys that the plane publishes.
  party.trusts = { issuer: plane.issuer, keys: createRemoteJWKSet(new URL(`${plane.issuer}/oauth/jwks`)) };
});
after(async () => {
  await plane?.close();
  await mcp?.close();
  await party?.close();
});

test('what the server lists is asked for by the plane itself', () => {
  const listed = mcp.through.filter(({ method }) => method === 'tools/list');
  assert.ok(listed.length > 0, plane.said.join('\n'));
  assert.ok(listed.every(({ scope, person }) => scope === 'notes.read' && person === ''));
});

test('a person’s calls go in their name, with more scopes only where a call needs them', async () => {
  const agent = await plane.agent('claude/orchestrator');
  const prompt = 'read hello and write hello';
  const id = await plane.task('claude/orchestrator', { prompt, scope: ['notes:read', 'notes:write'] });
  const task = await agent.task(id);
  const callers: string[] = [];
  await task.run(async () => {
    for (const tool of ['read', 'write', 'read']) {
      const { content } = await agent.mcp('notes').callTool(tool, { text: 'hello' });
      assert.match(String((content[0] as { text: string }).text), new RegExp(`^${tool} hello`));
    }
  });
  task.close();
  const calls = mcp.through.filter(({ method }) => method === 'tools/call');
  for (const { scope, person } of calls) callers.push(`${person}: ${scope}`);
  assert.deepEqual(callers, ['howard: notes.read', 'howard: notes.read notes.write', 'howard: notes.read notes.write']);
  const tokens = mcp.authorizations.filter((one) => one !== undefined);
  assert.ok(tokens.every((one) => !one!.includes(clientSecret)));
});

test('the statement about the person is for that server alone, for a minute, and no token of the plane', () => {
  const statement = party.asked.map((asked) => asked.get('subject_token')).find((one) => one !== null)!;
  const [head, claims] = statement.split('.').map((part) => Buffer.from(part, 'base64url').toString());
  assert.equal(JSON.parse(head!).typ, 'writ-assertion+jwt');
  const { iss, sub, aud, iat, exp } = JSON.parse(claims!);
  assert.deepEqual(
    { iss, sub, aud, seconds: exp - iat },
    { iss: plane.issuer, sub: 'howard', aud: party.url, seconds: 60 },
  );
});

test('the statement is refused at the plane’s own doors', async () => {
  const statement = party.asked.map((asked) => asked.get('subject_token')).find((one) => one !== null)!;
  const answer = await fetch(`${plane.oauth}/mcp/notes`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${statement}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    }),
  });
  assert.equal(answer.status, 401);
  const api = await fetch(`${plane.api}/status`, { headers: { authorization: `Bearer ${statement}` } });
  assert.equal(api.status, 401);
});

test('when the task ends its token is taken back', async () => {
  const agent = await plane.agent('claude/orchestrator');
  const id = await plane.task('claude/orchestrator', { prompt: 'read hello', scope: ['notes:read'] });
  const task = await agent.task(id);
  await task.run(() => agent.mcp('notes').callTool('read', { text: 'hello' }));
  task.close();
  const token = mcp.authorizations.at(-1)!.replace('Bearer ', '');
  assert.ok((await plane.person(`/tasks/${id}`, { method: 'DELETE' })).ok);
  for (let tries = 0; tries < 200 && !party.revoked.includes(token); tries++)
    await new Promise((done) => setTimeout(done, 25));
  assert.ok(party.revoked.includes(token));
});
