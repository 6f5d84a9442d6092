// Strings of a Biscuit are numbers into a table: 28 that every token knows, then those its blocks bring along.
// A third-party block starts its own table. SPECIFICATIONS.md "Symbol table".

const DEFAULTS = [
  ...['read', 'write', 'resource', 'operation', 'right', 'time', 'role', 'owner', 'tenant', 'namespace'],
  ...['user', 'team', 'service', 'admin', 'email', 'group', 'member', 'ip_address', 'client', 'client_ip'],
  ...['domain', 'path', 'version', 'cluster', 'node', 'hostname', 'nonce', 'query'],
];
const defaultIndex = new Map(DEFAULTS.map((name, i) => [name, i]));
/** The first number of a string that came with a block. */
const OWN = 1024;

export interface SymbolTable {
  /** The string of a number, or undefined. */
  textOf(index: number): string | undefined;
  /** The number of a string; a new one is added. */
  indexOf(text: string): number;
  /** Takes the strings of a further block; false when one of them is known already. */
  add(symbols: readonly string[]): boolean;
  /** Strings after the first `count` that were not default. */
  own(count: number): readonly string[];
  readonly size: number;
}

export function openSymbols(): SymbolTable {
  const own: string[] = [];
  const index = new Map<string, number>();
  const known = (text: string) => defaultIndex.get(text) ?? index.get(text);
  const put = (text: string) => {
    index.set(text, OWN + own.length);
    own.push(text);
    return OWN + own.length - 1;
  };
  return {
    textOf: (at) => (at < OWN ? DEFAULTS[at] : own[at - OWN]),
    indexOf: (text) => known(text) ?? put(text),
    add(symbols) {
      for (const symbol of symbols) {
        // Two numbers for one string would be two spellings of one block.
        if (known(symbol) !== undefined) return false;
        put(symbol);
      }
      return true;
    },
    own: (count) => own.slice(count),
    get size() {
      return own.length;
    },
  };
}
