// The words of A2A 1.0 over JSON-RPC: methods, errors, limits. They live in this folder and nowhere else.

export const A2A_VERSION = '1.0';

export interface Method {
  /** The answer is a stream of events. */
  readonly streams: boolean;
  /** A message to the agent: what policy judges. Else it names a task of the caller's in `id`. */
  readonly isMessage: boolean;
  /** Members of `params` next to `tenant` and `id`, where a task is named. */
  readonly optional: { readonly [member: string]: 'count' | 'object' };
}

export const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['SendMessage', { streams: false, isMessage: true, optional: {} }],
  ['SendStreamingMessage', { streams: true, isMessage: true, optional: {} }],
  ['GetTask', { streams: false, isMessage: false, optional: { historyLength: 'count' } }],
  ['CancelTask', { streams: false, isMessage: false, optional: { metadata: 'object' } }],
  ['SubscribeToTask', { streams: true, isMessage: false, optional: {} }],
]);

/** Methods of the standard that this gateway does not carry, with the standard's own way of saying so. */
export const NOT_CARRIED: ReadonlyMap<string, A2aErrorName> = new Map([
  ['ListTasks', 'UNSUPPORTED_OPERATION'],
  ['GetExtendedAgentCard', 'UNSUPPORTED_OPERATION'],
  ['CreateTaskPushNotificationConfig', 'PUSH_NOTIFICATION_NOT_SUPPORTED'],
  ['GetTaskPushNotificationConfig', 'PUSH_NOTIFICATION_NOT_SUPPORTED'],
  ['ListTaskPushNotificationConfigs', 'PUSH_NOTIFICATION_NOT_SUPPORTED'],
  ['DeleteTaskPushNotificationConfig', 'PUSH_NOTIFICATION_NOT_SUPPORTED'],
]);

export type A2aErrorName =
  | 'TASK_NOT_FOUND'
  | 'TASK_NOT_CANCELABLE'
  | 'PUSH_NOTIFICATION_NOT_SUPPORTED'
  | 'UNSUPPORTED_OPERATION'
  | 'VERSION_NOT_SUPPORTED';

/** A2A 1.0 §"error handling". The same numbers mean other things in MCP. */
export const A2A_ERRORS: { readonly [name in A2aErrorName]: { readonly code: number; readonly message: string } } = {
  TASK_NOT_FOUND: { code: -32001, message: 'Task not found' },
  TASK_NOT_CANCELABLE: { code: -32002, message: 'This task cannot be canceled' },
  PUSH_NOTIFICATION_NOT_SUPPORTED: { code: -32003, message: 'Push notifications are not supported' },
  UNSUPPORTED_OPERATION: { code: -32004, message: 'This operation is not supported' },
  VERSION_NOT_SUPPORTED: { code: -32009, message: 'This protocol version is not supported' },
};

export const RPC = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
} as const;

/** Writ's own answers (contract §5), outside the ranges of JSON-RPC, MCP and A2A. */
export const REFUSED = -31001;

export type RpcId = string | number;
