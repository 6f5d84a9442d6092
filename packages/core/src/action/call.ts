// One action as data, whatever protocol it came in. Parsed once, strictly, by its protocol's folder; judged from here on.

import type { JsonObject } from '../std/json.ts';
import type { Credential } from '../token/credential.ts';
import type { PeerOnWire } from '../transport/peer.ts';

export type Protocol = 'mcp' | 'a2a' | 'http';

export interface Target {
  /** What kind of callee: a tool server, an agent, a plain HTTP upstream. */
  readonly kind: 'server' | 'agent' | 'upstream';
  /** Server key, agent path or upstream key: one namespace (contract §5). */
  readonly server: string;
  /** Tool, skill or operation; null for operations on the server as such (lists, discovery). */
  readonly name: string | null;
}

export interface Call {
  /** Made by the shell; names the decision, the record and the `Writ-Decision` header. */
  readonly decisionId: string;
  readonly protocol: Protocol;
  /** `tools/call`, `tools/list`, `SendMessage`, … */
  readonly operation: string;
  readonly target: Target;
  /** The callee's endpoint URL at the listener of arrival; what `aud` must equal. */
  readonly resource: string;
  /** All of these are needed. Contract §7a. */
  readonly scopes: readonly string[];
  /** With no scope needed by name: any scope of the server will do (lists, discovery, completion). */
  readonly anyScopeOf: string | null;
  /** The action's arguments, as parsed from the bytes that will be forwarded. */
  readonly arguments: JsonObject;
  /** What the caller answered to a question of the callee, beside the arguments: nobody vouches for it. Rules §4.4. */
  readonly answers?: JsonObject;
  /** True for what policy judges (a tool call, a message); false for lists and discovery, which are filtered instead. */
  readonly isAction: boolean;
  readonly credential: Credential;
  readonly peer: PeerOnWire;
  /** SHA-256 of the judged body, `sha256:<hex>`. */
  readonly judgedDigest: string;
  /** W3C trace id, or null. */
  readonly trace: string | null;
  /** W3C id of the caller's span in that trace; for telemetry, no input of any check and in no record. */
  readonly traceSpan?: string | null;
}

/** Where answers stand among the arguments that are judged and that a person sees; no tool's argument is called this. */
export const ANSWERS_MEMBER = 'dev.writ/answers';
