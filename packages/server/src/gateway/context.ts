// `Writ-Context` (contract §7): what a callee agent gets instead of the caller's token. Signed by this gateway, for that agent,
// for this one message, for a minute; with a continuation that only that agent can exchange.

import {
  CONTEXT_MEMBER,
  canonicalJson,
  chainToClaims,
  type Decision,
  type Engine,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Level,
  type Message,
  messageHash,
  type TokenFacts,
  TYP,
  toBase64Url,
  utf8,
} from '@writ/core';
import { digestOf } from './http-io.ts';

export interface ContextDeps {
  /** SPIFFE ID of this gateway. */
  readonly gatewayId: string;
  readonly key: { readonly kid: string; sign(message: Uint8Array): Uint8Array };
  readonly engine: Engine;
  readonly clock: { nowSeconds(): number };
  newId(): string;
  /** Authority to go on, for this holder alone; minted by the authorization server as a child of the caller's row. */
  continuation(token: TokenFacts, holder: string, decisionId: string): Promise<string>;
  /** The prompt of the task, signed by the plane; null for a task without one. */
  quote(task: string): Promise<string | null>;
  /** Highest level at which text of this caller may be trusted in its task. Rules §3.4. */
  floor(token: TokenFacts): Level;
}

export type ContextMaker = (decision: Decision, callee: string, message: Message) => Promise<string>;

// Below the 60 s a callee accepts, so that its clock may be a little behind.
const lifeSeconds = 45;

export function createContextMaker(deps: ContextDeps): ContextMaker {
  return async (decision, callee, message) => {
    const token = decision.token.facts!;
    const { act, wc, task } = chainToClaims(token.chain);
    const [continuation, quote] = await Promise.all([deps.continuation(token, callee, decision.id), deps.quote(task)]);
    const claims: JsonObject = {
      iss: deps.gatewayId,
      aud: callee,
      exp: deps.clock.nowSeconds() + lifeSeconds,
      jti: deps.newId(),
      caller: token.actor.sub,
      decision: decision.id,
      task,
      ...(act ? { act } : {}),
      chain: digestOf(canonicalJson(wc as unknown as JsonValue)),
      messageHash: messageHash(message, deps.engine),
      ...(quote === null ? {} : { quote }),
      // Inside one plane the gateway's own evidence is used, so no spans travel.
      labels: { floor: deps.floor(token), salt: deps.newId(), spans: [] },
      continuation,
    };
    const head = toBase64Url(utf8(JSON.stringify({ alg: 'EdDSA', typ: TYP.context, kid: deps.key.kid })));
    const input = `${head}.${toBase64Url(utf8(JSON.stringify(claims)))}`;
    return `${input}.${toBase64Url(deps.key.sign(utf8(input)))}`;
  };
}

/** The metadata a callee gets: the caller's, without anything that pretends to come from Writ, and the context. */
export function withContext(metadata: JsonValue | undefined, context: string): JsonObject {
  return { ...withoutWrit(metadata), [CONTEXT_MEMBER]: context };
}

/** Members of Writ's own name space are made by gates, never by callers. */
export function withoutWrit(metadata: JsonValue | undefined): JsonObject {
  if (!isJsonObject(metadata)) return {};
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !name.startsWith('dev.writ/')));
}
