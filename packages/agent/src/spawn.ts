// Authority for a part of the work: just the scopes of the named tools, for one callee, for about as long as the part takes.

import type { Callee } from './plane.ts';
import { scopesOfTools } from './scopes.ts';
import type { Token, TokenClient } from './token.ts';

export interface SpawnRequest {
  /** `<server>/<tool>`, each of them by name. */
  readonly tools: readonly string[];
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

/** Throws a DeniedError when the authority in force does not include the tools. */
export async function spawnToken(ports: SpawnPorts, request: SpawnRequest): Promise<Token> {
  const { estimatedSeconds } = request;
  if (!Number.isSafeInteger(estimatedSeconds) || estimatedSeconds < 1) {
    throw new TypeError(`\`${estimatedSeconds}\` is not an estimate; give whole seconds, at least 1`);
  }
  const callee = ports.calleeOf(request.audience);
  const scopes = scopesOfTools(request.tools, callee);
  const continuation = ports.authority();
  const askedSeconds = ports.clock.nowSeconds();
  const token = await ports.tokens.take({ continuation, audience: callee.url, scopes, estimatedSeconds });
  // The plane decides; that it kept its word is cheap to see, and the caller was promised both.
  if (token.expiresAt - askedSeconds > 2 * estimatedSeconds) {
    throw new Error(`the plane gave a token for longer than twice the estimate of ${estimatedSeconds} s`);
  }
  if (token.scopes.some((scope) => !scopes.includes(scope)))
    throw new Error('the plane gave a scope that was not asked for');
  return token;
}
