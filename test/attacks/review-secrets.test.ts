// A server that tells its own credential to whoever listens: the operator's log is no place for it.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DeniedError } from '@writ/agent';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

const KEY = 'sk-live-0123456789abcdef';
const SERVER = `
console.error('starting with key ' + process.env.NOTES_KEY);
console.error('ready');
let text = '';
process.stdin.on('data', (part) => {
  text += part;
  for (let at; (at = text.indexOf('\\n')) >= 0; text = text.slice(at + 1)) {
    const { id, method } = JSON.parse(text.slice(0, at));
    if (id === undefined) continue;
    const result = method === 'initialize'
      ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'notes', version: '1' } }
      : method === 'tools/list'
        ? { tools: [{ name: 'read', description: 'reads', inputSchema: { type: 'object', properties: { id: { type: 'string' } } } }] }
        : { content: [{ type: 'text', text: 'done' }] };
    console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
  }
});
`;

let plane: TestPlane;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'writ-review-'));
  const program = join(folder, 'notes.cjs');
  writeFileSync(program, SERVER);
  plane = await startTestPlane({
    environment: { NOTES_KEY: KEY },
    yaml: `
agents:
  claude/orchestrator: { attest: { launched: true }, inputs: gated, calls: [notes], scopes: ["notes:read"], memory: task }
servers:
  notes: { mcp: { command: ["$NODE", ${JSON.stringify(program)}] }, credential: { env: NOTES_KEY } }
users:
  howard: { roles: [admin] }
allow:
  - { agent: claude/orchestrator, tool: notes/read, risk: 1 }
`,
  });
});
after(async () => {
  await plane?.close();
  await rm(folder, { recursive: true });
});

test('what a server writes about its key does not reach the operator’s log', () => {
  assert.ok(plane.said.includes('notes: ready'), plane.said.join('\n'));
  assert.ok(!plane.said.some((line) => line.includes(KEY)), plane.said.join('\n'));
  assert.ok(plane.said.some((line) => /^notes: .*secret/.test(line)));
});

test('what the broker gave out leaves in no argument, as it is or coded, and the record does not repeat it', async () => {
  const orchestrator = await plane.agent('claude/orchestrator');
  const task = await orchestrator.task(await plane.task('claude/orchestrator'));
  const call = (id: string) => task.run(() => orchestrator.mcp('notes').callTool('read', { id }));
  assert.equal((await call('note-1')).isError, false);
  for (const told of [`see ${KEY}`, Buffer.from(KEY).toString('base64'), Buffer.from(KEY).toString('hex')]) {
    await assert.rejects(call(told), (error) => {
      assert.ok(error instanceof DeniedError);
      assert.equal(error.denial.code, 'action.secret_in_arguments');
      return true;
    });
  }
  task.close();
  const decisions = await (await plane.person('/decisions?limit=50')).text();
  assert.match(decisions, /secret_in_arguments/);
  assert.ok(!decisions.includes(KEY));
});
