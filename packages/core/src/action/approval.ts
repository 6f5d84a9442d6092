// Approvals that bind (rules §4.1): one person's yes to one exact action. The digest covers everything that makes the action what
// it is and nothing that a renewal changes, so it survives new tokens and certificates and dies with any other change.

import { toHex, utf8 } from '../std/bytes.ts';
import type { Engine } from '../std/engine.ts';
import { canonicalJson, type JsonObject, type JsonValue } from '../std/json.ts';
import type { Principal } from '../token/chain.ts';

/** The action, whoever's token carries it. */
export interface ApprovalSubject {
  readonly server: string;
  readonly tool: string;
  /** Pin of the definition. */
  readonly definition: string;
  /** As judged; references resolved to their digests. */
  readonly arguments: JsonObject;
  readonly task: string;
  readonly root: Principal;
  /** From the first agent to the one acting now. */
  readonly actors: readonly Principal[];
  readonly audience: string;
}

/** What the plane adds when it asks. */
export interface ApprovalTerms {
  /** Ids of the rules that asked: only these are satisfied by a yes. */
  readonly rules: readonly string[];
  readonly nonce: string;
  readonly notAfterSeconds: number;
}

/** What is to be approved, before it has been asked. */
export interface ApprovalAsk {
  readonly subject: ApprovalSubject;
  readonly rules: readonly string[];
  readonly risk: number;
  /** `sha256:<hex>`: the same action within task, root and actors has the same key. */
  readonly requestKey: string;
}

/** A yes that has not been used. */
export interface GrantedApproval {
  readonly id: string;
  readonly requestKey: string;
  readonly digest: string;
  readonly rules: readonly string[];
  readonly notAfterSeconds: number;
}

/** Matches a repeated call to the approval that was asked for it. */
export function requestKeyOf(subject: ApprovalSubject, engine: Engine): string {
  return digest(subjectJson(subject), engine);
}

/** What the approver sees and names in the verdict. */
export function approvalDigestOf(subject: ApprovalSubject, terms: ApprovalTerms, engine: Engine): string {
  const { rules, nonce, notAfterSeconds } = terms;
  return digest({ ...subjectJson(subject), rules: [...rules].sort(), nonce, notAfter: notAfterSeconds }, engine);
}

/** Does this yes cover the ask, now? It satisfies the rules that asked and no others. */
export function approvalCovers(granted: GrantedApproval, ask: ApprovalAsk, nowSeconds: number): boolean {
  return (
    granted.requestKey === ask.requestKey &&
    nowSeconds < granted.notAfterSeconds &&
    ask.rules.every((rule) => granted.rules.includes(rule))
  );
}

function subjectJson(subject: ApprovalSubject): JsonObject {
  const party = ({ iss, sub }: Principal): JsonValue => ({ iss, sub });
  return {
    server: subject.server,
    tool: subject.tool,
    definition: subject.definition,
    arguments: subject.arguments,
    task: subject.task,
    root: party(subject.root),
    actors: subject.actors.map(party),
    audience: subject.audience,
  };
}

function digest(value: JsonObject, engine: Engine): string {
  return `sha256:${toHex(engine.sha256(utf8(canonicalJson(value))))}`;
}
