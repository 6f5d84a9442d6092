// What a protocol folder hands to the spine: one parsed call, and the three things only that protocol knows how to do.

import type { Call, Claim, Decision, Denial, TokenFacts } from '@writ/core';

/** How an allowed call ended. `unknown`: nobody saw the end; `none`: it was never forwarded. */
export interface Ending {
  readonly state: 'complete' | 'error' | 'cancelled' | 'unknown' | 'none';
  /** `sha256:<hex>` of the bytes released, when they were seen whole. */
  readonly digest: string | null;
  /** Upstream status or error code, for the record. */
  readonly detail: string | null;
}

/** What a caller brought back from an earlier answer, or why it may not. */
export type HandedBack =
  | { readonly refused: Denial }
  | {
      /** The call as it is to be judged. */
      readonly call: Call;
      /** The question to a person that this goes on with; null for none. */
      readonly resumes: string | null;
      /** What it uses up besides. */
      readonly claims: readonly Claim[];
    };

export interface Exchange<Reply> {
  readonly call: Call;
  /** Once it is proven who calls: what the call refers to that only this caller may refer to. Null, or absent: nothing. */
  handedBack?(token: TokenFacts): HandedBack | null | Promise<HandedBack | null>;
  /**
   * Sends exactly the judged bytes to the callee, with the callee's credential and never the caller's.
   * Rejects with UpstreamError when the callee does not answer. Nothing is sent to the caller yet.
   */
  forward(decision: Decision): Promise<Reply>;
  /** Says no in the protocol's own words (contract §5). `decision.denial` is set. */
  refuse(decision: Decision): Promise<void>;
  /** Releases the reply to the caller, stream and all; resolves when it has ended, and never rejects. */
  release(reply: Reply, decision: Decision): Promise<Ending>;
  /** Drops a reply that may not be released, or ends one whose release is under way; the spine knows that it is cancelled. */
  discard(reply: Reply): void;
  /** `sha256:<hex>` of what was sent upstream, known after `forward`; null where another gateway does the sending. */
  forwardedDigest(reply: Reply): string | null;
}

/** The callee did not answer, or answered nothing that can be used. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly code: 'gateway.upstream_unreachable' | 'action.credential_missing' | 'action.secret_in_result';
  /** Nothing was heard: nobody there, a process gone, a wait over, a 5xx. What was answered badly is an answer. */
  readonly isSilence: boolean;
  constructor(message: string, options: ErrorOptions & { code?: UpstreamError['code']; silence?: boolean } = {}) {
    super(message, options);
    this.code = options.code ?? 'gateway.upstream_unreachable';
    this.isSilence = options.silence ?? false;
  }
}

/** Called by a protocol folder for every call, refused or not. Never rejects: a throw inside becomes `gateway.outage`. */
export type Spine = <Reply>(exchange: Exchange<Reply>) => Promise<void>;
