// Cedar text: literals that say exactly what was meant, and the layout of a compiled policy as `writ policy show` prints
// it. No meaning is decided here.

export interface PolicyText {
  readonly id: string;
  readonly text: string;
}

const RESERVED = new Set(['true', 'false', 'if', 'then', 'else', 'in', 'is', 'like', 'has', '__cedar']);

function isIdentifier(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !RESERVED.has(name);
}

/** A string literal. Cedar escapes are Rust's: `\u{…}`, never JSON's `\u0000`. */
export function cedarString(text: string): string {
  const escaped = text.replace(/[\\"\p{Cc}\p{Cf}]/gu, (char) =>
    char === '\\' || char === '"' ? `\\${char}` : `\\u{${char.codePointAt(0)!.toString(16)}}`,
  );
  return `"${escaped}"`;
}

export function entity(type: string, id: string): string {
  return `Writ::${type}::${cedarString(id)}`;
}

/** `base.name`, or `base["name with spaces"]`. */
export function attribute(base: string, name: string): string {
  return isIdentifier(name) ? `${base}.${name}` : `${base}[${cedarString(name)}]`;
}

export function has(base: string, name: string): string {
  return `${base} has ${isIdentifier(name) ? name : cedarString(name)}`;
}

export interface Permit {
  readonly id: string;
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  /** All of these hold; empty: nothing further. */
  readonly when: readonly string[];
}

export function permitText({ id, principal, action, resource, when }: Permit): PolicyText {
  const conditions = when.length === 0 ? '' : `\nwhen {\n  ${when.join(' &&\n  ')}\n}`;
  const text = `@id(${cedarString(id)})\npermit (\n  ${principal},\n  ${action},\n  ${resource}\n)${conditions};\n`;
  return { id, text };
}
