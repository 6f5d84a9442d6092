// The words of MCP and JSON-RPC, both eras: versions, error codes, `_meta` keys, and the methods with the members they may have.
// Only this folder knows them. MCP 2026-07-28 and 2025-11-25.

export type Era = 'modern' | 'legacy';

/** JSON-RPC id as MCP allows it: never null, never a fraction. */
export type RpcId = string | number;

/** Revisions without sessions, newest first. What `server/discover` lists and -32022 names. */
export const MODERN_VERSIONS: readonly string[] = ['2026-07-28'];
/** Revisions that begin with `initialize`, newest first. */
export const LEGACY_VERSIONS: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26'];
/** What a legacy request without a version header is taken for. MCP 2025-11-25, transports. */
export const LEGACY_VERSION_ASSUMED = '2025-03-26';

export const RPC = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  headerMismatch: -32020,
  missingCapability: -32021,
  unsupportedVersion: -32022,
  /** Writ's own, outside the reserved ranges (contract §5). */
  denied: -31001,
  approvalNeeded: -31002,
} as const;

export const META = {
  version: 'io.modelcontextprotocol/protocolVersion',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
} as const;

/** Keys of Writ's own in `_meta`; a caller's are never passed on. Contract §7. */
export const WRIT_META_PREFIX = 'dev.writ/';

export interface Method {
  readonly eras: readonly Era[];
  /** The member that `Mcp-Name` repeats. */
  readonly nameIn: 'name' | 'uri' | null;
  /** Members of `params` next to `_meta`. A member that nobody judges is refused, not forwarded. */
  readonly required: { readonly [member: string]: MemberType };
  readonly optional: { readonly [member: string]: MemberType };
  /** Result must say how long and for whom it may be kept (2026-07-28, caching). */
  readonly cacheable: boolean;
  /** The callee's capability this needs. */
  readonly needs: 'tools' | 'resources' | 'prompts' | 'completions' | null;
}

export type MemberType = 'string' | 'object' | 'strings';

const BOTH: readonly Era[] = ['modern', 'legacy'];
const ROUNDS = { inputResponses: 'object', requestState: 'string' } as const;
const PLAIN = { eras: BOTH, nameIn: null, required: {}, optional: {}, cacheable: false, needs: null } as const;
const LIST = { ...PLAIN, optional: { cursor: 'string' }, cacheable: true } as const;

export const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['server/discover', { ...PLAIN, eras: ['modern'], cacheable: true }],
  [
    'initialize',
    {
      ...PLAIN,
      eras: ['legacy'],
      required: { protocolVersion: 'string', capabilities: 'object', clientInfo: 'object' },
    },
  ],
  ['ping', { ...PLAIN, eras: ['legacy'] }],
  ['tools/list', { ...LIST, needs: 'tools' }],
  ['resources/list', { ...LIST, needs: 'resources' }],
  ['resources/templates/list', { ...LIST, needs: 'resources' }],
  ['prompts/list', { ...LIST, needs: 'prompts' }],
  [
    'tools/call',
    {
      ...PLAIN,
      nameIn: 'name',
      required: { name: 'string' },
      optional: { arguments: 'object', ...ROUNDS },
      needs: 'tools',
    },
  ],
  [
    'resources/read',
    {
      ...PLAIN,
      nameIn: 'uri',
      required: { uri: 'string' },
      optional: ROUNDS,
      cacheable: true,
      needs: 'resources',
    },
  ],
  [
    'prompts/get',
    {
      ...PLAIN,
      nameIn: 'name',
      required: { name: 'string' },
      optional: { arguments: 'strings', ...ROUNDS },
      needs: 'prompts',
    },
  ],
  [
    'completion/complete',
    {
      ...PLAIN,
      required: { ref: 'object', argument: 'object' },
      optional: { context: 'object' },
      needs: 'completions',
    },
  ],
  ['subscriptions/listen', { ...PLAIN, eras: ['modern'], required: { notifications: 'object' } }],
]);

/** What a legacy client may tell without asking. Nothing of it goes upstream but a cancellation. */
export const LEGACY_NOTIFICATIONS: ReadonlySet<string> = new Set([
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
]);

/** What a server may tell a caller; everything else ends here (rules §5). */
export const SERVER_NOTIFICATIONS: ReadonlySet<string> = new Set([
  'notifications/progress',
  'notifications/message',
  'notifications/subscriptions/acknowledged',
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
]);

/** Tool and prompt names: what a scope can carry whole, so that no name can pass for a wildcard. MCP 2026-07-28, tools. */
export const NAME = /^[A-Za-z0-9_.-]{1,128}$/;
