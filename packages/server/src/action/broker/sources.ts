// The sources that give credentials for a while, as leases see them: Vault's two engines, and tokens of an authorization server.

import type { Principal } from '@writ/core';
import type { CredentialRef, OauthRef, VaultRef } from '../../config/config.ts';
import type { Source } from './leases.ts';
import { filledIn } from './names.ts';
import type { OauthClient } from './oauth.ts';
import type { Vault } from './vault.ts';

/** A secret of Vault's that has no end of its own is read anew after so long, as a rotation needs no restart. */
const keptSeconds = 60;

export interface SourcePorts {
  readonly vault: Vault;
  readonly oauth: OauthClient;
  readonly clock: { nowSeconds(): number };
  /** The person's name where the plane itself signs them in; null for everybody else. */
  personOf(root: Principal | null): string | null;
}

/** Null: it is read for every use, and nothing has to be given back. `url` is the server's own. */
export function sourceFor(ref: CredentialRef, url: string | null, ports: SourcePorts): Source | null {
  if (ref.kind === 'vault')
    return ref.read.kind === 'kv' ? fromKv(ref, ref.read.path, ports) : fromDatabase(ref, ref.read.role, ports);
  return ref.kind === 'oauth' ? fromOauth(ref, url ?? '', ports) : null;
}

function fromKv(ref: VaultRef, path: string, { vault, clock, personOf }: SourcePorts): Source {
  return {
    durable: false,
    async take({ root }) {
      const held = await vault.take(ref, filledIn(path, personOf(root)));
      return { ...held, expiresSeconds: clock.nowSeconds() + keptSeconds };
    },
    renew: async () => null,
    giveBack: async () => {},
  };
}

function fromDatabase(ref: VaultRef, role: string, { vault }: SourcePorts): Source {
  return {
    durable: true,
    take: () => vault.take(ref, role),
    renew: ({ handle }) => vault.renew(ref, handle!),
    async giveBack({ handle }) {
      if (handle !== null) await vault.revoke(ref, handle);
    },
  };
}

function fromOauth(ref: OauthRef, url: string, { oauth }: SourcePorts): Source {
  return {
    durable: false,
    async take({ root, asked }) {
      const scopes = asked?.scopes ?? ref.scopes;
      const { value, expiresSeconds } = await oauth.token({ ref, resource: ref.resource ?? url, scopes, root });
      return { fields: { value }, expiresSeconds, handle: null };
    },
    renew: async () => null,
    async giveBack({ fields }) {
      if (fields?.value !== undefined) await oauth.revoke(ref, fields.value);
    },
  };
}
