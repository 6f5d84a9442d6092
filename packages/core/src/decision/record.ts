// The decision as it is written down, before its effect (rules §6). Shape: contract §6, without what is only known later
// (sequence, result, proof). Never a token, never an argument's value.

import type { Call } from '../action/call.ts';
import type { Mode } from '../action/observe.ts';
import type { Memory } from '../action/trust/floor.ts';
import { type Detail, says } from '../denial.ts';
import { fixedJson, type JsonObject, type JsonValue } from '../std/json.ts';
import { isoSeconds } from '../std/time.ts';
import type { Chain, Link } from '../token/chain.ts';
import { anyScopeCovers } from '../token/scope.ts';
import { chainToClaims } from '../token/wc.ts';
import type { Decision } from './decision.ts';
import { sentenceOf } from './sentence.ts';

/** What the shell adds to a decision. */
export interface RecordFrame {
  /** RFC 3339, milliseconds, UTC. */
  readonly time: string;
  /** `sha256:<hex>` of the canonical arguments. */
  readonly argumentsDigest: string;
  readonly replica: string;
  readonly mode: Mode;
  readonly memory: Memory;
  /** Version ids of the world it was judged in. */
  readonly versions: { readonly [part: string]: string };
  /** What the broker gives the call to act with, by name. Never a value. */
  readonly lease?: JsonObject | null;
}

export type DecisionRecord = JsonObject & {
  readonly kind: 'decision';
  readonly id: string;
  readonly decisionId: string;
};

export function decisionRecord(call: Call, decision: Decision, frame: RecordFrame): DecisionRecord {
  const chain = decision.token.seen?.chain ?? null;
  const told = chain ? toldOf(chain) : nobody;
  return {
    kind: 'decision',
    id: decision.id,
    decisionId: decision.id,
    time: frame.time,
    outcome: decision.outcome,
    code: decision.denial?.code ?? null,
    says: decision.denial ? says(decision.denial.code) : 'Allowed.',
    sentence: sentenceOf(call, decision),
    rule: decision.denial?.rule ?? null,
    detail: decision.denial ? boundedDetail(decision.denial.detail) : null,
    protocol: call.protocol,
    operation: call.operation,
    target: { server: call.target.server, name: call.target.name },
    resource: call.resource,
    checks: checksOf(call, decision),
    principal: chain
      ? { kind: 'user', id: chain.links[0].actor.sub, iss: chain.links[0].actor.iss, owner: null }
      : null,
    act: told.act,
    chain: told.chain,
    wc: told.wc,
    token: decision.token.seen ? { id: decision.token.seen.id, client: decision.token.seen.clientId } : null,
    policy: {
      version: decision.action.facts?.policyVersion ?? frame.versions.policy ?? '',
      determining: decision.action.facts?.determining ?? policiesOf(decision),
    },
    arguments: { digest: frame.argumentsDigest, provenance: decision.action.facts?.trust?.provenance ?? {} },
    mode: frame.mode,
    would: wouldOf(decision),
    memory: frame.memory,
    floor: (decision.action.facts?.trust?.floor ?? null) as unknown as JsonValue,
    digests: { judged: call.judgedDigest },
    replica: frame.replica,
    approval: approvalOf(decision),
    lease: frame.lease ?? null,
    task: chain?.task ?? null,
    trace: call.trace,
    world: frame.versions,
  };
}

/** A chain as a record tells it. */
interface Told {
  readonly act: JsonValue;
  readonly chain: readonly JsonObject[];
  readonly wc: readonly JsonObject[];
}

const nobody: Told = { act: null, chain: [], wc: [] };

// The chain of a token that is presented again is the same object and cannot change; most of a record is its text.
const toldBefore = new WeakMap<Chain, Told>();

function toldOf(chain: Chain): Told {
  const before = toldBefore.get(chain);
  if (before) return before;
  const { act = null, wc } = chainToClaims(chain);
  const told = { act, chain: chain.links.map((link, i) => linkRecord(link, chain.links[i - 1])), wc };
  if (!Object.isFrozen(chain)) return told;
  const fixed = { act: act && fixedJson(act), chain: fixedJson(told.chain), wc: fixedJson(wc) };
  toldBefore.set(chain, fixed);
  return fixed;
}

const detailCharsMax = 300;
const detailItemsMax = 32;

/** A detail may repeat what a caller wrote, a name of a megabyte say; the log does not grow with it. */
function boundedDetail(detail: Detail): JsonObject {
  const clip = (text: string) =>
    text.length > detailCharsMax ? `${text.slice(0, detailCharsMax).toWellFormed()}…` : text;
  return Object.fromEntries(
    Object.entries(detail).map(([name, value]): [string, JsonValue] => {
      if (typeof value === 'string') return [name, clip(value)];
      return [name, Array.isArray(value) ? value.slice(0, detailItemsMax).map((item) => clip(String(item))) : value];
    }),
  );
}

function checksOf(call: Call, decision: Decision): JsonObject {
  const { peer } = call;
  const code = decision.denial?.code ?? null;
  const told = (verdict: string): JsonObject => (verdict === 'deny' ? { verdict, code } : { verdict });
  return {
    transport: {
      ...told(decision.transport.verdict),
      peer: peer.listener === 'oauth' ? null : peer.spiffeId,
      listener: peer.listener,
      boundary: peer.listener === 'oauth' ? 'none' : peer.boundary,
      assertedBy: peer.listener === 'oauth' ? null : peer.assertedBy,
      sight: ['head', 'body', 'response'],
    },
    token: { ...told(decision.token.verdict), ...(decision.token.seen ? { encoding: 'jwt' } : {}) },
    action: told(decision.action.verdict),
  };
}

function policiesOf(decision: Decision): readonly string[] {
  const policies = decision.denial?.detail.policies;
  return Array.isArray(policies) ? (policies as readonly string[]) : [];
}

/** What a call that was only watched would have been told. */
function wouldOf({ action }: Decision): JsonObject | null {
  const observed = action.facts?.observed;
  if (!observed) return null;
  const { code, rule } = observed.denial;
  return { outcome: observed.outcome, code, rule: rule ?? null, says: says(code) };
}

/** The yes that was used, or what was asked for. */
function approvalOf({ ask, opened, action }: Decision): JsonObject | null {
  const used = action.facts?.approval;
  if (used) return { state: 'used', id: used.id, digest: used.digest, rules: used.rules };
  return ask ? { state: 'asked', id: opened?.id ?? null, key: ask.requestKey, rules: ask.rules, risk: ask.risk } : null;
}

/** One link with what it took away from the one before. */
function linkRecord(link: Link, parent: Link | undefined): JsonObject {
  return {
    actor: link.actor.sub,
    iss: link.actor.iss,
    audience: link.audience,
    scopes: link.scopes,
    removed: parent ? parent.scopes.filter((scope) => !anyScopeCovers(link.scopes, scope)) : [],
    constraints: (link.details ?? []) as unknown as JsonValue,
    budget: link.budget as unknown as JsonValue,
    depth: link.depth,
    expires: isoSeconds(link.untilSeconds),
    proof: link.row,
  };
}
