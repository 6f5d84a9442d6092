// The spine: parse is behind us, the callee ahead. Judge, claim, record, forward, close: in this order, for every protocol.
// Everything that can fail or surprise happens here, so that the judge stays pure. Rules §6, style §4.

import {
  type Call,
  type Claim,
  canonicalJson,
  type Decision,
  type Denial,
  type DenialCode,
  decide,
  decisionRecord,
  denial,
  type JsonObject,
  overruled,
  refusal,
  type TokenFacts,
  type World,
  withdrawnPart,
} from '@writ/core';
import type { ApprovalsPort } from './approvals-port.ts';
import type { Crowd } from './crowd.ts';
import type { Ending, Exchange, Spine } from './exchange.ts';
import { UpstreamError } from './exchange.ts';
import type { RefusalCounter } from './refusal-counter.ts';
import type { TasksPort } from './tasks-port.ts';

/** A record that was handed in: its place in the log, and when it is safe. */
export interface Receipt {
  readonly sequence: number;
  readonly durable: Promise<void>;
}

/** What `main` hands to the spine. */
export interface Shell {
  readonly clock: { nowSeconds(): number; nowMillis(): number };
  /** A frozen snapshot; its revocations carry the lease. */
  world(): World;
  /** Has anything been withdrawn since this sequence? Refuses to say (true) when the store cannot be asked. */
  revokedSince(sequence: number): boolean;
  /** Takes what the call uses up, or says what was lost. Rejects when the store is down. */
  claim(decision: Decision): Promise<{ readonly lost: DenialCode } | 'taken'>;
  readonly approvals: ApprovalsPort;
  readonly tasks: TasksPort;
  /** Asks the other engines that have to say yes too (design D7); absent where there are none. */
  consult?(call: Call, token: TokenFacts): Promise<Told>;
  /** Throws when the log cannot take it. */
  append(record: JsonObject): Receipt;
  /** What the record says about the plane's own stance, and which lease an allowed call will be under. */
  stance(
    call: Call,
    decision: Decision,
  ): {
    readonly lease?: JsonObject | null;
    readonly replica: string;
    readonly mode: 'enforce' | 'observe' | 'off';
    readonly memory: 'task' | 'none' | 'persistent';
  };
  sha256(text: string): string;
  readonly refusals: RefusalCounter;
  readonly crowd: Crowd;
  /** A failure of ours, for the operator's log. */
  report(what: string, error: unknown): void;
}

/** What other engines said about one call, put into any snapshot it is judged in. */
export type Told = (world: World) => World;

export interface SpineControl {
  readonly spine: Spine;
  /** Ends every answer still under way whose authority has been withdrawn since. Rules §2.15. */
  closeWithdrawn(): void;
  /** Answers under way. */
  open(): number;
}

/** An answer under way, and how to end it. */
interface OpenAnswer {
  readonly token: TokenFacts;
  stop(): void;
}

export function createSpine(shell: Shell): SpineControl {
  const open = new Set<OpenAnswer>();
  return {
    open: () => open.size,
    closeWithdrawn() {
      const { revocations } = shell.world().tokens;
      if (!revocations.fresh) return; // new calls are refused meanwhile; what runs was allowed
      for (const answer of open) {
        const { tokenId: id, chain } = answer.token;
        if (withdrawnPart({ id, chain }, revocations)) answer.stop();
      }
    },
    async spine(exchange) {
      const leave = shell.crowd.enter(exchange.call);
      try {
        await (leave ? carry(exchange, shell, open) : turnedAway(exchange, shell));
      } catch (error) {
        // A throw is an outage, not an answer: the caller gets a refusal, the operator the cause.
        shell.report(`${exchange.call.operation} ${exchange.call.target.server}`, error);
        await refuseQuietly(exchange, isAuditDown(error) ? 'audit.unavailable' : 'gateway.outage', shell);
      } finally {
        leave?.();
      }
    },
  };
}

async function carry<Reply>(given: Exchange<Reply>, shell: Shell, open: Set<OpenAnswer>): Promise<void> {
  const snapshot = shell.world();
  const first = await inItsTask(judgedIn(snapshot, given.call, shell), given.call, snapshot, shell);
  const { exchange, own, resumes, claims } = await goneOn(given, first, snapshot, shell);
  const { call } = exchange;
  const told = await consulted(own, call, shell);
  const world = told?.(snapshot) ?? snapshot;
  const judged = told ? judgedIn(world, call, shell) : own;
  const decision = await claimed(using(await answered(judged, call, world, shell, resumes), claims), shell);
  if (shell.refusals.countsInstead(call, decision)) return exchange.refuse(decision);
  const receipt = shell.append(recordOf(call, decision, world, shell));
  // Durable before the callee hears anything, unless a person reviewed this read as harmless: then both run side by side.
  if (!decision.overlaps) await receipt.durable;
  if (decision.outcome !== 'allow') return exchange.refuse(decision);
  const late = withdrawnMeanwhile(call, decision, world, told, shell);
  if (late) return refuseLate(exchange, overruled(decision, late), receipt, shell, notForwarded);
  await forwarded(exchange, decision, receipt, shell, open);
}

/** A flood is refused before anything is judged, and stands in the log like every refusal. */
async function turnedAway<Reply>(exchange: Exchange<Reply>, shell: Shell): Promise<void> {
  const { call } = exchange;
  const decision = refusal(call.decisionId, denial('gateway.overloaded'));
  if (!shell.refusals.countsInstead(call, decision)) {
    await shell.append(recordOf(call, decision, shell.world(), shell)).durable;
  }
  await exchange.refuse(decision);
}

/** A judge that throws has a bug: the call is refused, and the record says so under the id the caller is told. */
function judgedIn(world: World, call: Call, shell: Shell): Decision {
  try {
    return decide(call, world, shell.clock.nowSeconds());
  } catch (error) {
    shell.report(`judging ${call.operation} ${call.target.server}`, error);
    return refusal(call.decisionId, denial('gateway.outage'));
  }
}

interface GoneOn<Reply> {
  readonly exchange: Exchange<Reply>;
  readonly own: Decision;
  readonly resumes: string | null;
  readonly claims: readonly Claim[];
}

/** A call that goes on with something is judged as what it comes to; what is not this caller's own is a no. Rules §4.4, §5. */
async function goneOn<Reply>(
  given: Exchange<Reply>,
  first: Decision,
  world: World,
  shell: Shell,
): Promise<GoneOn<Reply>> {
  const plain = { exchange: given, own: first, resumes: null, claims: [] };
  // What could not be asked about the task stays a no, whatever the call comes to.
  if (first.denial?.code === 'gateway.store_unreachable') return plain;
  const token = first.token.facts;
  const handed = token && given.handedBack ? await given.handedBack(token) : null;
  if (handed === null) return plain;
  if ('refused' in handed) return { ...plain, own: overruled(first, handed.refused) };
  const { call, resumes, claims } = handed;
  if (call === given.call) return { ...plain, resumes, claims };
  return { exchange: { ...given, call }, own: judgedIn(world, call, shell), resumes, claims };
}

function using(decision: Decision, claims: readonly Claim[]): Decision {
  if (decision.outcome !== 'allow' || claims.length === 0) return decision;
  return { ...decision, claims: [...decision.claims, ...claims], overlaps: false };
}

/** Asked only about what our own policy would let happen or would ask a person about: others can only take away. */
async function consulted(own: Decision, call: Call, shell: Shell): Promise<Told | null> {
  if (!shell.consult || !call.isAction || own.outcome === 'deny') return null;
  return shell.consult(call, own.token.facts!);
}

/** What the task has read may have to be fetched first, and then the call is judged in the light of it. Rules §3. */
async function inItsTask(judged: Decision, call: Call, world: World, shell: Shell): Promise<Decision> {
  const token = judged.token.facts;
  const fetched = token && shell.tasks.fetch(token);
  if (!fetched) return judged;
  try {
    return (await fetched) ? judgedIn(world, call, shell) : judged;
  } catch (error) {
    shell.report('tasks', error);
    return overruled(judged, denial('gateway.store_unreachable'));
  }
}

/** Where a person is needed: their yes, if it has been given, satisfies the rules that asked; else they are asked. Rules §4. */
async function answered(
  judged: Decision,
  call: Call,
  world: World,
  shell: Shell,
  resumes: string | null,
): Promise<Decision> {
  if (judged.outcome !== 'approval') return judged;
  try {
    const approvals = await shell.approvals.granted(judged.ask!.requestKey, resumes);
    const again = approvals.length > 0 ? decide(call, { ...world, approvals }, shell.clock.nowSeconds()) : judged;
    if (again.outcome !== 'approval') return again;
    const opened = await shell.approvals.open(again, call, resumes);
    return 'refused' in opened ? overruled(again, denial(opened.refused)) : { ...again, opened };
  } catch (error) {
    shell.report('approvals', error);
    return overruled(judged, denial('gateway.store_unreachable'));
  }
}

/** An allowed call takes what it uses up; a lost race is a denial, a store that is down refuses. */
async function claimed(decision: Decision, shell: Shell): Promise<Decision> {
  if (decision.outcome !== 'allow' || decision.claims.length === 0) return decision;
  try {
    const claim = await shell.claim(decision);
    return claim === 'taken' ? decision : overruled(decision, denial(claim.lost));
  } catch (error) {
    shell.report('claim', error);
    return overruled(decision, denial('gateway.store_unreachable'));
  }
}

/** Rules §2.15: compared at judging and again right before forward. A yes that was taken for this call still stands behind it. */
function withdrawnMeanwhile(
  call: Call,
  decision: Decision,
  judgedIn: World,
  told: Told | null,
  shell: Shell,
): Denial | null {
  if (!shell.revokedSince(judgedIn.tokens.revocations.sequence)) return null;
  const approval = decision.action.facts?.approval;
  const snapshot = shell.world();
  const world = { ...(told?.(snapshot) ?? snapshot), approvals: approval ? [approval] : [] };
  return decide(call, world, shell.clock.nowSeconds()).denial;
}

/** What was withdrawn while the callee was thinking gets no answer. Where nobody can say, `closeWithdrawn` will. */
function withdrawnSince(token: TokenFacts, shell: Shell): Denial | null {
  const { revocations } = shell.world().tokens;
  const withdrawn = revocations.fresh ? withdrawnPart({ id: token.tokenId, chain: token.chain }, revocations) : null;
  return withdrawn && denial('token.revoked', withdrawn);
}

async function forwarded<Reply>(
  exchange: Exchange<Reply>,
  decision: Decision,
  receipt: Receipt,
  shell: Shell,
  open: Set<OpenAnswer>,
): Promise<void> {
  const token = decision.token.facts!;
  // Counts from now on; what a crash would forget is waited for below, beside the callee's own time.
  const remembered = exchange.call.isAction ? shell.tasks.leaving(exchange.call, token) : Promise.resolve();
  remembered.catch(() => {});
  let reply: Reply;
  try {
    reply = await exchange.forward(decision);
  } catch (error) {
    shell.report(`forward ${exchange.call.target.server}`, error);
    const code: DenialCode = error instanceof UpstreamError ? error.code : 'gateway.outage';
    await receipt.durable;
    return refuseLate(exchange, overruled(decision, denial(code)), receipt, shell, { state: 'error', forwarded: null });
  }
  try {
    await receipt.durable;
    await remembered;
  } catch (error) {
    exchange.discard(reply);
    throw error;
  }
  const digest = exchange.forwardedDigest(reply);
  const late = withdrawnSince(token, shell);
  if (late) {
    exchange.discard(reply);
    const seen = { state: 'cancelled', forwarded: digest } as const;
    return refuseLate(exchange, overruled(decision, late), receipt, shell, seen);
  }
  let isStopped = false;
  const answer: OpenAnswer = {
    token,
    stop() {
      isStopped = true;
      exchange.discard(reply);
    },
  };
  open.add(answer);
  const ending = await exchange.release(reply, decision).finally(() => open.delete(answer));
  const ended = isStopped ? ({ state: 'cancelled', digest: null, detail: 'token.revoked' } as const) : ending;
  void close(decision, receipt, ended, digest, shell);
}

const notForwarded = { state: 'none', forwarded: null } as const;

async function refuseLate<Reply>(
  exchange: Exchange<Reply>,
  decision: Decision,
  receipt: Receipt,
  shell: Shell,
  { state, forwarded }: { readonly state: Ending['state']; readonly forwarded: string | null },
): Promise<void> {
  // The first record says "allow": a caller that is told otherwise is told so once the log says it too, whatever dies meanwhile.
  await close(decision, receipt, { state, digest: null, detail: decision.denial?.code ?? null }, forwarded, shell);
  await exchange.refuse(decision);
}

function recordOf(call: Call, decision: Decision, world: World, shell: Shell): JsonObject {
  return decisionRecord(call, decision, {
    time: isoNow(shell),
    argumentsDigest: shell.sha256(canonicalJson(call.arguments)),
    versions: world.versions,
    ...shell.stance(call, decision),
  });
}

/** The second record: what became of it. Decided is not happened. Durable when this resolves; never rejects. */
async function close(
  decision: Decision,
  receipt: Receipt,
  ending: Ending,
  forwarded: string | null,
  shell: Shell,
): Promise<void> {
  try {
    const { durable } = shell.append({
      kind: 'outcome',
      id: `${decision.id}.outcome`,
      time: isoNow(shell),
      decision: decision.id,
      decisionSequence: receipt.sequence,
      // What a callee wrote may stand in the detail; the log does not grow with it.
      result: {
        state: ending.state,
        digest: ending.digest,
        detail: ending.detail?.slice(0, 300).toWellFormed() ?? null,
      },
      digests: { forwarded },
    });
    await durable;
  } catch (error) {
    // The decision stands in the log without an outcome, which reads as "unknown".
    shell.report('outcome', error);
  }
}

async function refuseQuietly<Reply>(exchange: Exchange<Reply>, code: DenialCode, shell: Shell): Promise<void> {
  try {
    await exchange.refuse(refusal(exchange.call.decisionId, denial(code)));
  } catch (error) {
    shell.report('refuse', error); // the caller is gone; nothing was forwarded
  }
}

function isAuditDown(error: unknown): boolean {
  return error instanceof Error && error.name === 'AuditUnavailable';
}

function isoNow(shell: Shell): string {
  return new Date(shell.clock.nowMillis()).toISOString();
}
