// What asking an endpoint showed, as values for the rules: no socket and no wire format from here on.

import type { JsonObject } from '@writ/core';
import type { ConfiguredServer } from './configuration.ts';
import type { Place, Probe } from './finding.ts';

export interface Endpoint {
  readonly url: string;
  readonly from: 'configuration' | 'socket' | 'named';
  /** What it is said to be; `any`: to be found out. */
  readonly kind: 'mcp' | 'a2a' | 'any';
  readonly place: Place | null;
  readonly server: ConfiguredServer | null;
  /** Bound to more than loopback, as far as the kernel's tables show. */
  readonly isExposed: boolean;
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  /** Names and descriptions inside the input schema, which a model reads too. */
  readonly parameterText: string;
  readonly isDestructive: boolean;
}

export interface Listed {
  readonly tools: readonly Tool[];
  /** What the server tells the model about itself. */
  readonly instructions: string;
}

export interface McpSeen {
  readonly protocol: 'mcp';
  readonly endpoint: Endpoint;
  readonly result: Probe['result'];
  readonly detail: string;
  /** Null where nothing could be listed. */
  readonly listed: Listed | null;
  /** Answered a request whose Host and Origin belong to somebody else; null where that was not asked. */
  readonly answersForeignHost: boolean | null;
  /** RFC 9728; null where it does not ask for a token. */
  readonly metadata: Metadata | null;
  /** A credential that nobody issued and that it took all the same. */
  readonly acceptedMadeUp: 'a random text' | 'an unsigned token for another audience' | null;
}

export type Metadata =
  | { readonly state: 'absent' }
  /** On another host, which was not asked. */
  | { readonly state: 'elsewhere'; readonly url: string }
  | {
      readonly state: 'present';
      readonly resource: string | null;
      readonly issuers: readonly string[];
      readonly scopes: readonly string[];
    };

export interface A2aSeen {
  readonly protocol: 'a2a';
  readonly endpoint: Endpoint;
  readonly result: Probe['result'];
  readonly detail: string;
  readonly cardUrl: string;
  readonly card: JsonObject;
  readonly interfaces: readonly { readonly url: string; readonly binding: string }[];
}

export type Seen = McpSeen | A2aSeen;
