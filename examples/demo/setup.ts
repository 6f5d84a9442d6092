// The demo's world in one folder: documents, a mail server, a configuration, and the plane in this process.

import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { writeReady } from '../../packages/server/src/cli/ready.ts';
import { loadConfig } from '../../packages/server/src/config/load.ts';
import { type Plane, startPlane } from '../../packages/server/src/main.ts';
import { type MailServer, startMail } from './servers/mail.ts';

export interface DemoWorld {
  readonly plane: Plane;
  readonly dataDir: string;
  readonly docs: string;
  readonly mail: MailServer;
  readonly mailKey: string;
  readonly ports: { readonly reader: number; readonly dbAgent: number };
  close(): Promise<void>;
}

export const filesystemServer = resolve('node_modules/@modelcontextprotocol/server-filesystem/dist/index.js');

/** `folder`: where data is kept; absent: a new folder that is removed at the end. */
export async function openDemo(folder: string | null, say: (sentence: string) => void): Promise<DemoWorld> {
  const dataDir = folder === null ? mkdtempSync(join(tmpdir(), 'writ-demo-')) : resolve(folder);
  const fresh = !existsSync(join(dataDir, 'state.db'));
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const docs = join(dataDir, 'docs');
  cpSync(join(import.meta.dirname, 'docs'), docs, { recursive: true });
  const mailKey = `mail-${crypto.randomUUID()}`;
  const mail = await startMail(mailKey);
  const ports = { reader: await freePort(), dbAgent: await freePort() };
  const file = join(dataDir, 'writ.yaml');
  writeFileSync(file, configuration({ docs, mailUrl: mail.url, ports }), { mode: 0o600 });
  const loaded = loadConfig(file);
  if ('problems' in loaded) throw new Error(loaded.problems.map(({ says }) => says).join('\n'));
  const plane = await startPlane({
    config: loaded.config,
    environment: { ...process.env, DEMO_MAIL_KEY: mailKey },
    say,
    // Only in a folder that this run made: elsewhere the person signs in (rules §7.3).
    ...(fresh ? { demo: { user: 'howard' } } : {}),
  });
  writeReady(loaded.config.dataDir, plane.ready);
  return {
    plane,
    dataDir,
    docs,
    mail,
    mailKey,
    ports,
    async close() {
      await plane.stop();
      await mail.close();
      if (folder === null) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

interface Places {
  readonly docs: string;
  readonly mailUrl: string;
  readonly ports: DemoWorld['ports'];
}

function configuration({ docs, mailUrl, ports }: Places): string {
  const inside = JSON.stringify(docs);
  return `version: 1
trustDomain: zylos.local
data: .
listen: { mtls: "127.0.0.1:0", oauth: "127.0.0.1:0", admin: "127.0.0.1:0" }
agents:
  claude/orchestrator:
    attest: { launched: true }
    calls: [db/agent, files, mail, scheduler/c5]
    scopes: ["files:read_text_file", "files:list_directory", "files:write_file", "mail:send", "db/reader:send"]
    inputs: gated
    memory: task
  db/agent:
    attest: { launched: true }
    calls: [db/reader]
    scopes: ["files:read_text_file", "files:list_directory", "files:write_file"]
    memory: task
    a2a: "https://127.0.0.1:${ports.dbAgent}/"
  db/reader:
    attest: { launched: true }
    calls: [files]
    scopes: ["files:read_text_file", "files:list_directory", "files:write_file"]
    memory: task
    a2a: "https://127.0.0.1:${ports.reader}/"
  scheduler/c5:
    attest: { launched: true }
    calls: [claude/orchestrator]
servers:
  files:
    mcp: { command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(filesystemServer)}, ${inside}] }
    manifest: builtin:filesystem
  mail:
    mcp: { url: ${JSON.stringify(mailUrl)} }
    credential: { env: DEMO_MAIL_KEY }
users:
  howard: { roles: [admin, approver] }
allow:
  - { agent: claude/orchestrator, tool: files/read_text_file }
  - { agent: claude/orchestrator, tool: mail/send, where: { /to: { oneOf: [ops@zylos.example] } } }
  - { agent: db/reader, tool: files/list_directory }
  - { agent: db/reader, tool: files/read_text_file }
  - { agent: db/reader, tool: files/write_file }
`;
}

/** A port that is free now. The agents' addresses stand in the configuration before the agents run. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
