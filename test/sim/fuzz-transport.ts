// Random input for the readers that stand before everything else: SPIFFE IDs, certificates, tokens, bundles and the messages of the
// Workload API. Input `i` of a seed is always the same, so a run is taken up again by its next number, and a finding is one number.
// Wrong is a throw, or a yes where a second, independent reader says no or reads something else.

import 'reflect-metadata'; // @peculiar/x509 needs it at import time

import { X509Certificate as OpenSslCertificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from '@peculiar/x509';
import {
  equalBytes,
  judgeJwtSvid,
  judgeSvid,
  parseSpiffeId,
  protoBytesList,
  protoString,
  readBundle,
  readDerList,
  readProto,
} from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { jwtSvidKey } from '../../packages/server/src/transport/jwt-key.ts';
import { X509SVIDResponseSchema } from '../../packages/server/src/transport/workload-api/gen/workload_pb.ts';

export type Target = keyof typeof targets;
export const TARGETS = ['id', 'certificate', 'token', 'bundle', 'message'] as const;

export interface Finding {
  readonly target: Target;
  readonly seed: number;
  readonly number: number;
  readonly says: string;
}

export interface Tally {
  readonly inputs: number;
  readonly accepted: number;
  readonly findings: readonly Finding[];
}

/** Inputs `from` to `from + count - 1` of one target. */
export function fuzz(target: Target, { seed, from, count }: { seed: number; from: number; count: number }): Tally {
  const findings: Finding[] = [];
  let accepted = 0;
  for (let number = from; number < from + count; number++) {
    try {
      if (targets[target](randomOf(seed, number))) accepted++;
    } catch (error) {
      findings.push({ target, seed, number, says: error instanceof Error ? error.message : String(error) });
    }
  }
  return { inputs: count, accepted, findings };
}

interface Random {
  /** 0 ≤ x < below. */
  below(below: number): number;
  pick<T>(items: readonly T[]): T;
}

/** splitmix32 from seed and number: no input depends on the ones before it. */
function randomOf(seed: number, number: number): Random {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b)) >>> 0;
  const below = (limit: number) => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % limit;
  };
  return { below, pick: (items) => items[below(items.length)]! };
}

const vectors = (file: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/spiffe', file), 'utf8')) as never;
const ids = (vectors('ids.json') as { cases: { input: string }[] }).cases.map(({ input }) => input);
const leaves = (vectors('x509-svids.json') as { cases: { chain: string[] }[] }).cases.map(({ chain }) =>
  Uint8Array.from(Buffer.from(chain[0]!, 'base64')),
);
const { nowSeconds } = vectors('x509-svids.json') as { nowSeconds: number };
const jwt = vectors('jwt-svids.json') as {
  audience: string;
  bundles: { 'our.test': { keys: { kid: string }[] } };
  cases: { token: string; code: string | null }[];
};
const bundles = (vectors('bundles.json') as { cases: { text: string }[] }).cases.map(({ text }) => text);
const jwtKeys = new Map([
  [
    'our.test',
    new Map(
      jwt.bundles['our.test'].keys.flatMap((jwk) => {
        const key = jwtSvidKey(jwk);
        return key ? [[jwk.kid, key] as const] : [];
      }),
    ),
  ],
]);

/** Each reads one input and says whether it was accepted; throws about a wrong yes. */
const targets = {
  id(random: Random): boolean {
    const text = mutatedText(random.pick(ids), random, 'spifeSPIFE:/.-_%aA0?#@\\ \0é');
    const id = parseSpiffeId(text);
    // The standard's grammar once more, as one expression.
    const grammar = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*$/;
    const right = grammar.test(text) && !text.endsWith('\n') && text.length <= 2048;
    if ((id !== null) !== right) throw new Error(`${JSON.stringify(text)} is ${right ? 'refused' : 'accepted'}`);
    return right;
  },

  certificate(random: Random): boolean {
    const der = mutatedBytes(random.pick(leaves), random);
    const judged = judgeSvid(nodeEngine, der, { nowSeconds });
    if (judged.outcome === 'deny') return false;
    // What OpenSSL cannot read never gets here: the TLS stack reads it first.
    const openssl = readOr(() => new OpenSslCertificate(der));
    if (openssl === null) return false;
    const { spiffeId } = judged.facts;
    const shown = openssl.subjectAltName ?? '';
    if (openssl.ca) throw new Error('OpenSSL reads an authority');
    if ((shown.match(/(?:^|, )URI:/g) ?? []).length !== 1 || !shown.split(', ').includes(`URI:${spiffeId}`))
      throw new Error(`OpenSSL reads ${shown}`);
    if (openssl.validToDate.getTime() / 1000 !== judged.facts.notAfterSeconds)
      throw new Error('OpenSSL reads another end');
    const other = readOr(() => thirdReading(der));
    if (other === null) return true;
    const mayOnlySign =
      (other.usages & KeyUsageFlags.digitalSignature) !== 0 &&
      (other.usages & (KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign)) === 0;
    if (other.uris.length !== 1 || other.uris[0] !== spiffeId) throw new Error('another reads other names');
    if (other.ca) throw new Error('another reads an authority');
    if (!mayOnlySign) throw new Error('another reads another key usage');
    return true;
  },

  token(random: Random): boolean {
    const { token } = random.pick(jwt.cases);
    const text = mutatedText(token, random, 'ABCxyz019_-.={"');
    const judged = judgeJwtSvid(text, jwtKeys, { audience: jwt.audience, nowSeconds });
    // Signatures cannot be guessed: what is accepted stands in a vector, be it with something behind it that was cut off.
    if (judged.outcome === 'pass' && !jwt.cases.some((one) => one.token.startsWith(text)))
      throw new Error(`accepted: ${text}`);
    return judged.outcome === 'pass';
  },

  bundle(random: Random): boolean {
    const text = mutatedText(random.pick(bundles), random, '{}[]",:0aZ=/+\\ ');
    const bundle = readBundle(Buffer.from(text));
    if (typeof bundle === 'string') return false;
    const other = JSON.parse(text) as { keys: unknown[] };
    if (!Array.isArray(other.keys)) throw new Error('another reads no keys');
    if (bundle.roots.length + bundle.jwtKeys.size > other.keys.length) throw new Error('another reads fewer keys');
    return true;
  },

  message(random: Random): boolean {
    const bytes = mutatedBytes(random.pick(messages), random);
    const fields = readProto(bytes);
    const svids = fields && protoBytesList(fields, 1);
    if (!svids) return false;
    const first = svids[0] && readProto(svids[0]);
    const id = first && protoString(first, 1);
    if (!first || id === null || id === undefined) return false;
    const chain = protoBytesList(first, 2)?.at(-1);
    if (chain) readDerList(chain);
    const other = readOr(() => fromBinary(X509SVIDResponseSchema, bytes));
    // Ours may refuse more; the first SVID, which is the one that counts, the other reads alike.
    if (other === null) return false;
    const theirs = other.svids[0];
    if (theirs?.spiffeId !== id) throw new Error('another reads another SVID');
    if (chain && !equalBytes(chain, theirs.x509Svid)) throw new Error('another reads another chain');
    return true;
  },
};

function thirdReading(der: Uint8Array<ArrayBuffer>) {
  const certificate = new X509Certificate(der);
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  return {
    uris: names.filter(({ type }) => type === 'url').map(({ value }) => value),
    usages: certificate.getExtension(KeyUsagesExtension)?.usages ?? 0,
    ca: certificate.getExtension(BasicConstraintsExtension)?.ca === true,
  };
}

/** Null when the other reader does not read it. */
function readOr<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

const messages = leaves.slice(0, 6).map((x509Svid, i) =>
  toBinary(X509SVIDResponseSchema, {
    $typeName: 'X509SVIDResponse',
    svids: Array.from({ length: 1 + (i % 2) }, (_, n) => ({
      $typeName: 'X509SVID' as const,
      spiffeId: `spiffe://our.test/a/${n}`,
      x509Svid,
      x509SvidKey: Uint8Array.of(0x30, 0),
      bundle: x509Svid,
      hint: '',
    })),
    crl: [],
    federatedBundles: { 'spiffe://their.test': x509Svid },
  }),
);

/** One to four changes: a byte, a bit, a cut, a doubled or an inserted stretch. One input in sixteen is left as it is. */
function mutatedBytes(from: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  let bytes = Uint8Array.from(from);
  if (random.below(16) === 0) return bytes;
  for (let left = 1 + random.below(4); left > 0 && bytes.length > 0; left--) {
    const at = random.below(bytes.length);
    switch (random.below(5)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes[at]! ^= 1 << random.below(8);
        break;
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(Math.max(0, at - random.below(40)))]);
        break;
      default:
        bytes = Uint8Array.from([...bytes.subarray(0, at), random.below(256), ...bytes.subarray(at)]);
    }
  }
  return bytes;
}

function mutatedText(from: string, random: Random, letters: string): string {
  let text = from;
  if (random.below(16) === 0) return text;
  for (let left = 1 + random.below(4); left > 0; left--) {
    const at = random.below(text.length + 1);
    const letter = random.pick([...letters]);
    const mode = random.below(4);
    if (mode === 0) text = text.slice(0, at) + letter + text.slice(at);
    else if (mode === 1) text = text.slice(0, at) + letter + text.slice(at + 1);
    else if (mode === 2) text = text.slice(0, at) + text.slice(at + 1);
    else text = text.slice(0, at) + text.slice(Math.max(0, at - random.below(20)));
  }
  return text;
}
