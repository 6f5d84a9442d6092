// Where an identity document may be fetched from: the rules of the port that fetches it. Names come from tokens, which come from
// anybody, so what is asked must never be a machine of our own network (server-side request forgery). Draft -01 §2.2, lab aip §1.

import { inCidr } from '../../../std/cidr.ts';
import { parseAipId } from './id.ts';

/** The only address of an identifier's document, or null: an `aip:key` is its own key and never leads to a network access. */
export function documentUrlOf(id: string): string | null {
  const parsed = parseAipId(id);
  return parsed?.kind === 'web' ? `https://${parsed.domain}/.well-known/aip/${parsed.path}.json` : null;
}

// IANA special-purpose registries, as far as a packet to them could end anywhere near us.
const NEAR = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/3', '::/96', '::ffff:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2002::/16'],
  ...['2001:db8::/32', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
];

/** Asked of every address that the name resolved to, right before connecting to that very address; redirects are not followed. */
export function mayFetchFrom(address: string): boolean {
  const isAddress = inCidr(address, '0.0.0.0/0') || inCidr(address, '::/0');
  return isAddress && !NEAR.some((block) => inCidr(address, block));
}
