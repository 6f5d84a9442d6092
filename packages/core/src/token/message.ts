// Where `Writ-Context` sits in a message, and the digest that binds it to that message (contract §7). The gateway that signs and
// the agent that verifies use these same functions, so that they cannot see two different messages.

import { toHex, utf8 } from '../std/bytes.ts';
import type { Engine } from '../std/engine.ts';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '../std/json.ts';

/** Name of the member in MCP `_meta` and A2A `metadata`. */
export const CONTEXT_MEMBER = 'dev.writ/context';
/** Where a question of the plane's says in a form for programs what its text says to people. */
export const APPROVAL_MEMBER = 'dev.writ/approval';
/** Header form, for operations without a body. */
export const CONTEXT_HEADER = 'writ-context';

export interface Message {
  /** HTTP method, upper case. */
  readonly method: string;
  /** Request target as the callee sees it in the request line: path and query, without scheme and host. */
  readonly target: string;
  /** Strictly parsed body; null where there is none. */
  readonly body: JsonValue;
}

// JSON-RPC (A2A and MCP) first, then A2A's HTTP+JSON binding.
const PLACES: readonly (readonly string[])[] = [
  ['params', 'metadata'],
  ['params', '_meta'],
  ['params', 'message', 'metadata'],
  ['metadata'],
  ['message', 'metadata'],
];

/** `sha256:<hex>` over canonical JSON of method, target and body without the context. Throws on what RFC 8785 cannot carry. */
export function messageHash({ method, target, body }: Message, engine: Engine): string {
  const text = canonicalJson({ method, uri: target, body: withoutContext(body) });
  return `sha256:${toHex(engine.sha256(utf8(text)))}`;
}

/** Every context in the body, wherever one may stand. */
export function contextsIn(body: JsonValue): readonly JsonValue[] {
  return PLACES.map((place) => memberAt(body, place))
    .filter((holder) => isJsonObject(holder) && Object.hasOwn(holder, CONTEXT_MEMBER))
    .map((holder) => (holder as JsonObject)[CONTEXT_MEMBER]!);
}

/**
 * The body as it was before the context was put in. A holder that is empty without it goes too: whether it stood there before
 * cannot be known afterwards, so it counts for neither side.
 */
export function withoutContext(body: JsonValue): JsonValue {
  return PLACES.reduce((rest, place) => withoutContextAt(rest, place), body);
}

function withoutContextAt(value: JsonValue, [name, ...deeper]: readonly string[]): JsonValue {
  if (name === undefined || !isJsonObject(value)) return value;
  const inner = value[name];
  if (!isJsonObject(inner)) return value;
  const changed = deeper.length > 0 ? withoutContextAt(inner, deeper) : without(inner, CONTEXT_MEMBER);
  if (deeper.length === 0 && isJsonObject(changed) && Object.keys(changed).length === 0) return without(value, name);
  return changed === inner ? value : { ...value, [name]: changed };
}

function without(object: JsonObject, name: string): JsonObject {
  if (!Object.hasOwn(object, name)) return object;
  const { [name]: _, ...rest } = object;
  return rest;
}

function memberAt(value: JsonValue, path: readonly string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>((at, name) => (isJsonObject(at) ? at[name] : undefined), value);
}
