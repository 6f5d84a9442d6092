// Withdrawing, as the rest of the plane asks for it: stored, known to this process, and on record.

import type { AuthorizationServerDeps } from './ports.ts';
import type { Registry, Withdrawal, Withdrawn } from './registry.ts';
import type { RevocationLease } from './revocation-lease.ts';

/** Resolves when the withdrawal is stored and recorded; from then on every verifier refuses within its lease (rules §2.15). */
export type Revoke = (what: Withdrawal, by: string) => Promise<Withdrawn>;

export function createRevoke(deps: AuthorizationServerDeps, registry: Registry, lease: RevocationLease): Revoke {
  return async (what, by) => {
    const withdrawn = await registry.withdraw(what);
    await lease.refresh();
    await deps.record({ event: 'token.revoked', id: deps.newId(), ...named(what), by, ...withdrawn });
    return withdrawn;
  };
}

function named(what: Withdrawal) {
  if ('token' in what) return { what: 'token', value: what.token } as const;
  if ('task' in what) return { what: 'task', value: what.task } as const;
  if ('agent' in what) return { what: 'agent', value: what.agent } as const;
  if ('consent' in what) return { what: 'consent', value: what.consent } as const;
  return { what: 'user', value: what.user.sub } as const;
}
