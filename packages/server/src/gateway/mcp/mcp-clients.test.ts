// Stock clients of both eras through the gateway to real servers of both eras: nobody needs to know that it is there.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client as ModernClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { everything, filesystem, type ModernUpstream, startModern } from './servers.fixture.ts';
import type { Upstream } from './upstream.ts';
import { ask, modernRequest, startGateway, type TestGateway } from './world.fixture.ts';

interface Said {
  readonly content: readonly { readonly text?: string }[];
}

/** What the tests need of a client, whichever package it comes from. */
interface AnyClient {
  tools(): Promise<readonly string[]>;
  call(name: string, args: Record<string, unknown>, onprogress?: (at: number) => void): Promise<Said>;
  version(): string | undefined;
  close(): Promise<void>;
}

type Mode = 'auto' | 'legacy' | { pin: '2026-07-28' };

const requestInit = { headers: { authorization: 'Bearer howard' } };

async function modernClient(url: string, mode: Mode): Promise<AnyClient> {
  const client = new ModernClient({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  return {
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    call: async (name, args, onprogress) =>
      (await client.callTool(
        { name, arguments: args },
        onprogress && { onprogress: (p) => onprogress(p.progress) },
      )) as Said,
    version: () => client.getNegotiatedProtocolVersion(),
    close: () => client.close(),
  };
}

async function oldClient(url: string): Promise<AnyClient> {
  const client = new OldClient({ name: 'test', version: '1.0.0' });
  const transport = new OldTransport(new URL(url), { requestInit });
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  return {
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    call: async (name, args, onprogress) =>
      (await client.callTool(
        { name, arguments: args },
        undefined,
        onprogress && { onprogress: (p) => onprogress(p.progress) },
      )) as Said,
    version: () => transport.protocolVersion,
    close: async () => {
      await transport.terminateSession();
      await client.close();
    },
  };
}

const CLIENTS: readonly { name: string; version: string; connect: (url: string) => Promise<AnyClient> }[] = [
  { name: 'client 2.4, auto', version: '2026-07-28', connect: (url) => modernClient(url, 'auto') },
  { name: 'client 2.4, pinned', version: '2026-07-28', connect: (url) => modernClient(url, { pin: '2026-07-28' }) },
  { name: 'client 2.4, legacy', version: '2025-11-25', connect: (url) => modernClient(url, 'legacy') },
  { name: 'sdk 1.32', version: '2025-11-25', connect: oldClient },
];

describe('stock clients through the gateway', () => {
  let folder: string;
  let notes: ModernUpstream;
  let old: ModernUpstream;
  let every: Upstream;
  let files: Upstream;
  let gateway: TestGateway;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-mcp-'));
    await writeFile(join(folder, 'motto.txt'), 'calm');
    notes = await startModern();
    old = await startModern({ legacyOnly: true });
    every = everything();
    files = filesystem(folder);
    gateway = await startGateway({
      notes: notes.upstream,
      old: old.upstream,
      everything: every,
      files,
    });
  });
  after(async () => {
    await gateway.close();
    await Promise.all([notes.close(), old.close(), every.close(), files.close(), rm(folder, { recursive: true })]);
  });

  for (const { name, version, connect } of CLIENTS) {
    test(`${name} lists and calls a modern HTTP server`, async () => {
      const client = await connect(gateway.endpoint('notes'));
      assert.equal(client.version(), version);
      assert.ok((await client.tools()).includes('echo'));
      assert.equal((await client.call('echo', { text: 'hello' })).content[0]?.text, 'hello');
      await client.close();
    });

    test(`${name} lists and calls a legacy HTTP server`, async () => {
      const client = await connect(gateway.endpoint('old'));
      assert.equal(client.version(), version);
      assert.ok((await client.tools()).includes('echo'));
      assert.equal((await client.call('echo', { text: 'hello' })).content[0]?.text, 'hello');
      await client.close();
    });

    test(`${name} reads a file through the filesystem server`, async () => {
      const client = await connect(gateway.endpoint('files'));
      assert.equal(client.version(), version);
      assert.ok((await client.tools()).includes('read_text_file'));
      const said = await client.call('read_text_file', { path: join(folder, 'motto.txt') });
      assert.equal(said.content[0]?.text, 'calm');
      await client.close();
    });

    test(`${name} sees progress of a modern HTTP server and of a stdio server`, async () => {
      for (const [server, tool, args] of [
        ['notes', 'count', {}],
        ['everything', 'trigger-long-running-operation', { duration: 0.2, steps: 3 }],
      ] as const) {
        const client = await connect(gateway.endpoint(server));
        const seen: number[] = [];
        await client.call(tool, args, (at) => seen.push(at));
        assert.deepEqual(seen, [1, 2, 3], server);
        await client.close();
      }
    });
  }

  test('a legacy server answers a modern caller as a modern server would', async () => {
    const { headers, body } = await ask(gateway.endpoint('old'), modernRequest('tools/list'));
    assert.equal(headers.get('mcp-session-id'), null);
    assert.equal(body.id, 7);
    assert.equal(body.result?.resultType, 'complete');
    assert.equal(body.result?.cacheScope, 'private');
    assert.equal(body.result?.ttlMs, 0);
  });

  test('prompts and resources pass in both eras', async () => {
    for (const mode of ['auto', 'legacy'] as const) {
      const client = new ModernClient({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
      await client.connect(new StreamableHTTPClientTransport(new URL(gateway.endpoint('notes')), { requestInit }));
      assert.equal((await client.listPrompts()).prompts[0]?.name, 'greet');
      const prompt = await client.getPrompt({ name: 'greet', arguments: { who: 'Ada' } });
      assert.deepEqual(prompt.messages[0]?.content, { type: 'text', text: 'greet Ada' });
      assert.equal((await client.listResources()).resources[0]?.uri, 'note://motto');
      const read = await client.readResource({ uri: 'note://motto' });
      assert.equal((read.contents[0] as { text?: string }).text, 'calm');
      await client.close();
    }
  });

  test('no header and no token of a caller reaches a server', () => {
    assert.ok(notes.heard.length > 0);
    for (const { headers, body } of [...notes.heard, ...old.heard]) {
      assert.equal(headers.authorization, 'Bearer k-upstream');
      assert.ok(!JSON.stringify([headers, body]).includes('howard'));
      assert.equal(headers['user-agent'], undefined);
    }
  });
});
