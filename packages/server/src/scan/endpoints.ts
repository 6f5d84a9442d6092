// Which endpoints there are to ask: in configurations, behind listening sockets, and named on the command line. Asks nobody.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from './configuration.ts';
import { leaves } from './document.ts';
import { hostKind, plainUrl } from './hosts.ts';
import { bridgedUrls } from './launch.ts';
import type { Endpoint } from './seen.ts';

export interface Socket {
  /** `127.0.0.1`, `::`. */
  readonly address: string;
  readonly port: number;
}

export function endpointsOf(configuration: Configuration, sockets: readonly Socket[]): readonly Endpoint[] {
  const ofServers = configuration.servers.flatMap((server) =>
    [...(server.url === null ? [] : [server.url]), ...bridgedUrls(server)].flatMap(
      ({ text, place }): readonly Endpoint[] =>
        plainUrl(text) === null
          ? []
          : [{ url: text, from: 'configuration', kind: 'mcp', place, server, isExposed: isExposed(text, sockets) }],
    ),
  );
  const ofCards = [...leaves(configuration.root)].flatMap(({ node, path }): readonly Endpoint[] => {
    const key = path.findLast((name) => !/^[0-9]+$/.test(name)) ?? '';
    if (node.kind !== 'text' || plainUrl(node.value) === null) return [];
    const isAgent = /\/\.well-known\/agent(?:-card)?\.json$/.test(node.value) || /a2a|agent[-_]?card/i.test(key);
    if (!isAgent) return [];
    const place = configuration.placeOf(node);
    return [
      {
        url: node.value,
        from: 'configuration',
        kind: 'a2a',
        place,
        server: null,
        isExposed: isExposed(node.value, sockets),
      },
    ];
  });
  return [...ofServers, ...ofCards];
}

function isExposed(url: string, sockets: readonly Socket[]): boolean {
  const { hostname, port, protocol } = new URL(url);
  if (hostKind(hostname) !== 'loopback') return false;
  const number = Number(port || (protocol === 'https:' ? 443 : 80));
  return sockets.some((one) => one.port === number && hostKind(one.address) === 'loopback' && isAny(one.address));
}

/** Ports where something else than HTTP lives; a stray request there helps nobody. */
const OTHER_PORTS = new Set([
  ...[21, 22, 23, 25, 53, 67, 68, 69, 110, 111, 123, 135, 139, 143, 161, 389, 445, 465, 514, 515, 587, 631, 636],
  ...[873, 990, 993, 995, 1433, 1521, 2049, 2375, 2376, 3306, 3389, 5353, 5355, 5432, 5672, 5900, 6000, 6379, 6443],
  ...[9042, 9092, 9100, 10250, 11211, 27017, 50051],
]);

/** What listens on this machine, from the kernel's tables; empty where there are none. */
export function listeningSockets(procNet = '/proc/net'): readonly Socket[] {
  const rows = ['tcp', 'tcp6'].flatMap((table) => tableOf(join(procNet, table)).split('\n').slice(1));
  const found = rows.flatMap((row): readonly Socket[] => {
    const [, local, , state] = row.trim().split(/\s+/);
    const [address, port] = local?.split(':') ?? [];
    // 0A is LISTEN.
    if (state !== '0A' || address === undefined || port === undefined) return [];
    return [{ address: addressOf(address), port: Number.parseInt(port, 16) }];
  });
  return [...new Map(found.map((one) => [`${one.address} ${one.port}`, one])).values()];
}

function tableOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Words of four bytes, each in the byte order of the machine, which is little-endian wherever Node 24 runs. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).toReversed().map((byte) => Number.parseInt(byte, 16)),
  );
  if (bytes.length === 4) return bytes.join('.');
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  if (isMapped) return bytes.slice(12).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

export function endpointsOfSockets(sockets: readonly Socket[], known: readonly Endpoint[]): readonly Endpoint[] {
  const taken = new Set(
    known.filter(({ url }) => hostKind(new URL(url).hostname) === 'loopback').map(({ url }) => new URL(url).port),
  );
  const ports = new Map<number, Socket[]>();
  for (const one of sockets)
    if (!OTHER_PORTS.has(one.port) && !taken.has(String(one.port)))
      ports.set(one.port, [...(ports.get(one.port) ?? []), one]);
  return [...ports].map(([port, all]): Endpoint => {
    // The most private address is where it surely answers; on the others it answers too.
    const chosen = all.find(({ address }) => hostKind(address) === 'loopback') ?? all[0]!;
    const host =
      chosen.address === '0.0.0.0'
        ? '127.0.0.1'
        : chosen.address === '::'
          ? '[::1]'
          : chosen.address.includes(':')
            ? `[${chosen.address}]`
            : chosen.address;
    const isExposed = all.some(({ address }) => isAny(address) || hostKind(address) !== 'loopback');
    return { url: `http://${host}:${port}/`, from: 'socket', kind: 'any', place: null, server: null, isExposed };
  });
}

function isAny(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** `https://x.example/mcp`, `x.example`, `127.0.0.1:8931`; null where it is no address. Without a scheme TLS is meant beyond this network. */
export function namedEndpoint(text: string): Endpoint | null {
  const hasScheme = /^https?:\/\//i.test(text);
  if (!hasScheme && !URL.canParse(`http://${text}`)) return null;
  const guess = hasScheme
    ? text
    : `${hostKind(new URL(`http://${text}`).hostname) === 'beyond' ? 'https' : 'http'}://${text}`;
  if (!URL.canParse(guess)) return null;
  return { url: guess, from: 'named', kind: 'any', place: null, server: null, isExposed: false };
}
