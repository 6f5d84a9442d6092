// Launch tokens: what lets PM2 or systemd start an agent without a person (rules §1.1). A random value, good for one
// agent, uid and command alone; the store keeps its digest only, so that reading the store launches nothing.

import { createHash } from 'node:crypto';
import { toBase64Url } from '@writ/core';

export interface LaunchTokenRow {
  readonly agent: string;
  readonly uid: number;
  readonly command: readonly string[];
  readonly createdSeconds: number;
}

/** Where digests live. Rows of a digest never change; `remove` ends a token. */
export interface LaunchTokenStore {
  put(digest: string, row: LaunchTokenRow): Promise<void>;
  get(digest: string): Promise<LaunchTokenRow | null>;
  remove(agent: string): Promise<void>;
}

export interface LaunchClaim {
  readonly agent: string;
  readonly uid: number;
  readonly command: readonly string[];
}

export interface LaunchTokens {
  /** The token's only appearance in clear; it belongs in a file of mode 0600. */
  mint(claim: LaunchClaim): Promise<string>;
  /** Null when the token is good for exactly this, else a sentence. */
  verify(token: string, claim: LaunchClaim): Promise<string | null>;
  /** Ends every launch token of an agent. */
  revoke(agent: string): Promise<void>;
}

export interface LaunchTokenOptions {
  readonly store: LaunchTokenStore;
  readonly clock: { nowSeconds(): number };
  readonly randomBytes: (count: number) => Uint8Array;
}

// The prefix lets secret scanners find a token that ended up in a repository.
const prefix = 'writ_launch_';
const secretBytes = 32;
const unknown = 'the launch token is not known; make one with `writ agent launch-token ID`';

export function createLaunchTokens({ store, clock, randomBytes }: LaunchTokenOptions): LaunchTokens {
  return {
    async mint({ agent, uid, command }) {
      const token = prefix + toBase64Url(randomBytes(secretBytes));
      await store.put(digestOf(token), { agent, uid, command, createdSeconds: clock.nowSeconds() });
      return token;
    },
    async verify(token, claim) {
      if (!token.startsWith(prefix)) return unknown;
      const row = await store.get(digestOf(token));
      if (row === null) return unknown;
      if (row.agent !== claim.agent) return `the launch token is for \`${row.agent}\`, not for \`${claim.agent}\``;
      if (row.uid !== claim.uid) return `the launch token is for uid \`${row.uid}\`, not for \`${claim.uid}\``;
      if (!sameCommand(row.command, claim.command)) {
        return `the launch token is for the command \`${row.command.join(' ')}\` alone`;
      }
      return null;
    },
    revoke: (agent) => store.remove(agent),
  };
}

/** Argument by argument: `a b` as one argument is another command than `a` and `b`. */
export function sameCommand(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((argument, i) => argument === b[i]);
}

// A token has 256 random bits, so a plain digest cannot be searched.
function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
