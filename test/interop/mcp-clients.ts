// One set of tests for every stock MCP client: an agent's SVID and token under it by `agent.fetch`, four servers of two eras behind
// the gateway. Nothing in the clients and servers knows of Writ.

import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { FetchLike } from '@writ/agent';
import type { Agent, Task } from '@writ/agent/node';
import { startModern, startSessioned } from '../../packages/server/src/gateway/mcp/servers.fixture.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

/** What the tests need of a client, whichever package it comes from. */
export interface StockClient {
  version(): string | undefined;
  tools(): Promise<readonly string[]>;
  /** Text of the first content block. Rejects with what the package throws. */
  call(name: string, args: Record<string, unknown>, onProgress?: (at: number) => void): Promise<string | undefined>;
  close(): Promise<void>;
}

export type Connect = (url: URL, fetch: FetchLike) => Promise<StockClient>;

const everything = resolve('node_modules/@modelcontextprotocol/server-everything/dist/index.js');

const yaml = (notes: string, sessioned: string) => `
agents:
  claude/orchestrator:
    attest: { launched: true }
    calls: [files, everything, notes, sessioned]
    scopes: ["files:read_text_file", "files:write_file", "everything:*", "notes:echo", "sessioned:session"]
    memory: task
servers:
  files: { mcp: { command: ["$NODE", "$FILES", "$DOCS"] }, manifest: "builtin:filesystem" }
  everything: { mcp: { command: ["$NODE", "${everything}", "stdio"] } }
  notes: { mcp: { url: "${notes}" }, credential: { env: NOTES_KEY } }
  sessioned: { mcp: { url: "${sessioned}" } }
users:
  howard: { roles: [admin] }
allow:
  - { agent: claude/orchestrator, tool: files/read_text_file }
  - { agent: claude/orchestrator, tool: everything/echo, risk: 0 }
  - { agent: claude/orchestrator, tool: everything/trigger-long-running-operation, risk: 0 }
  - { agent: claude/orchestrator, tool: notes/echo, risk: 0 }
  - { agent: claude/orchestrator, tool: sessioned/session, risk: 0 }
`;

export function describeClient(name: string, version: string, connect: Connect): void {
  describe(name, () => {
    let world: TestPlane;
    let agent: Agent;
    let task: Task;
    let notes: Awaited<ReturnType<typeof startModern>>;
    let sessioned: Awaited<ReturnType<typeof startSessioned>>;

    before(async () => {
      notes = await startModern();
      sessioned = await startSessioned();
      world = await startTestPlane({
        yaml: yaml(notes.url, sessioned.url),
        environment: { NOTES_KEY: 'k-upstream' },
      });
      agent = await world.agent('claude/orchestrator');
      task = await agent.task(await world.task('claude/orchestrator'));
    });
    after(async () => {
      task?.close();
      await world?.close();
      await Promise.all([notes?.close(), sessioned?.close()]);
    });

    async function withClient<T>(server: string, work: (client: StockClient) => Promise<T>): Promise<T> {
      const client = await connect(new URL(agent.url(server)), agent.fetch(server));
      try {
        return await work(client);
      } finally {
        await client.close();
      }
    }

    test(`speaks ${version} with every server`, async () => {
      for (const server of ['files', 'everything', 'notes', 'sessioned'])
        assert.equal(await withClient(server, async (client) => client.version()), version, server);
    });

    test('sees the tools its token and the policy give, and no others', async () => {
      assert.deepEqual(await withClient('files', (client) => client.tools()), ['read_text_file']);
      assert.deepEqual(await withClient('notes', (client) => client.tools()), ['echo']);
      const demo = await withClient('everything', (client) => client.tools());
      assert.deepEqual([...demo].sort(), ['echo', 'trigger-long-running-operation']);
    });

    test('reads a file through the filesystem server', async () => {
      const path = `${world.docs}/report.md`;
      const text = await withClient('files', (client) => client.call('read_text_file', { path }));
      assert.equal(text, 'Revenue grew by 4 %.\n');
    });

    test('calls the everything server, and hears of progress', async () => {
      await withClient('everything', async (client) => {
        assert.equal(await client.call('echo', { message: 'grüezi' }), 'Echo: grüezi');
        const seen: number[] = [];
        await client.call('trigger-long-running-operation', { duration: 0.2, steps: 3 }, (at) => seen.push(at));
        assert.deepEqual(seen, [1, 2, 3]);
      });
    });

    test('calls a stateless HTTP server, which hears the broker’s credential and never the caller’s', async () => {
      notes.heard.length = 0;
      assert.equal(await withClient('notes', (client) => client.call('echo', { text: 'hello' })), 'hello');
      assert.ok(notes.heard.length > 0);
      for (const { headers } of notes.heard) assert.equal(headers.authorization, 'Bearer k-upstream');
    });

    test('calls an HTTP server with sessions, which it never sees itself', async () => {
      const session = await withClient('sessioned', (client) => client.call('session', {}));
      assert.match(session ?? '', /^[0-9a-f-]{36}$/);
    });

    test('is told of a refusal by code, and the record names who asked for whom', async () => {
      const path = `${world.docs}/report.md`;
      const refused = await withClient('files', (client) =>
        client.call('write_file', { path, content: 'x' }).then(
          (text) => assert.fail(`it was written: ${text}`),
          (error: unknown) => error as { code?: unknown; data?: { code?: string; decisionId?: string } },
        ),
      );
      assert.equal(refused.code, -31001, String(refused));
      assert.match(String(refused.data?.code), /^action\./);
      const decision = await world.decision(String(refused.data?.decisionId));
      assert.equal(decision.outcome, 'deny');
      assert.match(JSON.stringify(decision.act), /claude\/orchestrator/);
      assert.match(JSON.stringify(decision.principal), /howard/);
    });
  });
}
