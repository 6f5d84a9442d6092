// Secret discovery for Envoy on the socket of the Workload API (Envoy SDS v3), with SPIRE's resource names, so that configurations
// written for SPIRE work as they are: `default` (the SVID), `ROOTCA` (our trust domain), `ALL` (and the federated ones), a SPIFFE
// ID, or a trust domain ID; no name asks for everything. A response is the whole present state; the caller is attested before each.

import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { trustDomainOf } from '@writ/core';
import type { Identity } from '../attest.ts';
import type { Peer } from '../peercred.ts';
import { tlsIdentity, toPem } from '../tls-pem.ts';
import {
  type DiscoveryRequest,
  type DiscoveryResponseSchema,
  SecretSchema,
  SPIFFECertValidatorConfigSchema,
} from './gen/sds_pb.ts';
import { identityOf, type MintedSvid, renewalOf, type StreamPorts } from './streams.ts';

type Response = MessageInitShape<typeof DiscoveryResponseSchema>;
type Secret = MessageInitShape<typeof SecretSchema>;

const types = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';
const secretType = `${types}.Secret`;
const namesMax = 64;
const retrySeconds = 5;

/** What this stream gave out last, so that a response is sent only when something in it is new. */
interface Given {
  readonly svid: MintedSvid | null;
  readonly renewSeconds: number;
  readonly text: string;
}

/** One question, one answer. */
export async function fetchSecrets(ports: StreamPorts, peer: Peer, asked: DiscoveryRequest): Promise<Response> {
  const names = namesOf(asked);
  const { secrets } = await present(ports, peer, names, null);
  return responseOf(ports, secrets);
}

/** Answers the first request, whatever changes, and requests for other names, until the caller goes. */
export async function* secretStream(
  ports: StreamPorts,
  peer: Peer,
  requests: AsyncIterable<DiscoveryRequest>,
  signal: AbortSignal,
): AsyncGenerator<Response> {
  const inbox = openInbox(requests);
  let names: readonly string[] | null = null;
  let nonce = '';
  let given: Given | null = null;
  while (!signal.aborted && !inbox.ended()) {
    const seen = ports.wakeups.generation();
    for (const asked of inbox.take()) {
      // Meant for a response before the last one: what it says has been overtaken.
      if (asked.responseNonce !== '' && asked.responseNonce !== nonce) continue;
      if (asked.errorDetail) {
        const says = asked.errorDetail.message.slice(0, 500);
        ports.onEvent({ kind: 'not_taken', pid: peer.process.pid, uid: peer.uid, says });
      }
      const wanted = namesOf(asked);
      if (names?.join() !== wanted.join()) given = null;
      names = wanted;
    }
    let againSeconds = Number.POSITIVE_INFINITY;
    if (names !== null) {
      let answer: Response | null = null;
      try {
        const now = await present(ports, peer, names, given);
        if (now.given.text !== given?.text) answer = responseOf(ports, now.secrets);
        given = now.given;
        againSeconds = given.renewSeconds;
      } catch (cause) {
        if (cause instanceof ConnectError) throw cause;
        ports.onEvent({ kind: 'outage', pid: peer.process.pid, cause });
        if (given === null) throw new ConnectError('not ready', Code.Unavailable);
        // An issuer that fails must not take away what is still good.
        againSeconds = ports.clock.nowSeconds() + retrySeconds;
      }
      if (answer !== null) {
        nonce = answer.nonce!;
        yield answer;
      }
    }
    const nap = new AbortController();
    await Promise.race([
      ports.wakeups.sleep(againSeconds, seen, AbortSignal.any([signal, nap.signal])),
      inbox.arrival(),
    ]);
    nap.abort();
  }
}

function namesOf({ typeUrl, resourceNames }: DiscoveryRequest): readonly string[] {
  if (typeUrl !== '' && typeUrl !== secretType) throw new ConnectError('secrets only', Code.InvalidArgument);
  if (resourceNames.length > namesMax) throw new ConnectError('too many names', Code.InvalidArgument);
  return [...new Set(resourceNames)].sort();
}

/** The secrets of these names now. The SVID is kept until it is time, and only made when somebody wants it. */
async function present(ports: StreamPorts, peer: Peer, names: readonly string[], before: Given | null) {
  const identity = await identityOf(ports, peer);
  const domain = `spiffe://${trustDomainOf(identity.spiffeId)}`;
  const bundles = new Map([...ports.federated(), [domain, ports.bundle()] as const]);
  const wanted = names.length > 0 ? names : [identity.spiffeId, ...bundles.keys()];
  const roots = JSON.stringify(
    [...bundles].map(([id, ders]) => [id, ders.map((der) => Buffer.from(der).toString('base64'))]),
  );
  const isSvid = (name: string) => name === 'default' || name === identity.spiffeId;
  const now = ports.clock.nowSeconds();
  const kept =
    before?.svid &&
    before.svid.spiffeId === identity.spiffeId &&
    now < before.renewSeconds &&
    before.text.endsWith(roots);
  const svid = !wanted.some(isSvid) ? null : kept ? before.svid : await mint(ports, peer, identity);
  const secrets = wanted.map((name): Secret => {
    if (svid !== null && isSvid(name)) return { name, type: { case: 'tlsCertificate', value: certificateOf(svid) } };
    const chosen = name === 'ALL' ? bundles : name === 'ROOTCA' ? pick(bundles, domain) : pick(bundles, name);
    if (chosen.size === 0) throw new ConnectError('a secret of an unknown name', Code.InvalidArgument);
    return { name, type: { case: 'validationContext', value: validationOf(chosen) } };
  });
  const renewSeconds =
    svid === null ? Number.POSITIVE_INFINITY : kept ? before.renewSeconds : renewalOf(svid, now, ports.random());
  const given: Given = { svid, renewSeconds, text: `${svid?.serialHex ?? ''} ${roots}` };
  return { secrets, given };
}

async function mint(ports: StreamPorts, peer: Peer, identity: Identity): Promise<MintedSvid> {
  const svid = await ports.mint({ spiffeId: identity.spiffeId });
  const { serialHex, notAfterSeconds } = svid;
  ports.onEvent({ kind: 'issued', identity, pid: peer.process.pid, uid: peer.uid, serialHex, notAfterSeconds });
  return svid;
}

function pick<Value>(bundles: ReadonlyMap<string, Value>, id: string): ReadonlyMap<string, Value> {
  return new Map([...bundles].filter(([held]) => held === id));
}

function certificateOf(svid: MintedSvid) {
  const { certPem, keyPem } = tlsIdentity(svid);
  return { certificateChain: inline(certPem), privateKey: inline(keyPem) };
}

/** Envoy's own SPIFFE validator, with each trust domain's roots for that domain alone. One list of roots would pool them. */
function validationOf(bundles: ReadonlyMap<string, readonly Uint8Array[]>) {
  const trustDomains = [...bundles].map(([id, roots]) => ({
    name: id.slice('spiffe://'.length),
    trustBundle: inline(roots.map((der) => toPem('CERTIFICATE', der)).join('')),
  }));
  const config = create(SPIFFECertValidatorConfigSchema, { trustDomains });
  const typedConfig = create(AnySchema, {
    typeUrl: `${types}.SPIFFECertValidatorConfig`,
    value: toBinary(SPIFFECertValidatorConfigSchema, config),
  });
  return { customValidatorConfig: { name: 'envoy.tls.cert_validator.spiffe', typedConfig } };
}

function inline(pem: string) {
  return { specifier: { case: 'inlineBytes' as const, value: Buffer.from(pem) } };
}

function responseOf(ports: StreamPorts, secrets: readonly Secret[]): Response {
  const resources = secrets.map((secret) =>
    create(AnySchema, { typeUrl: secretType, value: toBinary(SecretSchema, create(SecretSchema, secret)) }),
  );
  const nonce = crypto.randomUUID();
  return { versionInfo: `${ports.clock.nowSeconds()}-${nonce.slice(0, 8)}`, typeUrl: secretType, nonce, resources };
}

/** Requests as they come, to be taken when there is time; never more than a few, since the newest one counts. */
function openInbox(requests: AsyncIterable<DiscoveryRequest>) {
  let arrived: DiscoveryRequest[] = [];
  let over = false;
  let ring = Promise.withResolvers<void>();
  const wake = () => {
    ring.resolve();
    ring = Promise.withResolvers<void>();
  };
  const read = async () => {
    for await (const request of requests) {
      arrived.push(request);
      if (arrived.length > namesMax) arrived = arrived.slice(-namesMax);
      wake();
    }
  };
  read()
    .catch(() => {}) // the caller broke off
    .finally(() => {
      over = true;
      wake();
    });
  return {
    take: () => arrived.splice(0),
    ended: () => over && arrived.length === 0,
    arrival: () => (arrived.length > 0 || over ? Promise.resolve() : ring.promise),
  };
}
