// No session is resumed: an identity is proven on every connection (design D5).

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { ask, gateway, issue, ours, request, sessionsFrom, start, trust } from './mtls-listener.fixture.ts';
import { openClient, rawExchange, temporaryFolder } from './tls-fixtures.ts';

/** The same TLS settings with tickets left on, to show that the tests below would notice. */
async function resumingServer(t: TestContext): Promise<number> {
  const { certPem: cert, keyPem: key } = gateway.identity;
  const server = createServer({
    cert,
    key,
    ca: [...trust.caPem],
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  });
  server.on('secureConnection', (socket: TLSSocket) =>
    socket.on('error', () => {}).end(socket.isSessionReused() ? 'reused' : 'full'),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('no session is ever resumed, neither one of ours nor one from elsewhere', async (t) => {
  const client = await issue();
  const elsewhere = await resumingServer(t);
  const [foreign] = await sessionsFrom(elsewhere, client);
  assert.ok(foreign, 'the control gives a ticket');
  assert.equal(
    (await rawExchange(elsewhere, { session: foreign }, '')).answer,
    'reused',
    'and takes it without a certificate',
  );

  const { port, served, codes } = await start(t);
  // TLS 1.3 sends session tickets all the same; here they are empty names that nothing is kept under.
  const sessions = [foreign, ...(await sessionsFrom(port, client))];
  served.length = 0;
  for (const session of sessions) {
    assert.equal((await rawExchange(port, { session }, request)).answer, '');
    const socket = await openClient(port, { ...client, session });
    assert.equal(socket.isSessionReused(), false);
    assert.match(await ask(socket), /served/);
  }
  assert.deepEqual(
    codes(),
    sessions.map(() => 'transport.certificate_missing'),
  );
  assert.equal(served.length, sessions.length);
});

test('openssl s_client with a saved session gets a new one each time', async (t) => {
  if (spawnSync('openssl', ['version']).status !== 0) return t.skip('openssl is not installed');
  const dir = await temporaryFolder(t);
  const { identity } = await ours.issue();
  await writeFile(join(dir, 'cert'), identity.certPem);
  await writeFile(join(dir, 'key'), identity.keyPem);
  const connectTo = async (port: number, ...more: string[]) => {
    const child = spawn(
      'openssl',
      ['s_client', '-connect', `127.0.0.1:${port}`, '-cert', 'cert', '-key', 'key', '-ign_eof', ...more],
      { cwd: dir },
    );
    child.stdin.write(request);
    let said = '';
    child.stdout.on('data', (chunk) => (said += chunk));
    await once(child, 'close');
    return said;
  };
  const elsewhere = await resumingServer(t);
  await connectTo(elsewhere, '-sess_out', 'control');
  assert.match(await connectTo(elsewhere, '-sess_in', 'control'), /^Reused, TLSv1\.3/m);

  const { port, served } = await start(t);
  assert.match(await connectTo(port, '-sess_out', 'session'), /^New, TLSv1\.3/m);
  // Nothing may have been saved; the ticket of the control server is then the best there is to try.
  const saved = spawnSync('test', ['-s', join(dir, 'session')]).status === 0 ? 'session' : 'control';
  assert.match(await connectTo(port, '-sess_in', saved), /^New, TLSv1\.3/m);
  assert.equal(served.length, 2);
});
