// The port to a policy engine: pure functions over a frozen policy set. Cedar fits it, so do OPA and AuthZEN,
// whose answer is fetched by the shell before and enters as a constant (design D7).

import type { JsonObject } from '../std/json.ts';
import type { Principal } from '../token/chain.ts';
import type { Target } from './call.ts';
import type { ToolTrust } from './trust/manifest.ts';
import type { TrustFacts } from './trust/trust-facts.ts';

/** Who policy is asked about. An agent by SPIFFE ID, a person by (iss, sub), work by mandate. */
export type Asker =
  | { readonly kind: 'agent'; readonly spiffeId: string }
  | { readonly kind: 'client'; readonly clientId: string }
  | { readonly kind: 'user'; readonly principal: Principal };

/** Facts of the chain and the request that policy may look at. Never raw text. */
export interface PolicyContext {
  readonly actor: string;
  readonly root: Principal;
  /** Actors from the first to the one acting now, SPIFFE IDs. */
  readonly via: readonly string[];
  readonly depth: number;
  readonly task: string;
  readonly scopes: readonly string[];
  readonly protocol: string;
  readonly nowSeconds: number;
  /** What is known of the task and of where the arguments came from; absent where policy is asked before that is looked at. */
  readonly trust?: TrustFacts;
}

export interface PolicyRequest {
  readonly asker: Asker;
  readonly target: Target;
  readonly operation: string;
  readonly arguments: JsonObject;
  readonly context: PolicyContext;
  /** An earlier actor of the chain, who needs no permit (rules §3.13): a forbid that asks is then `approval` without one. */
  readonly forbidsOnly?: boolean;
  /** Names the decision that asks; no answer depends on it. */
  readonly decisionId?: string;
}

export interface PolicyAnswer {
  /**
   * `none`: nothing permits and nothing forbids. `approval`: what needs a permit has one, and every forbid that matched only
   * asks for a person (`@outcome("approval")`); `determining` names those. Rules §3.12. `unreachable`: an engine that has to say yes too
   * gave no answer that counts; `errors` say why.
   */
  readonly outcome: 'permit' | 'forbid' | 'none' | 'approval' | 'error' | 'unreachable';
  /** Ids of the policies that decided, the author's own. */
  readonly determining: readonly string[];
  /** Any error denies, whatever else was said. */
  readonly errors: readonly string[];
}

/** What policy has heard of a target, from the server's own definition. */
export interface Definition {
  /** Pin of the definition, `sha256:<hex>`. */
  readonly digest: string;
  /** A person reviewed exactly this definition. Rules §3.7. */
  readonly reviewed: boolean;
  /** 0–5, rules §3.6. */
  readonly risk: number;
  /** True when a person reviewed a manifest that gives the risk (only then may risk 0 overlap record and call). */
  readonly manifest: boolean;
  /** Effect, roles and output levels; without a manifest what rules §3.6 says of an unknown tool. */
  readonly trust: ToolTrust;
  /** Null when the arguments have the form the definition asks for. */
  checkArguments(args: JsonObject): ArgumentFault | null;
}

export interface ArgumentFault {
  readonly code: 'action.argument_unknown' | 'action.argument_invalid';
  /** JSON pointer of the argument. */
  readonly pointer: string;
  readonly expected: string;
}

export interface Policy {
  /** `sha256:<hex>` over everything that decides: policy text, compiled allow lines, definitions. */
  readonly version: string;
  /** Undefined: policy has not heard of it, which is a no. */
  definition(target: Target): Definition | undefined;
  evaluate(request: PolicyRequest): PolicyAnswer;
  /** May some arguments be permitted to this asker? For lists; never a permission. */
  couldPermit(asker: Asker, target: Target): boolean;
}
