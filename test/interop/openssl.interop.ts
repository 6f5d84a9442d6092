// The `mtls` listener as OpenSSL's own client sees it: which handshakes complete, which alerts come back, and that no session is
// ever resumed. What the plane wrote down of the refusals is compared with what was provoked.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { countedRefusals } from './audit-counts.ts';
import { runProgram, type Said } from './programs.ts';
import { type SvidFiles, type SvidFolder, svidFolder } from './svid-files.ts';

let world: TestPlane;
let svids: SvidFolder;
/** Reason → how often this file provoked it. */
const provoked = new Map<string, number>();

before(async () => {
  world = await startTestPlane();
  svids = svidFolder(world);
});

after(async () => {
  svids?.remove();
  await world?.close();
});

interface Ask {
  readonly svid?: SvidFiles;
  readonly more?: readonly string[];
  readonly refused?: string;
}

/** A handshake, and a request once it is through. */
async function handshake({ svid, more = [], refused }: Ask): Promise<Said> {
  if (refused) provoked.set(refused, (provoked.get(refused) ?? 0) + 1);
  const { host } = new URL(world.mtls);
  const shown = svid ? ['-cert', svid.cert, '-cert_chain', svid.cert, '-key', svid.key] : [];
  const args = ['s_client', '-connect', host, '-CAfile', svids.bundle, '-verify_return_error', '-ign_eof', ...shown];
  return runProgram(
    'openssl',
    [...args, ...more],
    `GET /mcp/files HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
  );
}

const answered = /^HTTP\/1\.1 \d{3}/m;

/**
 * Node verifies a client's certificate after the handshake, so for a bad one there is a hang-up and no alert: an end of file, or a
 * reset when the request was already on its way. The reason is on record.
 */
const hungUp = /unexpected eof while reading|errno=(104|32)\b/;

function assertRefused({ stdout, stderr }: Said, how: RegExp): void {
  assert.doesNotMatch(stdout, answered);
  assert.match(stderr, how);
}

test('a good SVID completes TLS 1.3 with a gateway that verifies, and is answered', async () => {
  const said = await handshake({ svid: await svids.good('claude/orchestrator') });
  assert.match(said.stdout, /^New, TLSv1\.3, Cipher is TLS_/m);
  assert.match(said.stdout, /Verify return code: 0 \(ok\)/);
  assert.match(said.stdout, answered);
});

test('the gateway shows an SVID of its own', async () => {
  const { stdout } = await handshake({ svid: await svids.good('claude/orchestrator') });
  const leaf = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(stdout)![0];
  const read = await runProgram(
    'openssl',
    ['x509', '-noout', '-ext', 'subjectAltName,basicConstraints,keyUsage'],
    leaf,
  );
  assert.match(read.stdout, /URI:spiffe:\/\/zylos\.local\/writ\/gateway\b/);
  assert.match(read.stdout, /CA:FALSE/);
  assert.match(read.stdout, /Digital Signature/);
});

test('no certificate is refused, by the alert that says so unless the reset overtakes it', async () => {
  const said = await handshake({ refused: 'transport.certificate_missing' });
  assertRefused(said, new RegExp(`alert number 116|${hungUp.source}`));
});

test('an expired SVID is hung up on', async () => {
  const svid = await svids.expired('claude/orchestrator');
  assertRefused(await handshake({ svid, refused: 'transport.certificate_expired' }), hungUp);
});

test('an SVID of a trust domain nobody configured is hung up on', async () => {
  const svid = await svids.foreign('claude/orchestrator');
  assertRefused(await handshake({ svid, refused: 'transport.trust_domain_unknown' }), hungUp);
});

test('a certificate that only claims to be of this trust domain is hung up on', async () => {
  const svid = await svids.forged('claude/orchestrator');
  assertRefused(await handshake({ svid, refused: 'transport.trust_domain_unknown' }), hungUp);
});

test('a peer without any edge is gone before a byte of HTTP is answered', async () => {
  const svid = await svids.good('nobody/here');
  const said = await handshake({ svid, refused: 'transport.edge_not_allowed' });
  assert.match(said.stdout, /^New, TLSv1\.3/m);
  assert.doesNotMatch(said.stdout, answered);
});

test('TLS 1.2 is refused by the alert that says so', async () => {
  const svid = await svids.good('claude/orchestrator');
  // Counted by the same name, since no certificate was seen; the record's cause tells them apart.
  const said = await handshake({ svid, more: ['-tls1_2'], refused: 'transport.certificate_missing' });
  assertRefused(said, /alert number 70/);
});

test('a session is never resumed', async () => {
  const svid = await svids.good('claude/orchestrator');
  const session = join(svids.dir, 'session.pem');
  const first = await handshake({ svid, more: ['-sess_out', session] });
  assert.match(first.stdout, answered);
  assert.match(first.stdout, /Post-Handshake New Session Ticket arrived/, 'there is something to try to resume with');
  const second = await handshake({ svid, more: ['-sess_in', session] });
  assert.match(second.stdout, /^New, TLSv1\.3/m);
  assert.doesNotMatch(second.stdout, /^Reused,/m);
  assert.match(second.stdout, answered);
});

test('what was refused before anybody was known has been counted, by reason', async () => {
  await world.plane.stop();
  const counted = countedRefusals(world.dataDir);
  for (const [reason, times] of provoked) assert.equal(counted.get(reason), times, `${reason} in ${[...counted]}`);
});
