// For tests of this room: channels that remember, and a plane that answers from a table.

import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { JsonValue } from '@writ/core';
import { runWrit } from './run-writ.ts';
import type { Channels } from './terminal.ts';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One command in this process. */
export async function run(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const said = { stdout: '', stderr: '' };
  const channel = (name: keyof typeof said) => ({
    isTTY: false as const,
    write: (text: string | Uint8Array) => {
      said[name] += String(text);
      return true;
    },
  });
  const channels = {
    stdout: channel('stdout'),
    stderr: channel('stderr'),
    stdin: { isTTY: false },
    env,
  } as unknown as Channels;
  const exitCode = await runWrit(words, channels, '0.0.0-test');
  return { exitCode, ...said };
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
  readonly body: string;
}

export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: { readonly [name: string]: string };
  readonly body: JsonValue;
}

export interface FakePlane extends AsyncDisposable {
  readonly origin: string;
  /** What was asked, in order. */
  readonly asked: readonly Asked[];
}

/** Answers on loopback, and on `<dataDir>/admin.sock` with a ready line beside it when a folder is given. */
export async function fakePlane(answer: (asked: Asked) => FakeAnswer, dataDir?: string): Promise<FakePlane> {
  const asked: Asked[] = [];
  const handle = async (request: IncomingMessage, respond: (answer: FakeAnswer) => void) => {
    const body = (await request.toArray()).map(String).join('');
    const one = {
      method: request.method!,
      path: request.url!,
      authorization: request.headers.authorization ?? null,
      body,
    };
    asked.push(one);
    respond(answer(one));
  };
  const servers = Array.from({ length: dataDir === undefined ? 1 : 2 }, () =>
    createServer((request, response) => {
      void handle(request, ({ status = 200, headers = {}, body }) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
      });
    }),
  );
  const [tcp, local] = servers as [Server, Server?];
  await new Promise<void>((done) => tcp.listen(0, '127.0.0.1', done));
  const origin = `http://127.0.0.1:${(tcp.address() as AddressInfo).port}`;
  if (local && dataDir !== undefined) {
    mkdirSync(dataDir, { recursive: true });
    const socket = join(dataDir, 'admin.sock');
    await new Promise<void>((done) => local.listen(socket, done));
    writeFileSync(join(dataDir, 'viewer.token'), 'viewer\n');
    const admin = { url: `${origin}/api/v1`, socket, viewerTokenFile: join(dataDir, 'viewer.token') };
    const line = { pid: process.pid, trustDomain: 'zylos.local', issuer: origin, dataDir, admin, workloadApi: null };
    writeFileSync(join(dataDir, 'ready.json'), JSON.stringify(line));
  }
  return {
    origin,
    asked,
    async [Symbol.asyncDispose]() {
      for (const server of servers) server.closeAllConnections();
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
    },
  };
}
