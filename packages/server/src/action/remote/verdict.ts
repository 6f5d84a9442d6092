// What another policy engine said about one question, as it enters the world snapshot and the record (design D7). Only the
// shell asks; from here on it is a constant.

import type { CallQuestion } from './question.ts';

/** Why there is no usable answer. */
export type Fault =
  | 'timeout'
  | 'unreachable'
  | 'overloaded'
  | 'redirect'
  | 'status'
  | 'too_large'
  | 'not_json'
  | 'no_boolean'
  | 'obligation'
  | 'failed';

export type RemoteVerdict = {
  /** The engine's name in the configuration; policies of the record speak of it as `remote:<name>`. */
  readonly engine: string;
  /** Digest of the question (`aboutOf`), without where and how it was put. A verdict counts for no other. */
  readonly about: string;
  /** `sha256:<hex>` of the bytes sent. */
  readonly requestDigest: string;
  /** `sha256:<hex>` of the bytes that came back; null when none came or too many. */
  readonly answerDigest: string | null;
  /** `sha256:<hex>` of the policy that answered, where it is ours to know: a bundle's file. */
  readonly policyDigest?: string;
} & (
  | { readonly verdict: 'permit' | 'deny' }
  /** Nobody said anything that counts, which denies as well. `cause` is for the operator and the record. */
  | { readonly verdict: 'none'; readonly fault: Fault; readonly cause: string }
);

export interface RemoteEngine {
  readonly name: string;
  /** Never rejects: whatever goes wrong is a verdict. */
  ask(asked: CallQuestion): Promise<RemoteVerdict>;
  close(): Promise<void>;
}

/** One word and its digests, for the versions of the world a call was judged in. */
export function versionOf(told: RemoteVerdict): string {
  const word = told.verdict === 'none' ? `none (${told.fault})` : told.verdict;
  const policy = told.policyDigest === undefined ? '' : ` policy=${told.policyDigest}`;
  return `${word} request=${told.requestDigest} answer=${told.answerDigest ?? 'none'}${policy}`;
}
