// Bounded names. Whatever a caller can make up becomes `other`, so that neither a time series nor a span name is his to fill.

import type { Call } from '@writ/core';

export interface Known {
  /** Keys of the configuration. */
  readonly servers: ReadonlySet<string>;
  readonly agents: ReadonlySet<string>;
  /** Has a person reviewed a tool of that name there? */
  isReviewed(target: Call['target']): boolean;
}

export interface Names {
  callee(call: Pick<Call, 'target'>): string;
  /** Tool, prompt or `other`; null where the call names none. */
  tool(call: Pick<Call, 'target'>): string | null;
  operation(call: Pick<Call, 'operation'>): string;
}

export const OTHER = 'other';

/** Methods of the protocols as far as they are served. */
const OPERATIONS: ReadonlySet<string> = new Set([
  ...['initialize', 'ping', 'session/end', 'server/discover', 'subscriptions/listen', 'completion/complete'],
  ...['tools/call', 'tools/list', 'prompts/get', 'prompts/list', 'logging/setLevel'],
  ...['resources/read', 'resources/list', 'resources/templates/list', 'resources/subscribe', 'resources/unsubscribe'],
  ...['tasks/get', 'tasks/list', 'tasks/result', 'tasks/cancel', 'tasks/update'],
  ...['notifications/initialized', 'notifications/cancelled', 'notifications/progress'],
  ...['notifications/roots/list_changed'],
  ...['SendMessage', 'SendStreamingMessage', 'GetTask', 'ListTasks', 'CancelTask', 'SubscribeToTask'],
]);

export function createNames({ servers, agents, isReviewed }: Known): Names {
  return {
    callee: ({ target: { kind, server } }) => ((kind === 'agent' ? agents : servers).has(server) ? server : OTHER),
    tool({ target }) {
      const { kind, server, name } = target;
      if (name === null || kind === 'agent') return null;
      return servers.has(server) && isReviewed(target) ? name : OTHER;
    },
    operation: ({ operation }) => (OPERATIONS.has(operation) ? operation : OTHER),
  };
}
