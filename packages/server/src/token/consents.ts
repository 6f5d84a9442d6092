// A person's consent to an OAuth client opens a task without prompt, for the life of the grant (rules §1.2).

import type { Link, Principal } from '@writ/core';
import type { Store } from '../store/store.ts';
import type { AuthorizationServerDeps } from './ports.ts';
import { type OpenRoot, personCeiling, type Root } from './roots.ts';

export interface Consent {
  readonly grantId: string;
  readonly root: Principal;
  readonly clientId: string;
  /** All scopes the person agreed to so far. */
  readonly scopes: readonly string[];
  readonly untilSeconds: number;
}

/** The task of this consent, opened at its first token. Null: it was ended. */
export type TaskOfConsent = (consent: Consent) => Promise<Root | null>;

export function createTaskOfConsent(deps: AuthorizationServerDeps, openRoot: OpenRoot): TaskOfConsent {
  return async (consent) => {
    const link = linkOf(consent, deps);
    const known = await find(deps.store, consent.grantId);
    if (!known) {
      const { grantId, clientId } = consent;
      const opener = { openedBy: consent.root.sub, prompt: null, origin: 'none' } as const;
      await openRoot({ link, agent: null, clientId, grantId, ...opener });
    }
    const task = known ?? (await find(deps.store, consent.grantId));
    return task && task.ended === null ? { task: task.id, link: { ...link, row: task.row } } : null;
  };
}

/** Made anew each time: a later consent of the same grant widens what the person agreed to. */
function linkOf(consent: Consent, { issuer, authority }: AuthorizationServerDeps): Omit<Link, 'row'> {
  return {
    actor: consent.root,
    // A client has no endpoint: its link is made here, by the person's consent.
    audience: issuer,
    scopes: consent.scopes,
    budget: [],
    depth: authority().tasks.depth,
    untilSeconds: consent.untilSeconds,
    ceiling: personCeiling,
  };
}

async function find({ db }: Store, grantId: string) {
  return db.selectFrom('tasks').select(['id', 'row', 'ended']).where('grant_id', '=', grantId).executeTakeFirst();
}
