// Requests of the broker to stores of secrets and authorization servers: no redirect, bounded in time and bytes, https (or http on
// loopback where the operator wrote it), and only to public addresses unless the operator wrote that very origin. The address that
// was looked at is the one that is connected to. MCP security practices, SSRF; standards/oauth, client id metadata.

import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Agent, request } from 'undici';

export interface WebRequest {
  readonly method: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: string | null;
}

export interface WebAnswer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  readonly text: string;
}

export interface Web {
  /** Rejects with a WebError: a sentence for the operator, which never holds what was sent. */
  ask(url: URL, request: WebRequest): Promise<WebAnswer>;
  close(): Promise<void>;
}

/** Nobody usable answered. */
export class WebError extends Error {
  override readonly name = 'WebError';
}

const millisMax = 10_000;
const answerBytesMax = 256 * 1024;

/** RFC 6890 and its successors, and what carries an IPv4 address inside. */
const special = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  special.addSubnet(net, bits, 'ipv4');
}
for (const [net, bits] of [
  ['::', 96],
  ['64:ff9b::', 32],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  special.addSubnet(net, bits, 'ipv6');
}

export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && !special.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

export function openWeb(options: {
  /** Origins that the operator wrote down: these may be private, and plain http on loopback. */
  readonly origins: ReadonlySet<string>;
  /** Certificates to trust besides the system's, PEM, by origin. */
  readonly anchors?: ReadonlyMap<string, string>;
  readonly lookup?: LookupFunction;
}): Web {
  const { origins, anchors = new Map() } = options;
  const agents = new Map<string, Agent>();
  const agentFor = (url: URL): Agent => {
    const known = agents.get(url.origin);
    if (known) return known;
    const look = options.lookup ?? (systemLookup as LookupFunction);
    const agent = new Agent({
      connections: 8,
      headersTimeout: millisMax,
      bodyTimeout: millisMax,
      connect: {
        timeout: millisMax,
        lookup: origins.has(url.origin) ? look : publicOnly(look),
        ...(anchors.has(url.origin) ? { ca: anchors.get(url.origin)! } : {}),
      },
    });
    agents.set(url.origin, agent);
    return agent;
  };

  return {
    async ask(url, { method, headers, body }) {
      const fault = faultOf(url, origins.has(url.origin));
      if (fault !== null) throw new WebError(`\`${url.origin}\` is not asked: ${fault}`);
      const where = `\`${url.origin}${url.pathname}\``;
      try {
        // undici's `request` follows no redirect: a credential never goes where an answer points (rules §7.6).
        const answer = await request(url, {
          dispatcher: agentFor(url),
          method: method as 'GET',
          headers,
          body,
          signal: AbortSignal.timeout(millisMax),
        });
        const text = await boundedText(answer.body, where);
        if (answer.statusCode >= 300 && answer.statusCode < 400) {
          throw new WebError(`${where} redirects, which is not followed; name the address it points to`);
        }
        return { status: answer.statusCode, headers: plainHeaders(answer.headers), text };
      } catch (error) {
        throw error instanceof WebError ? error : new WebError(`${where} does not answer: ${causeOf(error)}`);
      }
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}

function faultOf(url: URL, written: boolean): string | null {
  if (url.username !== '' || url.password !== '') return 'its address carries a name or password';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const literal = isIP(host) !== 0;
  if (!written && (host === 'localhost' || host.endsWith('.localhost') || (literal && !isPublicAddress(host)))) {
    return 'it is no public address, and the configuration does not name it';
  }
  if (url.protocol === 'https:') return null;
  const loopback = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  return url.protocol === 'http:' && written && loopback ? null : 'it is not https';
}

function publicOnly(look: LookupFunction): LookupFunction {
  return (hostname, options, done) => {
    look(hostname, { ...options, all: true }, (error, found) => {
      if (error) return done(error, '', 0);
      const all = (found as unknown as { address: string; family: number }[]).filter(({ address }) =>
        isPublicAddress(address),
      );
      const first = all[0];
      if (!first) return done(new Error(`\`${hostname}\` has no public address`), '', 0);
      if (options.all) (done as unknown as (error: null, found: typeof all) => void)(null, all);
      else done(null, first.address, first.family);
    });
  };
}

async function boundedText(body: AsyncIterable<Uint8Array>, where: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > answerBytesMax) throw new WebError(`${where} answers with more than ${answerBytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function plainHeaders(headers: { readonly [name: string]: string | string[] | undefined }): { [name: string]: string } {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}

function causeOf(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (name === 'TimeoutError') return `no answer within ${millisMax} ms`;
  return code ?? message ?? 'unknown error';
}
