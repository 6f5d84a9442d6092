// The people room, wired: who exists, how they sign in, and the pages for it.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { People } from '../people-port.ts';
import { sessionCookie } from './cookie.ts';
import { createFirstAdmin } from './first-admin.ts';
import { createPeopleFront } from './front.ts';
import { createInteractionHandler } from './interaction.ts';
import { DEVICE_PAGES } from './pages.ts';
import type { Cost } from './password.ts';
import type { PeopleDeps, Person } from './ports.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createSignIn, type SignIn } from './sign-in.ts';
import { createUsers, type User } from './users.ts';

export interface PeopleRoom {
  /** For the authorization server. */
  readonly people: People;
  /** Serves `/login` and `/logout`. False: not one of its paths, and nothing was answered. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<boolean>;
  /** The one-time link for the ready line, while no admin can sign in; else null. Each call makes a new one. */
  firstAdminLink(): Promise<string | null>;
  /** Who holds this session: the value of the cookie, or what `writ login` keeps. */
  personOf(secret: string): Promise<Person | null>;
  /** The session secret in a browser's request. */
  secretOf(req: Pick<IncomingMessage, 'headers'>): string | null;
  find(user: string): Promise<User | null>;
  readonly signIn: Pick<SignIn, 'byPassword' | 'byLink'>;
  readonly sessions: Sessions;
}

export function createPeople(deps: PeopleDeps, options: { readonly cost?: Cost } = {}): PeopleRoom {
  const users = createUsers(deps);
  const sessions = createSessions(deps, users);
  const firstAdmin = createFirstAdmin(deps, users);
  const signIn = createSignIn(deps, { users, sessions, firstAdmin, ...options });
  return {
    people: {
      exists: async (user) => (await users.find(user)) !== null,
      handleInteraction: createInteractionHandler(deps, signIn),
      pages: DEVICE_PAGES,
    },
    handle: createPeopleFront(deps, sessions, signIn),
    firstAdminLink: firstAdmin.issue,
    personOf: sessions.find,
    secretOf: (req) => sessionCookie(deps.origins()[0]!).read(req),
    find: users.find,
    signIn: { byPassword: signIn.byPassword, byLink: signIn.byLink },
    sessions,
  };
}
