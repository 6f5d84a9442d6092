// Cedar values, their equality, and the failures that evaluation can end in. Longs are bigint so that 64 bits are 64 bits;
// strings, booleans and longs are JavaScript's own, everything else carries its kind. Cedar language 4.5.

export type Value =
  | boolean
  | bigint
  | string
  | EntityUid
  | CedarSet
  | CedarRecord
  | CedarDecimal
  | CedarIp
  | CedarDatetime
  | CedarDuration;

export interface EntityUid {
  readonly kind: 'entity';
  readonly type: string;
  readonly id: string;
  /** One string for both; made only by `entityUid`. */
  readonly key: string;
}

export interface CedarSet {
  readonly kind: 'set';
  /** In no order that means anything; may repeat. */
  readonly items: readonly Value[];
  /** Hashes of the items, filled when a set is first too large to walk. */
  hashes: ReadonlySet<string> | null;
}

export interface CedarRecord {
  readonly kind: 'record';
  readonly fields: ReadonlyMap<string, Value>;
}

export interface CedarDecimal {
  readonly kind: 'decimal';
  /** The value times 10^4, within 64 bits. */
  readonly scaled: bigint;
}

export interface CedarIp {
  readonly kind: 'ipaddr';
  /** 4 or 16 bytes. */
  readonly bytes: readonly number[];
  readonly prefixBits: number;
}

export interface CedarDatetime {
  readonly kind: 'datetime';
  /** Since 1970-01-01T00:00:00Z, within 64 bits. */
  readonly millis: bigint;
}

export interface CedarDuration {
  readonly kind: 'duration';
  readonly millis: bigint;
}

export type FaultKind =
  | 'type'
  | 'overflow'
  | 'no_entity'
  | 'no_attribute'
  | 'no_tag'
  | 'extension'
  | 'arity'
  | 'unreadable';

/** Why there is no value. `says` has words of the policy or of Cedar, never of the request. */
export interface Fault {
  readonly kind: 'fault';
  readonly fault: FaultKind;
  readonly says: string;
}

export type Result = Value | Fault;

export function fault(kind: FaultKind, says: string): Fault {
  return { kind: 'fault', fault: kind, says };
}

export function isFault(result: Result): result is Fault {
  return typeof result === 'object' && result.kind === 'fault';
}

export function entityUid(type: string, id: string): EntityUid {
  // A type name holds no quote, so type and id cannot run into each other.
  return { kind: 'entity', type, id, key: `${type}"${id}` };
}

export function cedarSet(items: readonly Value[]): CedarSet {
  return { kind: 'set', items, hashes: null };
}

export function cedarRecord(fields: ReadonlyMap<string, Value>): CedarRecord {
  return { kind: 'record', fields };
}

const longMax = 2n ** 63n - 1n;
const longMin = -(2n ** 63n);

export function isLong(value: bigint): boolean {
  return value <= longMax && value >= longMin;
}

/** Cedar's `==`: by value at every depth, false across types, and never a failure. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  switch (a.kind) {
    case 'entity':
      return b.kind === 'entity' && a.key === b.key;
    case 'decimal':
      return b.kind === 'decimal' && a.scaled === b.scaled;
    case 'datetime':
    case 'duration':
      return b.kind === a.kind && a.millis === b.millis;
    case 'ipaddr':
      return b.kind === 'ipaddr' && hashOf(a) === hashOf(b);
    case 'set':
      return b.kind === 'set' && containsAll(a, b) && containsAll(b, a);
    case 'record':
      return b.kind === 'record' && sameFields(a.fields, b.fields);
  }
}

function sameFields(a: ReadonlyMap<string, Value>, b: ReadonlyMap<string, Value>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, value] of a) {
    const other = b.get(name);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}

/** Sets up to this size are walked. */
const walkMax = 8;

export function contains(set: CedarSet, value: Value): boolean {
  // Comparing nested collections pair by pair would multiply with every level; their hashes are made once.
  const nested = typeof value === 'object' && (value.kind === 'set' || value.kind === 'record');
  if (nested || set.items.length > walkMax) return hashesOf(set).has(hashOf(value));
  return set.items.some((item) => equal(item, value));
}

export function containsAll(set: CedarSet, wanted: CedarSet): boolean {
  return wanted.items.every((item) => contains(set, item));
}

export function containsAny(set: CedarSet, wanted: CedarSet): boolean {
  return wanted.items.some((item) => contains(set, item));
}

function hashesOf(set: CedarSet): ReadonlySet<string> {
  set.hashes ??= new Set(set.items.map(hashOf));
  return set.hashes;
}

/** Text that two values share exactly when they are equal. */
function hashOf(value: Value): string {
  if (typeof value === 'string') return `s${value}`;
  if (typeof value !== 'object') return `${typeof value === 'bigint' ? 'n' : 'b'}${value}`;
  switch (value.kind) {
    case 'entity':
      return `e${value.key}`;
    case 'decimal':
      return `d${value.scaled}`;
    case 'datetime':
      return `@${value.millis}`;
    case 'duration':
      return `+${value.millis}`;
    case 'ipaddr':
      return `p${value.bytes}/${value.prefixBits}`;
    case 'set':
      return `[${JSON.stringify([...hashesOf(value)].sort())}`;
    case 'record':
      return `{${JSON.stringify([...value.fields].map(([name, field]) => [name, hashOf(field)]).sort(byName))}`;
  }
}

function byName([a]: readonly string[], [b]: readonly string[]): number {
  return a! < b! ? -1 : 1;
}
