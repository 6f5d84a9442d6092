// A whole plane in a temporary folder, and agents with real SVIDs of its CA, for tests of what no room can show alone.
// The test owns the folder, so it may open the CA in it and mint what it likes: good certificates and bad ones.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { planeFromReady } from '@writ/agent';
import { type Agent, type DialSvid, openAgent } from '@writ/agent/node';
import { loadConfig } from '../packages/server/src/config/load.ts';
import { type Plane, startPlane } from '../packages/server/src/main.ts';
import { type Authority, openAuthority } from '../packages/server/src/transport/ca.ts';
import { tlsIdentity, toPem } from '../packages/server/src/transport/tls-pem.ts';

export interface TestPlane {
  readonly plane: Plane;
  readonly dataDir: string;
  readonly docs: string;
  /** The plane's own CA, opened a second time. */
  readonly authority: Authority;
  readonly mtls: string;
  readonly oauth: string;
  readonly issuer: string;
  /** `…/api/v1` */
  readonly api: string;
  /** What the plane told its operator. */
  readonly said: string[];
  svid(path: string, ttlSeconds?: number): Promise<DialSvid>;
  /** An agent of the SDK with a real SVID. Closed with the plane. */
  agent(path: string): Promise<Agent>;
  /** Opens a task of the demo's person for an agent; the task's id. */
  task(
    agent: string,
    ask?: { prompt?: string; scope?: readonly string[]; depth?: number; budget?: unknown; ttlSeconds?: number },
  ): Promise<string>;
  /** One decision as contract §6 has it. */
  decision(id: string): Promise<{ readonly [member: string]: unknown }>;
  person(path: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

const filesystemServer = resolve(
  import.meta.dirname,
  '../node_modules/@modelcontextprotocol/server-filesystem/dist/index.js',
);

export interface TestPlaneOptions {
  /** YAML after the head: agents, servers, allow, … `$DOCS` is the folder of documents, `$NODE` and `$FILES` run the file server. */
  readonly yaml?: string;
  readonly environment?: { readonly [name: string]: string };
  /** Start again in the folder of an earlier plane. */
  readonly dataDir?: string;
  readonly storeUrl?: string;
}

/** Three agents, one file server, one person: enough for most tests. */
export const smallWorld = `
agents:
  claude/orchestrator:
    attest: { launched: true }
    inputs: gated
    calls: [db/agent, files]
    scopes: ["files:read_text_file", "files:list_directory", "files:write_file", "db/reader:send"]
    memory: task
  db/agent:
    attest: { launched: true }
    inputs: gated
    calls: [db/reader, files]
    scopes: ["files:read_text_file", "files:list_directory"]
  db/reader:
    attest: { launched: true }
    inputs: gated
    calls: [files]
    scopes: ["files:read_text_file", "files:list_directory", "files:write_file"]
  scheduler/c5:
    attest: { launched: true }
    inputs: gated
    calls: [claude/orchestrator]
servers:
  files:
    mcp: { command: ["$NODE", "$FILES", "$DOCS"] }
    manifest: builtin:filesystem
users:
  howard: { roles: [admin, approver] }
allow:
  - { agent: claude/orchestrator, tool: files/read_text_file }
  - { agent: claude/orchestrator, tool: files/list_directory }
  - { agent: db/agent, tool: files/read_text_file }
  - { agent: db/reader, tool: files/read_text_file }
`;

export async function startTestPlane(options: TestPlaneOptions = {}): Promise<TestPlane> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'writ-test-'));
  const docs = join(dataDir, 'docs');
  mkdirSync(docs, { recursive: true });
  writeFileSync(join(docs, 'report.md'), 'Revenue grew by 4 %.\n');
  const file = join(dataDir, 'writ.yaml');
  writeFileSync(file, head(options) + fill(options.yaml ?? smallWorld, docs), { mode: 0o600 });
  const loaded = loadConfig(file);
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems));
  const said: string[] = [];
  const plane = await startPlane({
    config: loaded.config,
    demo: { user: 'howard' },
    environment: { ...process.env, ...options.environment },
    say: (sentence) => said.push(sentence),
  });
  const { ready } = plane;
  const gateway = ready.gateway as { mtls: string; oauth: string };
  const api = (ready.admin as { url: string }).url;
  const clock = { nowSeconds: () => Math.floor(Date.now() / 1000) };
  const trustDomain = loaded.config.trustDomain;
  const authority = await openAuthority({ dir: join(loaded.config.dataDir, 'ca'), trustDomain, clock });
  const agents: Agent[] = [];

  const person = (path: string, init: RequestInit = {}) =>
    fetch(`${api}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${plane.demoSession}`, 'content-type': 'application/json', ...init.headers },
    });
  const svid = async (path: string, ttlSeconds?: number): Promise<DialSvid> => {
    const minted = await authority.mint({
      spiffeId: `spiffe://${trustDomain}/${path}`,
      ...(ttlSeconds ? { ttlSeconds } : {}),
    });
    const bundlePem = authority.bundle().map((der) => toPem('CERTIFICATE', der));
    return { spiffeId: minted.spiffeId, ...tlsIdentity(minted), bundlePem };
  };
  return {
    plane,
    dataDir,
    docs,
    authority,
    mtls: gateway.mtls,
    oauth: gateway.oauth,
    issuer: String(ready.issuer),
    api,
    said,
    svid,
    async agent(path) {
      const held = await svid(path);
      const agent = openAgent({ plane: planeFromReady(ready), source: { current: () => held, close() {} } });
      agents.push(agent);
      return agent;
    },
    async task(agent, ask = {}) {
      const answer = await person('/tasks', {
        method: 'POST',
        body: JSON.stringify({ agent, prompt: 'read the report', ...ask }),
      });
      if (answer.status !== 201) throw new Error(`no task: ${answer.status} ${await answer.text()}`);
      return ((await answer.json()) as { task: string }).task;
    },
    async decision(id) {
      const answer = await person(`/decisions/${id}`);
      if (answer.status !== 200) throw new Error(`decision ${id}: ${answer.status} ${await answer.text()}`);
      return (await answer.json()) as { readonly [member: string]: unknown };
    },
    person,
    async close() {
      await Promise.all(agents.map((agent) => agent.close()));
      await plane.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function head({ storeUrl }: TestPlaneOptions): string {
  return `version: 1
trustDomain: zylos.local
data: ./data
listen: { mtls: "127.0.0.1:0", oauth: "127.0.0.1:0", admin: "127.0.0.1:0" }
${storeUrl ? `store: { url: ${JSON.stringify(storeUrl)} }\n` : ''}`;
}

function fill(yaml: string, docs: string): string {
  return yaml.replaceAll('$NODE', process.execPath).replaceAll('$FILES', filesystemServer).replaceAll('$DOCS', docs);
}
