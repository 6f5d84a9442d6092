// What a SPIFFE ID is (SPIFFE-ID §2), read byte by byte: names made by attackers never meet a URL class that
// normalizes dots, case or percent-escapes. Whether an identity is trusted is decided elsewhere.

declare const spiffeIdBrand: unique symbol;

/** `spiffe://<trust domain>[/<path>]`, canonical: equal identities are equal strings. Made only by `parseSpiffeId`. */
export type SpiffeId = string & { readonly [spiffeIdBrand]: true };

const scheme = 'spiffe://';

/** SPIFFE-ID §2.1 and §2.3. */
const trustDomainBytesMax = 255;
const spiffeIdBytesMax = 2048;

const SLASH = 0x2f;
const DOT = 0x2e;

/** The identity in `text`, or null. An upper-case trust domain or scheme is refused rather than lowered: one spelling only. */
export function parseSpiffeId(text: string): SpiffeId | null {
  if (text.length > spiffeIdBytesMax || !text.startsWith(scheme)) return null;
  const path = text.indexOf('/', scheme.length);
  const end = path === -1 ? text.length : path;
  if (!isTrustDomain(text.slice(scheme.length, end))) return null;
  if (!isPath(text, end)) return null;
  return text as SpiffeId;
}

/** True for a name that may stand after `spiffe://`: 1 to 255 of `a-z 0-9 . - _`. */
export function isTrustDomain(name: string): boolean {
  if (name.length === 0 || name.length > trustDomainBytesMax) return false;
  for (let i = 0; i < name.length; i++) if (!isLower(name.charCodeAt(i))) return false;
  return true;
}

/** `example.org` of `spiffe://example.org/a/b`. */
export function trustDomainOf(id: SpiffeId): string {
  const path = id.indexOf('/', scheme.length);
  return id.slice(scheme.length, path === -1 ? id.length : path);
}

/** `/a/b` of `spiffe://example.org/a/b`; empty for a trust domain itself. */
export function pathOf(id: SpiffeId): string {
  const path = id.indexOf('/', scheme.length);
  return path === -1 ? '' : id.slice(path);
}

export function isMemberOf(id: SpiffeId, trustDomain: string): boolean {
  return trustDomainOf(id) === trustDomain;
}

/** True when `id` is `prefix` or lies below it: `/a/b` covers `/a/b/c` and does not cover `/a/bc`. */
export function isAtOrBelow(id: SpiffeId, prefix: SpiffeId): boolean {
  return id === prefix || id.startsWith(`${prefix}/`);
}

/**
 * The agent's name, `claude/orchestrator`, when the path has the form of one (contract §5), else null.
 * The path `writ` is reserved: what the plane itself is called is never the name of an agent.
 */
export function agentPath(id: SpiffeId): string | null {
  const found = /^\/([A-Za-z0-9_-]+)\/([A-Za-z0-9_-]+)$/.exec(pathOf(id));
  return found === null || found[1] === 'writ' ? null : pathOf(id).slice(1);
}

/** From `start` to the end: nothing, or segments that are neither empty nor `.` nor `..`, each after one slash. */
function isPath(text: string, start: number): boolean {
  let segment = start;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === SLASH) {
      if (at > start && !isSegment(text, segment + 1, at)) return false;
      segment = at;
    } else if (!isLower(code) && !isUpper(code)) return false;
  }
  return text.length === start || isSegment(text, segment + 1, text.length);
}

function isSegment(text: string, start: number, end: number): boolean {
  const length = end - start;
  if (length === 0) return false;
  if (length > 2 || text.charCodeAt(start) !== DOT) return true;
  return length === 2 && text.charCodeAt(start + 1) !== DOT;
}

/** `a-z 0-9 . - _` */
function isLower(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === DOT || code === 0x2d || code === 0x5f
  );
}

function isUpper(code: number): boolean {
  return code >= 0x41 && code <= 0x5a;
}
