// The people behind a port: who exists, and the pages where a person signs in, consents or types a device code.

import type { IncomingMessage, ServerResponse } from 'node:http';

export interface People {
  /** Is this a person of the plane who may sign in now? */
  exists(user: string): Promise<boolean>;
  /** Serves `/interaction/…`: shows what is asked, and ends it with one of the three calls of `Interactions`. */
  handleInteraction(req: IncomingMessage, res: ServerResponse, interactions: Interactions): Promise<void>;
  /** HTML of the few pages that the OAuth library shows by itself; absent: plain ones. */
  readonly pages?: Pages;
}

export interface Interaction {
  readonly uid: string;
  readonly asks: 'login' | 'consent';
  readonly client: { readonly id: string; readonly name: string };
  /** Signed in already, in this browser. */
  readonly user: string | null;
  /** What consent would add: one entry per callee. */
  readonly wants: readonly { readonly resource: string; readonly scopes: readonly string[] }[];
}

/** Each call needs the request that carries the interaction's cookie, and answers it with a redirect. */
export interface Interactions {
  /** Null: this browser has no such interaction, or it ran out. */
  read(req: IncomingMessage, res: ServerResponse): Promise<Interaction | null>;
  /** The person proved who they are. */
  signIn(
    req: IncomingMessage,
    res: ServerResponse,
    who: { readonly user: string; readonly authenticatedAtSeconds: number; readonly methods: readonly string[] },
  ): Promise<void>;
  /** The person said yes to all that `wants` lists. */
  consent(req: IncomingMessage, res: ServerResponse): Promise<void>;
  /** The person said no. */
  refuse(req: IncomingMessage, res: ServerResponse): Promise<void>;
}

/** Each gives a whole HTML document; every value handed in is plain text. `form` is HTML to be placed as it is. */
export interface Pages {
  typeCode(page: { readonly form: string; readonly problem: string | null }): string;
  confirmCode(page: { readonly form: string; readonly client: string; readonly code: string }): string;
  deviceDone(page: { readonly client: string }): string;
  failed(page: { readonly error: string; readonly says: string }): string;
}
