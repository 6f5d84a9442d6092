// A witness for tests, over real HTTP: it checks and remembers as C2SP tlog-witness says, and misbehaves when it is told to.

import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import {
  type Cosigner,
  cosign,
  formatCheckpoint,
  formatVkey,
  openCheckpoint,
  parseAddCheckpoint,
  parseVkey,
  verifyConsistency,
} from '@writ/core';
import { nodeEngine as engine } from '@writ/core/node';

/** What it does instead of answering as it should. */
export type Misbehaviour =
  | 'none'
  | 'silent'
  | 'failing'
  | 'forging'
  | 'forgetful'
  | 'amnesic'
  | 'gibberish'
  | 'stubborn';

export interface TestWitness {
  readonly name: string;
  readonly url: string;
  readonly vkey: string;
  /** A line of a policy file. */
  readonly line: string;
  misbehaves: Misbehaviour;
  /** It answers the next question only when this resolves, and fails from then on. */
  late: Promise<void> | null;
  /** What it has cosigned last. */
  seen: { size: number; root: Uint8Array };
  /** Status codes it answered with. */
  readonly answered: number[];
}

export function newCosigner(name: string, role: Cosigner['role']): Cosigner {
  const { publicKey, privateKey } =
    role === 'witness' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ml-dsa-44');
  const bytes = role === 'witness' ? 32 : 1312;
  return {
    name,
    role,
    publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-bytes)),
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  };
}

export async function startWitness(
  t: TestContext,
  { name, logVkey, role = 'witness' }: { name: string; logVkey: string; role?: Cosigner['role'] },
): Promise<TestWitness> {
  const key = newCosigner(`${name}.example`, role);
  const logKey = parseVkey(engine, logVkey)!;
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/w`;
  const vkey = formatVkey(engine, key.name, key.publicKey, role);
  const witness: TestWitness = {
    ...{ name, url, vkey, line: `witness ${name} ${vkey} ${url}` },
    misbehaves: 'none',
    late: null,
    seen: { size: 0, root: new Uint8Array(0) },
    answered: [],
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat((await request.toArray()) as Buffer[]);
    if (witness.misbehaves === 'silent') return;
    const { late } = witness;
    witness.late = null;
    await late;
    const answer = request.url === '/w/add-checkpoint' ? judge(body) : { status: 404, text: '' };
    witness.answered.push(answer.status);
    if (late) witness.misbehaves = 'failing';
    const type = answer.status === 409 ? 'text/x.tlog.size' : 'text/plain; charset=utf-8';
    response.writeHead(answer.status, { 'content-type': type }).end(answer.text);
  }

  function judge(body: Uint8Array): { status: number; text: string } {
    if (witness.misbehaves === 'failing') return { status: 500, text: '' };
    if (witness.misbehaves === 'gibberish') return { status: 200, text: 'yes\n' };
    const { seen } = witness;
    if (witness.misbehaves === 'amnesic') return { status: 409, text: `${seen.size++}\n` };
    if (witness.misbehaves === 'stubborn') return { status: 409, text: `${seen.size}\n` };
    const parts = parseAddCheckpoint(body);
    if (!parts) return { status: 400, text: '' };
    const opened = openCheckpoint(engine, parts.checkpoint, [logKey]);
    if (!opened.ok) return { status: 403, text: '' };
    const { size, root, origin } = opened.value;
    if (origin !== logKey.name) return { status: 404, text: '' };
    if (parts.oldSize > size) return { status: 400, text: '' };
    if (parts.oldSize !== seen.size) return { status: 409, text: `${seen.size}\n` };
    const { oldSize, proof } = parts;
    const claim = { from: seen, to: { size, root }, proof };
    const consistent = oldSize === 0 ? proof.length === 0 : verifyConsistency(engine, claim);
    if (!consistent) return { status: 422, text: '' };
    if (witness.misbehaves !== 'forgetful') witness.seen = { size, root };
    const said = witness.misbehaves === 'forging' ? { size: size + 1, root, origin } : { size, root, origin };
    // The time is its own business, and nothing here depends on it.
    return { status: 200, text: cosign(engine, key, formatCheckpoint(said), 1_764_000_000) };
  }

  return witness;
}
