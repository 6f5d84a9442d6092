// The public surface of @writ/agent that needs no sockets and no files, by name. A new name here gets a changelog line.

export {
  A2A_VERSION,
  type A2aClient,
  type OutgoingMessage,
  openA2aClient,
  type SendOptions,
  type TaskOptions,
} from './a2a.ts';
export { type Caller, type CallOptions, fetchFor } from './call.ts';
export { type CallContext, currentContext, withContext } from './context.ts';
export { type ContextGuard, type ContextGuardOptions, type Incoming, openContextGuard } from './context-guard.ts';
export { type ContextKeys, type ContextKeysOptions, type KeySet, keysOf, openContextKeys } from './context-keys.ts';
export { DeniedError, type ReceivedDenial } from './denied.ts';
export type { FetchLike } from './fetch.ts';
export type { HttpClient } from './http.ts';
export { MCP_VERSION, type McpClient, type McpOptions, type McpTool, openMcpClient, type ToolResult } from './mcp.ts';
export { type Callee, calleeOf, type Plane, planeFromReady } from './plane.ts';
export type { OpenPage, PageToOpen } from './rounds.ts';
export { RpcError } from './rpc.ts';
export type { SpawnRequest } from './spawn.ts';
export {
  type Continuation,
  type MoveRequest,
  openTokenClient,
  type TakeRequest,
  type Token,
  type TokenClient,
  type TokenClientOptions,
} from './token.ts';
export { openTokenCache, type TokenCache } from './token-cache.ts';
export { type TrustContext, trustContext } from './trust.ts';
export { type ContextFacts, type ContextQuestion, verifyContext } from './verify.ts';
