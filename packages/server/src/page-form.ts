// What comes in from a page: whether the request was meant for this plane and came from its own pages, its form, its cookies.

import type { IncomingMessage } from 'node:http';

/** Is `Host` one of the plane's own? A name that an attacker points at this address is not (DNS rebinding). */
export function isForUs(req: IncomingMessage, origins: readonly string[]): boolean {
  const host = req.headers.host?.toLowerCase();
  return underAllNames(origins).some((origin) => new URL(origin).host === host);
}

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/** On loopback the three names are one, and nobody else can be reached by them. */
function underAllNames(origins: readonly string[]): readonly string[] {
  return origins.flatMap((origin) => {
    const { protocol, hostname, port } = new URL(origin);
    if (!LOOPBACK.includes(hostname)) return [origin];
    return LOOPBACK.map((name) => `${protocol}//${name}${port === '' ? '' : `:${port}`}`);
  });
}

/**
 * Did a page of somebody else send this? Browsers say so in `Sec-Fetch-Site` and `Origin`; a program that is no browser sends
 * neither. Our pages send no referrer, and then `Origin` is `null` even for us (Fetch §3.1), so the first one counts more.
 */
export function isForeign(req: IncomingMessage, origins: readonly string[]): boolean {
  const { origin, 'sec-fetch-site': site } = req.headers;
  // `none` is a person who typed the address; a form has always come from a page.
  if (site !== undefined && site !== 'same-origin' && !(site === 'none' && req.method === 'GET')) return true;
  if (origin === undefined) return false;
  return origin === 'null' ? site !== 'same-origin' : !underAllNames(origins).includes(origin);
}

const formBytesMax = 16 * 1024;

/** The fields, each at most once; null for anything that is no such form, or too large. */
export async function readForm(req: IncomingMessage): Promise<ReadonlyMap<string, string> | null> {
  if (!/^application\/x-www-form-urlencoded *(;|$)/i.test(req.headers['content-type'] ?? '')) return null;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of req as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > formBytesMax) return null;
      chunks.push(chunk);
    }
  } catch {
    return null; // cut short: nobody is there to be answered
  }
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(Buffer.concat(chunks).toString('utf8'))) {
    if (fields.has(name)) return null;
    fields.set(name, value);
  }
  return fields;
}

/** The cookie of that name; null when it is missing or there are several (another path, or another port of this host, set one). */
export function cookieOf(header: string | undefined, name: string): string | null {
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`));
  return values.length === 1 ? values[0]!.slice(name.length + 1) : null;
}

export function pathOf(req: IncomingMessage): string {
  return (req.url ?? '/').split('?', 1)[0]!;
}

export function queryOf(req: IncomingMessage): URLSearchParams {
  const url = req.url ?? '/';
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}
