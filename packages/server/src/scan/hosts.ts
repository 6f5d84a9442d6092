// What kind of machine a host name means, without asking anybody: names other than localhost are not looked up.

import { isIP } from 'node:net';
import { inCidr } from '@writ/core';

export type HostKind = 'loopback' | 'private' | 'beyond';

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'];

/** `url.hostname` as `URL` gives it. Link-local addresses are beyond: the metadata services of clouds live there. */
export function hostKind(hostname: string): HostKind {
  const host = hostname
    .replace(/^\[|\]$/g, '')
    .toLowerCase()
    .replace(/\.$/, '');
  if (host === 'localhost' || host.endsWith('.localhost')) return 'loopback';
  if (isIP(host) === 0) return 'beyond';
  if (inCidr(host, '127.0.0.0/8') || host === '::1' || host === '::' || host === '0.0.0.0') return 'loopback';
  return PRIVATE.some((network) => inCidr(host, network)) ? 'private' : 'beyond';
}

/** Is `hostname` one of these domains or below one? */
export function isUnder(hostname: string, domains: readonly string[]): boolean {
  return domains.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`));
}

/** An address without user, query and fragment, for people and for writ.yaml; null where it is none. */
export function plainUrl(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  return `${url.origin}${url.pathname}`;
}
