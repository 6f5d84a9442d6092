// Cedar's `ipaddr`: one address or a CIDR block, IPv4 or IPv6. An IPv4 address inside IPv6 notation is refused, and the two
// families never match each other.

import { parseAddress } from '../../std/cidr.ts';
import { type CedarIp, type Fault, fault } from './value.ts';

/** Of `ABCD:EF01:2345:6789:ABCD:EF01:2345:6789/128`. */
const charsMax = 43;
const UNREADABLE = fault('extension', '`ip` could not read its argument');

export function ipOf(text: string): CedarIp | Fault {
  if (text.length > charsMax || (text.includes(':') && text.includes('.'))) return UNREADABLE;
  const slash = text.indexOf('/');
  const bytes = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (!bytes) return UNREADABLE;
  const bits = slash < 0 ? String(bytes.length * 8) : text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(bits) || Number(bits) > bytes.length * 8) return UNREADABLE;
  return { kind: 'ipaddr', bytes, prefixBits: Number(bits) };
}

/** The whole block of `ip` lies inside `range`. */
export function isInRange(ip: CedarIp, range: CedarIp): boolean {
  if (ip.bytes.length !== range.bytes.length || ip.prefixBits < range.prefixBits) return false;
  return ip.bytes.every((byte, i) => {
    const mask = 0xff00 >> Math.min(Math.max(range.prefixBits - i * 8, 0), 8);
    return ((byte ^ range.bytes[i]!) & mask & 0xff) === 0;
  });
}

export function isV4(ip: CedarIp): boolean {
  return ip.bytes.length === 4;
}

/** 127.0.0.0/8 or ::1. */
export function isLoopback(ip: CedarIp): boolean {
  if (isV4(ip)) return ip.bytes[0] === 127 && ip.prefixBits >= 8;
  return ip.prefixBits === 128 && ip.bytes.every((byte, i) => byte === (i === 15 ? 1 : 0));
}

/** 224.0.0.0/4 or ff00::/8. */
export function isMulticast(ip: CedarIp): boolean {
  if (isV4(ip)) return ip.bytes[0]! >> 4 === 0xe && ip.prefixBits >= 4;
  return ip.bytes[0] === 0xff && ip.prefixBits >= 8;
}
