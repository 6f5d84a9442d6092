// Authority for a part of the work: just the scopes of the named tools, with just the arguments the part is about, for one callee,
// for about as long as the part takes.

import {
  type AuthorizationDetail,
  anyScopeCovers,
  type Constraint,
  canonicalJson,
  DETAIL_TYPE,
  type JsonValue,
  leafOf,
} from '@writ/core';
import type { Callee } from './plane.ts';
import { scopesOfTools } from './scopes.ts';
import type { Token, TokenClient } from './token.ts';
import { unverifiedChain } from './unverified.ts';

export interface SpawnRequest {
  /** `<server>/<tool>`, each of them by name. */
  readonly tools: readonly string[];
  /**
   * By tool: JSON pointer → what the argument has to be (rules §2.11). An argument that is not spoken of is then refused. A tool that
   * is not spoken of keeps the limits of the authority in force.
   */
  readonly arguments?: { readonly [tool: string]: { readonly [pointer: string]: Constraint } };
  /** The one callee: a server key, or the path of an agent that is to use the tools. */
  readonly audience: string;
  /** How long the part takes, whole seconds. The token lives at most twice as long. */
  readonly estimatedSeconds: number;
}

export interface SpawnPorts {
  readonly tokens: Pick<TokenClient, 'take'>;
  calleeOf(key: string): Callee;
  authority(): string;
  readonly clock: { nowSeconds(): number };
}

/** Throws a DeniedError when the authority in force does not include the tools, or not with these arguments. */
export async function spawnToken(ports: SpawnPorts, request: SpawnRequest): Promise<Token> {
  const { estimatedSeconds } = request;
  if (!Number.isSafeInteger(estimatedSeconds) || estimatedSeconds < 1) {
    throw new TypeError(`\`${estimatedSeconds}\` is not an estimate; give whole seconds, at least 1`);
  }
  const callee = ports.calleeOf(request.audience);
  const scopes = scopesOfTools(request.tools, callee);
  const continuation = ports.authority();
  const details = detailsOf(request, callee, continuation);
  const askedSeconds = ports.clock.nowSeconds();
  const narrower = details === null ? {} : { details };
  const token = await ports.tokens.take({ continuation, audience: callee.url, scopes, ...narrower, estimatedSeconds });
  // The plane decides; that it kept its word is cheap to see, and the caller was promised all three.
  if (token.expiresAt - askedSeconds > 2 * estimatedSeconds) {
    throw new Error(`the plane gave a token for longer than twice the estimate of ${estimatedSeconds} s`);
  }
  if (token.scopes.some((scope) => !scopes.includes(scope)))
    throw new Error('the plane gave a scope that was not asked for');
  if (details !== null && token.chain !== null && !sameJson(leafOf(token.chain).details, details))
    throw new Error('the plane gave a token for other arguments than were asked for');
  return token;
}

/** Details that are present speak of every call (ADR 3), so the tools without limits of their own are listed too. */
function detailsOf(
  { tools, arguments: limits = {} }: SpawnRequest,
  callee: Callee,
  continuation: string,
): readonly AuthorizationDetail[] | null {
  const limited = Object.keys(limits);
  if (limited.length === 0) return null;
  const foreign = limited.find((tool) => !tools.includes(tool));
  if (foreign !== undefined) throw new TypeError(`\`${foreign}\` has arguments and is not among the tools`);
  const own = limited.map((tool): AuthorizationDetail => {
    return { type: DETAIL_TYPE, actions: scopesOfTools([tool], callee).slice(-1), arguments: limits[tool]! };
  });
  const bound = new Set(own.flatMap(({ actions }) => actions));
  const rest = scopesOfTools(tools, callee).filter((scope) => !bound.has(scope));
  const chain = unverifiedChain(continuation);
  const held = chain && leafOf(chain).details;
  if (!held) return rest.length === 0 ? own : [{ type: DETAIL_TYPE, actions: rest }, ...own];
  const inherited = rest.flatMap((scope) =>
    held.filter(({ actions }) => anyScopeCovers(actions, scope)).map((entry) => ({ ...entry, actions: [scope] })),
  );
  return [...inherited, ...own];
}

function sameJson(a: unknown, b: unknown): boolean {
  return a !== undefined && canonicalJson(a as JsonValue) === canonicalJson(b as JsonValue);
}
