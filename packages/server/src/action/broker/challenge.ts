// What a tool server that answers 401 or 403 says about the tokens it takes (RFC 6750 §3, RFC 9728), and how much of it is
// believed: its metadata lies at its own origin and speaks of its own URL, and the authorization server it names is the one that
// the operator configured. MCP 2026-07-28, authorization.

import type { OauthRef } from '../../config/config.ts';
import { CredentialFault, objectOf } from './held.ts';
import type { Web } from './web.ts';

export interface Challenge {
  readonly error: string | null;
  readonly scopes: readonly string[];
  readonly metadataUrl: string | null;
}

const challengeCharsMax = 4096;

/** The one Bearer challenge of a `WWW-Authenticate`; null when there is none, or more than one reading. */
export function readChallenge(header: string): Challenge | null {
  if (header.length > challengeCharsMax) return null;
  const begins = [...header.matchAll(/(?:^|,)\s*Bearer(?=\s|,|$)/gi)];
  if (begins.length !== 1) return null;
  const start = begins[0]!.index + begins[0]![0].length;
  const parameters = new Map<string, string>();
  const parameter = /\s*,?\s*([A-Za-z_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/y;
  parameter.lastIndex = start;
  for (let found = parameter.exec(header); found; found = parameter.exec(header)) {
    const name = found[1]!.toLowerCase();
    if (parameters.has(name)) return null;
    parameters.set(name, (found[2] ?? found[3]!).replace(/\\(.)/g, '$1'));
  }
  return {
    error: parameters.get('error') ?? null,
    scopes: wordsOf(parameters.get('scope') ?? ''),
    metadataUrl: parameters.get('resource_metadata') ?? null,
  };
}

/** Scopes that the server offers. Rejects with CredentialFault when it names another resource or authorization server. */
export async function readResource(
  { web, url, ref }: { readonly web: Web; readonly url: string; readonly ref: OauthRef },
  challenge: Challenge,
): Promise<readonly string[]> {
  const own = new URL(url);
  for (const place of placesOf(own, challenge)) {
    const answer = await web.ask(place, { method: 'GET', headers: { accept: 'application/json' }, body: null });
    if (answer.status === 404) continue;
    if (answer.status !== 200) throw new CredentialFault(`\`${place.href}\` answered HTTP ${answer.status}`);
    const {
      resource,
      authorization_servers: servers,
      scopes_supported: scopes,
    } = objectOf(answer, `\`${place.href}\``);
    // RFC 9728 §3.3: a document about another resource would have us fetch that one's tokens.
    if (typeof resource !== 'string' || !URL.canParse(resource) || new URL(resource).href !== own.href) {
      throw new CredentialFault(`\`${place.href}\` speaks of another resource than \`${url}\``);
    }
    // A client's credentials are for the issuer they were made at, whatever the server says now.
    if (!Array.isArray(servers) || !servers.includes(ref.issuer)) {
      throw new CredentialFault(`\`${url}\` takes no tokens of \`${ref.issuer}\`; see \`${place.href}\``);
    }
    return Array.isArray(scopes) ? scopes.filter((scope) => typeof scope === 'string') : [];
  }
  throw new CredentialFault(`\`${url}\` says nowhere where its tokens come from`);
}

function placesOf(own: URL, { metadataUrl }: Challenge): readonly URL[] {
  if (metadataUrl !== null) {
    const named = URL.canParse(metadataUrl) ? new URL(metadataUrl) : null;
    if (named?.origin !== own.origin) throw new CredentialFault(`\`${own.href}\` points to metadata at another origin`);
    return [named];
  }
  const root = '/.well-known/oauth-protected-resource';
  const path = own.pathname === '/' ? '' : own.pathname;
  return path === '' ? [new URL(root, own)] : [new URL(`${root}${path}`, own), new URL(root, own)];
}

/** What to ask for: the challenge's scopes, else what the resource offers, and never more than the operator wrote. */
export function scopesToAsk(
  ref: Pick<OauthRef, 'scopes' | 'stepUp'>,
  held: readonly string[],
  challenge: Challenge,
  offered: readonly string[],
): readonly string[] {
  const allowed = new Set([...ref.scopes, ...ref.stepUp]);
  const beyond = challenge.scopes.filter((scope) => !allowed.has(scope));
  if (beyond.length > 0) {
    throw new CredentialFault(`the server wants scopes that neither \`scopes\` nor \`stepUp\` has: ${clipped(beyond)}`);
  }
  const wanted = challenge.scopes.length > 0 ? challenge.scopes : offered.filter((scope) => ref.scopes.includes(scope));
  return [...new Set([...held, ...(wanted.length > 0 ? wanted : ref.scopes)])];
}

function clipped(scopes: readonly string[]): string {
  return scopes
    .slice(0, 8)
    .map((scope) => `\`${scope.slice(0, 60)}\``)
    .join(', ');
}

function wordsOf(text: string): readonly string[] {
  return text.split(' ').filter((word) => word !== '');
}
