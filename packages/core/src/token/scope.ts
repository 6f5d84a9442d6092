// Scopes: `<name>:<action>` (contract §7a). A wildcard stands for a whole action or for what follows `.` or `/`,
// never for part of a word, never in the name, never alone. Rules §2.10.

export interface Scope {
  /** Server key, agent path (`type/instance`) or upstream key. */
  readonly name: string;
  /** `read_file`, `prompts/NAME`, `resources`, `send`, `*`, `part.*`, `part/*`. */
  readonly action: string;
}

// RFC 6749 §3.3 scope-token characters, less the ones that separate here.
const NAME = /^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)?$/;
const ACTION = /^[A-Za-z0-9_./~@+=-]+$/;
const lengthMax = 256;

/** The scope, or null: an unknown form is never a scope. */
export function parseScope(text: string): Scope | null {
  if (text.length > lengthMax) return null;
  const colon = text.indexOf(':');
  if (colon <= 0) return null;
  const name = text.slice(0, colon);
  const action = text.slice(colon + 1);
  if (!NAME.test(name)) return null;
  const plain = action.endsWith('*') ? action.slice(0, -1) : action;
  if (action.endsWith('*') && plain !== '' && !plain.endsWith('.') && !plain.endsWith('/')) return null;
  if (plain === '' ? action !== '*' : !ACTION.test(plain)) return null;
  return { name, action };
}

export function isWildcard(scope: Scope): boolean {
  return scope.action.endsWith('*');
}

/** Does holding `parent` include `child`? Both as text; an unreadable scope includes nothing and is included by nothing. */
export function scopeCovers(parent: string, child: string): boolean {
  const held = parseScope(parent);
  const asked = parseScope(child);
  if (!held || !asked || held.name !== asked.name) return false;
  if (!isWildcard(held)) return held.action === asked.action;
  // `x*` covers `x…` and the narrower wildcard `x.y.*`; `*` covers every action of the name.
  return asked.action.startsWith(held.action.slice(0, -1));
}

export function anyScopeCovers(parents: readonly string[], child: string): boolean {
  return parents.some((parent) => scopeCovers(parent, child));
}

/** The entry that covers a scope by name, without a wildcard. */
export function coveredByName(parents: readonly string[], child: string): boolean {
  return parents.includes(child);
}

/** Scopes of a space-separated parameter in order, without repeats, or null when one is unreadable. RFC 6749 §3.3. */
export function parseScopeList(text: string): readonly string[] | null {
  const parts = text.split(' ').filter((part) => part !== '');
  return parts.every((part) => parseScope(part) !== null) ? [...new Set(parts)] : null;
}
