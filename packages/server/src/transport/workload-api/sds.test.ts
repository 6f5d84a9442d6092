// Secret discovery as SPIRE answers it (labs/spiffe §4), asked by a foreign gRPC client. Envoy itself is in test/interop.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { connect as connectSocket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { entryOf, eventually } from '../launch-fixtures.ts';
import { type Bench, codeOf, openBench, resident } from './bench.fixture.ts';
import {
  type DiscoveryResponse,
  SecretDiscoveryService,
  SecretSchema,
  SPIFFECertValidatorConfigSchema,
} from './gen/sds_pb.ts';

const own = 'spiffe://zylos.local/demo/resident';

function clientOf(t: TestContext, bench: Bench) {
  const sockets = new Set<{ destroy(): void }>();
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const createConnection = () => {
    const socket = connectSocket(bench.options.socketPath);
    sockets.add(socket);
    return socket;
  };
  return createClient(
    SecretDiscoveryService,
    createGrpcTransport({ baseUrl: 'http://localhost', nodeOptions: { createConnection } }),
  );
}

/** Names of a response's secrets; a certificate with its serial, a validation context with its domains and their roots. */
function read({ resources }: DiscoveryResponse): Record<string, unknown> {
  return Object.fromEntries(
    resources.map(({ value }) => {
      const { name, type } = fromBinary(SecretSchema, value);
      if (type.case === 'tlsCertificate') {
        const pem = Buffer.from(type.value.certificateChain!.specifier.value!).toString();
        assert.match(Buffer.from(type.value.privateKey!.specifier.value!).toString(), /^-----BEGIN PRIVATE KEY/);
        return [name, new X509Certificate(pem).subjectAltName];
      }
      assert.equal(type.case, 'validationContext');
      const config = type.value!.customValidatorConfig!;
      assert.equal(config.name, 'envoy.tls.cert_validator.spiffe');
      const { trustDomains } = fromBinary(SPIFFECertValidatorConfigSchema, config.typedConfig!.value);
      const rootsOf = (pem: Uint8Array) => Buffer.from(pem).toString().split('-----BEGIN').length - 1;
      return [name, trustDomains.map((domain) => [domain.name, rootsOf(domain.trustBundle!.specifier.value!)])];
    }),
  );
}

/** One stream: what is written to it, and what came. */
function openStream(t: TestContext, bench: Bench) {
  const outbox: object[] = [];
  const responses: DiscoveryResponse[] = [];
  let error: ConnectError | null = null;
  let ring = () => {};
  const stop = new AbortController();
  t.after(() => stop.abort());
  async function* requests() {
    for (;;) {
      while (outbox.length > 0) yield outbox.shift()!;
      await new Promise<void>((resolve) => (ring = resolve));
    }
  }
  (async () => {
    for await (const one of clientOf(t, bench).streamSecrets(requests(), { signal: stop.signal })) responses.push(one);
  })().catch((cause) => {
    error = ConnectError.from(cause);
  });
  return {
    responses,
    error: () => error,
    say(request: object) {
      outbox.push(request);
      ring();
    },
    ack(change: object = {}) {
      const { nonce: responseNonce, versionInfo } = responses.at(-1)!;
      this.say({ responseNonce, versionInfo, ...change });
    },
  };
}

const quiet = () => new Promise((resolve) => setTimeout(resolve, 60));

test("SPIRE's names are answered with the SVID, our trust domain, and all of them", async (t) => {
  const partner = await openBench(t, [resident]);
  const bench = await openBench(t, [resident], {
    federated: () => new Map([['spiffe://partner.test', partner.authority.bundle()]]),
  });
  const ask = async (...resourceNames: string[]) => read(await clientOf(t, bench).fetchSecrets({ resourceNames }));
  const [svid, ours, theirs] = [`URI:${own}`, ['zylos.local', 1], ['partner.test', 1]];
  assert.deepEqual(await ask('default', 'ROOTCA'), { default: svid, ROOTCA: [ours] });
  assert.deepEqual(await ask(own), { [own]: svid });
  assert.deepEqual(await ask('ALL'), { ALL: [theirs, ours] });
  assert.deepEqual(await ask('spiffe://partner.test'), { 'spiffe://partner.test': [theirs] });
  const all = { [own]: svid, 'spiffe://zylos.local': [ours], 'spiffe://partner.test': [theirs] };
  assert.deepEqual(await ask(), all);
});

test('an unknown name, another type and too many names are invalid; nothing is minted for a bundle alone', async (t) => {
  const bench = await openBench(t, [resident]);
  const client = clientOf(t, bench);
  for (const name of ['other', 'spiffe://zylos.local/demo/other', 'spiffe://partner.test', 'rootca', '']) {
    assert.equal(await codeOf(client.fetchSecrets({ resourceNames: [name] })), Code.InvalidArgument, name);
  }
  const cluster = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';
  assert.equal(await codeOf(client.fetchSecrets({ typeUrl: cluster })), Code.InvalidArgument);
  const many = Array.from({ length: 65 }, (_, i) => `n${i}`);
  assert.equal(await codeOf(client.fetchSecrets({ resourceNames: many })), Code.InvalidArgument);
  await client.fetchSecrets({ resourceNames: ['ROOTCA'] });
  assert.deepEqual(bench.events, []);
});

test('a process without an identity gets no secret, not even the roots', async (t) => {
  const bench = await openBench(t, [entryOf('demo/one', { launched: true })]);
  for (const name of ['default', 'ROOTCA']) {
    assert.equal(await codeOf(clientOf(t, bench).fetchSecrets({ resourceNames: [name] })), Code.PermissionDenied);
  }
  assert.ok(bench.events.every(({ kind }) => kind === 'refused'));
});

test('a stream answers once, is quiet while its answer stands, and pushes a renewal and a new root', async (t) => {
  const bench = await openBench(t, [resident]);
  const stream = openStream(t, bench);
  stream.say({ resourceNames: ['default', 'ROOTCA'] });
  await eventually('the answer', () => stream.responses.length === 1);
  stream.ack({ resourceNames: ['ROOTCA', 'default'] });
  bench.api.refresh();
  await quiet();
  assert.equal(stream.responses.length, 1);
  bench.now += 50;
  await eventually('the renewal', () => stream.responses.length === 2);
  await bench.authority.rotate('root', { atOnce: false, revoke: false });
  bench.api.refresh();
  await eventually('the new root', () => stream.responses.length === 3);
  assert.deepEqual(read(stream.responses[2]!).ROOTCA, [['zylos.local', 2]]);
  const nonces = new Set(stream.responses.map(({ nonce }) => nonce));
  const versions = new Set(stream.responses.map(({ versionInfo }) => versionInfo));
  assert.deepEqual([nonces.size, versions.size], [3, 3]);
});

test('other names are answered, an overtaken request is not, and a refusal of what was sent is on record', async (t) => {
  const bench = await openBench(t, [resident]);
  const stream = openStream(t, bench);
  stream.say({ resourceNames: ['ROOTCA'] });
  await eventually('the answer', () => stream.responses.length === 1);
  stream.say({ resourceNames: ['default'], responseNonce: 'not the last one' });
  await quiet();
  assert.equal(stream.responses.length, 1);
  stream.ack({ resourceNames: ['default'] });
  await eventually('the other name', () => stream.responses.length === 2);
  assert.deepEqual(Object.keys(read(stream.responses[1]!)), ['default']);
  stream.ack({ resourceNames: ['default'], errorDetail: { code: 3, message: 'cannot load the key' } });
  await eventually('the record', () => bench.events.some(({ kind }) => kind === 'not_taken'));
  assert.equal(stream.responses.length, 2, 'what was not taken is not sent again until it changes');
  stream.ack({ resourceNames: ['nothing'] });
  await eventually('the end', () => stream.error() !== null);
  assert.equal(stream.error()!.code, Code.InvalidArgument);
});

test('a withdrawn registration ends the stream', async (t) => {
  const bench = await openBench(t, [resident]);
  const stream = openStream(t, bench);
  stream.say({ resourceNames: ['default'] });
  await eventually('the answer', () => stream.responses.length === 1);
  bench.plane.setEntries([]);
  bench.api.refresh();
  await eventually('the end', () => stream.error() !== null);
  assert.equal(stream.error()!.code, Code.PermissionDenied);
});

test('an issuer that fails takes nothing away', async (t) => {
  let fails = false;
  const bench: Bench = await openBench(t, [resident], {
    mint: async (request) => {
      if (fails) throw new Error('disk full');
      return bench.authority.mint(request);
    },
  });
  const stream = openStream(t, bench);
  stream.say({ resourceNames: ['default'] });
  await eventually('the answer', () => stream.responses.length === 1);
  fails = true;
  bench.now += 60;
  await eventually('the outage', () => bench.events.some(({ kind }) => kind === 'outage'));
  fails = false;
  bench.now += 6;
  await eventually('the renewal', () => stream.responses.length === 2);
  assert.equal(stream.error(), null);
});
