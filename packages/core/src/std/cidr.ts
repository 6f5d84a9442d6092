// IP addresses and blocks, strictly: no octal, no leading zeros, no zone ids. RFC 4632, RFC 4291.

/** Is the address inside the block (`10.0.0.0/8`, `2001:db8::/32`)? False when either cannot be read. */
export function inCidr(address: string, block: string): boolean {
  const slash = block.lastIndexOf('/');
  if (slash < 0) return false;
  const bits = block.slice(slash + 1);
  const network = parseAddress(block.slice(0, slash));
  const seen = parseAddress(address);
  if (!network || !seen || network.length !== seen.length || !/^(0|[1-9]\d{0,2})$/.test(bits)) return false;
  const length = Number(bits);
  if (length > network.length * 8) return false;
  for (let bit = 0; bit < length; bit++) {
    const mask = 0x80 >> (bit & 7);
    if ((network[bit >> 3]! & mask) !== (seen[bit >> 3]! & mask)) return false;
  }
  return true;
}

/** 4 or 16 bytes, or null. */
export function parseAddress(text: string): readonly number[] | null {
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

function parseV4(text: string): readonly number[] | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return null;
  return parts.map(Number);
}

function parseV6(text: string): readonly number[] | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const groups = (half: string): number[] | null => {
    if (half === '') return [];
    const bytes: number[] = [];
    const parts = half.split(':');
    for (const [i, part] of parts.entries()) {
      if (part.includes('.')) {
        const v4 = i === parts.length - 1 ? parseV4(part) : null;
        if (!v4) return null;
        bytes.push(...v4);
      } else {
        if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return null;
        const value = Number.parseInt(part, 16);
        bytes.push(value >> 8, value & 255);
      }
    }
    return bytes;
  };
  const head = groups(halves[0]!);
  const tail = halves.length === 2 ? groups(halves[1]!) : [];
  if (!head || !tail) return null;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return null;
  return [...head, ...Array<number>(missing).fill(0), ...tail];
}
