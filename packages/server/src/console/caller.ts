// Who is asking, and how recently they proved it (contract §5, rules §7.1). One credential, or nobody.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { DenialCode } from '@writ/core';
import type { ConsoleDeps, Person, Role } from './ports.ts';

export type Via = 'tcp' | 'socket';

export type Caller =
  | { readonly kind: 'nobody'; readonly code: DenialCode }
  /** The local socket, or the viewer's text. */
  | { readonly kind: 'viewer' }
  /** A token that was made for an agent, or for somebody else. */
  | { readonly kind: 'agent'; readonly code: DenialCode }
  | PersonCaller;

export interface PersonCaller {
  readonly kind: 'person';
  readonly user: string;
  readonly roles: readonly Role[];
  /** Null: nobody knows. */
  readonly authenticatedAtSeconds: number | null;
  readonly expiresSeconds: number;
  /** `cookie`: a browser adds it by itself, so a write has to show that it came from our page. */
  readonly by: 'cookie' | 'session' | 'token';
  /** Of the session or of the token, whichever it was. */
  readonly id: string;
  readonly csrf: string | null;
}

/** Admin and approver acts take somebody who signed in this recently. Rules §7.1. */
const recentSeconds = 300;

export function isRecent({ authenticatedAtSeconds: at }: PersonCaller, nowSeconds: number): boolean {
  return at !== null && nowSeconds - at <= recentSeconds;
}

export type FindCaller = (req: IncomingMessage, via: Via) => Promise<Caller>;

export function createFindCaller(deps: Pick<ConsoleDeps, 'people' | 'viewerToken' | 'readApiToken'>): FindCaller {
  const { people } = deps;
  return async (req, via) => {
    // Whoever may open the socket may look, and nobody may do more through it, whatever they bring.
    if (via === 'socket') return { kind: 'viewer' };
    const authorization = authorizations(req);
    const cookie = people.secretOf(req);
    if (authorization.length + (cookie === null ? 0 : 1) > 1) return { kind: 'nobody', code: 'token.ambiguous' };
    if (cookie !== null) return callerOf(await people.personOf(cookie), 'cookie');
    if (authorization.length === 0) return { kind: 'nobody', code: 'token.missing' };
    const bearer = /^bearer +([^\s,]+)$/i.exec(authorization[0]!)?.[1];
    if (bearer === undefined) return { kind: 'nobody', code: 'token.malformed' };
    if (bearer.includes('.')) return ofToken(bearer);
    if (isSame(bearer, deps.viewerToken)) return { kind: 'viewer' };
    // The terminal that keeps a session is on this machine; from elsewhere it has been carried off.
    if (!isLoopback(req.socket.remoteAddress)) return { kind: 'nobody', code: 'token.bound_to_other_peer' };
    return callerOf(await people.personOf(bearer), 'session');
  };

  async function ofToken(token: string): Promise<Caller> {
    const read = await deps.readApiToken(token);
    if (read.outcome === 'deny') {
      const { code } = read.denial;
      // What only a token of our own clients can be.
      const ours = code === 'token.expired' || code === 'token.revoked' || code === 'gateway.store_unreachable';
      return { kind: ours ? 'nobody' : 'agent', code };
    }
    const { user, tokenId, authenticatedAtSeconds, untilSeconds } = read.facts;
    const found = await people.find(user.sub);
    if (!found) return { kind: 'nobody', code: 'token.revoked' };
    const { name, roles } = found;
    return {
      ...{ kind: 'person', by: 'token', user: name, roles, authenticatedAtSeconds },
      ...{ expiresSeconds: untilSeconds, id: tokenId, csrf: null },
    };
  }
}

function callerOf(person: Person | null, by: 'cookie' | 'session'): Caller {
  if (!person) return { kind: 'nobody', code: 'token.expired' };
  const { sessionId: id, ...rest } = person;
  return { kind: 'person', by, id, ...rest };
}

/** As they came: `req.headers` keeps only the first. */
function authorizations(req: IncomingMessage): string[] {
  return req.rawHeaders.filter((_value, i) => i % 2 === 1 && req.rawHeaders[i - 1]!.toLowerCase() === 'authorization');
}

function isSame(given: string, held: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(held));
}

function isLoopback(address: string | undefined): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address ?? '');
}
