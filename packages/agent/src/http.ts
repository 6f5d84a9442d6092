// A client of one plain HTTP upstream behind the gateway: the upstream's own paths, and for each call a token for its operation alone.

import type { FetchLike } from './fetch.ts';
import type { Callee } from './plane.ts';

export interface HttpClient {
  /** Base of its paths. */
  readonly url: string;
  /**
   * One operation by its `operationId`, at a path with query below the upstream's: `call('getContact', '/contacts/c1')`. The answer is
   * the upstream's; a refusal by the plane is thrown as a DeniedError.
   */
  call(operation: string, path: string, init?: RequestInit): Promise<Response>;
}

export function openHttpClient(callee: Callee, fetchWith: (scopes: readonly string[]) => FetchLike): HttpClient {
  return {
    url: callee.url,
    async call(operation, path, init) {
      if (!path.startsWith('/')) throw new TypeError(`\`${path}\` does not begin with a slash`);
      return fetchWith([`${callee.key}:${operation}`])(`${callee.url}${path}`, init);
    },
  };
}
