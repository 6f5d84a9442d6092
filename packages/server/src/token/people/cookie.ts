// The cookie that carries a session in a browser.

import type { IncomingMessage } from 'node:http';
import { cookieOf } from '../../page-form.ts';

export interface SessionCookie {
  read(req: Pick<IncomingMessage, 'headers'>): string | null;
  set(secret: string, secondsLeft: number): string;
  readonly clear: string;
}

/** On https `__Host-` makes the browser see to it that no other host and no plain connection can set it (RFC 6265bis §4.1.3.2). */
export function sessionCookie(origin: string): SessionCookie {
  const secure = origin.startsWith('https:');
  const name = secure ? '__Host-writ_session' : 'writ_session';
  const attributes = `Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
  return {
    read: (req) => cookieOf(req.headers.cookie, name),
    set: (secret, secondsLeft) => `${name}=${secret}; Max-Age=${secondsLeft}; ${attributes}`,
    clear: `${name}=; Max-Age=0; ${attributes}`,
  };
}
