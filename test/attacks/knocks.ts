// What happens at the door itself: handshakes with whatever certificate, sessions taken up again, connections that outlive their
// SVID, and a false gateway that waits for callers.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls';
import { httpRequest, mtlsAgent } from '@writ/agent/node';
import { type DenialCode, parseSpiffeId } from '@writ/core';
import { type TlsIdentity, tlsIdentity } from '../../packages/server/src/transport/tls-pem.ts';
import { certificateOf } from './certificates.ts';
import type { Stage } from './stage.ts';

interface Heard {
  readonly text: string;
  readonly session: Buffer | null;
  readonly reused: boolean;
}

/** A request as soon as TLS lets one write, and all that comes back. The other side's certificate is of no interest. */
async function knock(base: string, identity: TlsIdentity | null, more: ConnectionOptions = {}): Promise<Heard> {
  const { hostname: host, port } = new URL(base);
  const shown = identity ? { cert: identity.certPem, key: identity.keyPem } : {};
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false, ...shown, ...more });
  let text = '';
  let session: Buffer | null = null;
  let reused = false;
  socket.once('secureConnect', () => {
    reused = socket.isSessionReused();
  });
  socket.on('error', () => {});
  socket.on('session', (held) => {
    session = held;
  });
  socket.on('data', (part: Buffer) => {
    text += part.toString('latin1');
  });
  socket.write(`GET /mcp/notes HTTP/1.1\r\nhost: ${host}:${port}\r\nconnection: close\r\n\r\n`);
  await new Promise((resolve) => socket.once('close', resolve));
  return { text, session, reused };
}

/** Nothing is answered, and why is counted. */
export async function refusedAtTheDoor(
  { plane, provoked }: Stage,
  certificate: string,
  path: string,
  tls: ConnectionOptions,
  code: DenialCode,
): Promise<void> {
  const identity = certificate === 'none' ? null : await certificateOf(certificate, path, plane);
  const { text } = await knock(plane.mtls, identity, tls);
  assert.equal(text, '', 'something was answered');
  provoked.set(code, (provoked.get(code) ?? 0) + 1);
}

/** A session that was good is offered again: by another connection without a certificate, and by one with. */
export async function nothingIsResumed({ plane, provoked }: Stage, path: string): Promise<void> {
  const identity = await certificateOf('genuine', path, plane);
  const first = await knock(plane.mtls, identity);
  assert.match(first.text, /^HTTP\/1\.1 /);
  assert.ok(first.session, 'there is something to try to resume with');
  const again = await knock(plane.mtls, identity, { session: first.session });
  assert.deepEqual([again.reused, /^HTTP\/1\.1 /.test(again.text)], [false, true]);
  const bare = await knock(plane.mtls, null, { session: first.session });
  assert.deepEqual([bare.reused, bare.text], [false, '']);
  const code = 'transport.certificate_missing';
  provoked.set(code, (provoked.get(code) ?? 0) + 1);
}

/** A connection with an SVID that ends soon; resolves once the other side has closed it, or fails a second after its end. */
export async function endsWithItsSvid({ plane }: Stage, path: string, livesSeconds: number): Promise<void> {
  const minted = await plane.authority.mint({ spiffeId: `spiffe://zylos.local/${path}`, ttlSeconds: livesSeconds });
  const { hostname: host, port } = new URL(plane.mtls);
  const { certPem: cert, keyPem: key } = tlsIdentity(minted);
  const socket: TLSSocket = connect({ host, port: Number(port), cert, key, rejectUnauthorized: false });
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'secureConnect');
  socket.write(`GET /mcp/notes HTTP/1.1\r\nhost: ${host}:${port}\r\n\r\n`);
  const late = setTimeout(() => socket.emit('late'), minted.notAfterSeconds * 1000 - Date.now() + 1000);
  const how = await Promise.race([once(socket, 'close').then(() => 'closed'), once(socket, 'late').then(() => 'late')]);
  clearTimeout(late);
  socket.destroy();
  assert.equal(how, 'closed', 'it was still open a second after its SVID had ended');
}

/** Somebody answers in the gateway's place: our dialler must not send it a byte. */
export async function luredNowhere({ plane }: Stage, certificate: string, as: string, caller: string): Promise<void> {
  const identity = await certificateOf(certificate, as, plane);
  const got: Buffer[] = [];
  const server = createServer(
    {
      cert: identity.certPem,
      key: identity.keyPem,
      minVersion: 'TLSv1.3',
      requestCert: true,
      rejectUnauthorized: false,
    },
    (socket) => socket.on('error', () => {}).on('data', (part: Buffer) => got.push(part)),
  );
  server.on('tlsClientError', () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const svid = await plane.svid(caller);
  const expect = parseSpiffeId(String(plane.plane.ready.gatewayId))!;
  const agent = mtlsAgent({ svid: () => svid, expect });
  const url = `https://127.0.0.1:${(server.address() as { port: number }).port}/mcp/notes`;
  try {
    await assert.rejects(httpRequest(agent, { url, method: 'GET', headers: { authorization: 'Bearer secret' } }));
    assert.equal(Buffer.concat(got).toString(), '', 'it was sent something');
  } finally {
    agent.destroy();
    server.close();
  }
}
