// Labels that travel with a message from one gate to the next (contract §7): a span per whole field, by salted digest, so that the
// levels can be read only by who has the text. What no span speaks of counts as the floor. Signing is the gates'.

import { toHex, utf8 } from '../../std/bytes.ts';
import type { Engine } from '../../std/engine.ts';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '../../std/json.ts';
import { type Field, fieldOf, type TaskEvidence } from './evidence.ts';
import { foreignLevel, type Level } from './levels.ts';
import { isScalar, type Scalar } from './typed-value.ts';

export const spansMax = 512;

/** A field as it is signed: `handle` is null where the field is none. */
export interface Span {
  readonly digest: string;
  readonly kind: 'value' | 'key';
  readonly handle: Level | null;
  readonly text: Level;
  readonly secret: boolean;
  readonly origin: { readonly decision: string | number; readonly server: string; readonly pointer: string };
}

export interface Labels {
  readonly floor: Level;
  readonly salt: string;
  readonly spans: readonly Span[];
}

/** Secrets first, since forgetting one is worse than asking once more; then as they came. */
export function labelsOf(evidence: TaskEvidence, floor: Level, salt: string, engine: Engine): Labels {
  const fields = [...evidence.fields];
  const ordered = [...evidence.fields.secrets(), ...fields.filter(({ secret }) => !secret)];
  const spans = ordered.slice(0, spansMax).map(({ value, kind, handle, text, secret, ref, server, pointer }) => ({
    digest: spanDigest(salt, value, engine),
    kind,
    handle,
    text,
    secret,
    origin: { decision: ref, server, pointer },
  }));
  return { floor, salt, spans };
}

/**
 * Fields of a message that arrived with genuine labels. What no span speaks of is left out, so that it counts as composed: as the
 * floor. `ceiling` is for labels of another trust domain (rules §3.15).
 */
export function fieldsFrom(message: JsonValue, labels: Labels, engine: Engine, ceiling: Level = 3): readonly Field[] {
  const held = new Map<string, Scalar>();
  for (const value of scalarsIn(message)) held.set(spanDigest(labels.salt, value, engine), value);
  const capped = (level: Level): Level => foreignLevel(level, ceiling);
  return labels.spans.flatMap(({ digest, kind, handle, text, secret, origin }) => {
    const value = held.get(digest);
    if (value === undefined) return []; // speaks of something that is not in this message
    const levels = { handle: handle === null ? null : capped(handle), text: capped(text) };
    return [fieldOf({ pointer: origin.pointer, value, kind, ...levels, secret }, origin.decision, origin.server)];
  });
}

/** Strictly: anything else is no label. */
export function readLabels(value: JsonValue | undefined): Labels | null {
  if (!isJsonObject(value)) return null;
  const { floor, salt, spans } = value;
  if (!isLevel(floor) || typeof salt !== 'string' || !Array.isArray(spans) || spans.length > spansMax) return null;
  return (spans as readonly JsonValue[]).every(isSpan)
    ? { floor, salt, spans: spans as unknown as readonly Span[] }
    : null;
}

function isSpan(value: JsonValue): boolean {
  if (!isJsonObject(value)) return false;
  const { digest, kind, handle, text, secret, origin } = value;
  if (typeof digest !== 'string' || (kind !== 'value' && kind !== 'key') || typeof secret !== 'boolean') return false;
  if (!(handle === null || isLevel(handle)) || !isLevel(text) || !isJsonObject(origin)) return false;
  const { decision, server, pointer } = origin as JsonObject;
  return (
    (typeof decision === 'string' || typeof decision === 'number') &&
    typeof server === 'string' &&
    typeof pointer === 'string'
  );
}

function isLevel(value: JsonValue | undefined): value is Level {
  return typeof value === 'number' && [0, 1, 2, 3, 4].includes(value);
}

function spanDigest(salt: string, value: Scalar, engine: Engine): string {
  return toHex(engine.sha256(utf8(canonicalJson([salt, value]))));
}

function* scalarsIn(value: JsonValue): Generator<Scalar> {
  if (Array.isArray(value)) {
    for (const item of value) yield* scalarsIn(item as JsonValue);
  } else if (isJsonObject(value)) {
    for (const [name, item] of Object.entries(value)) {
      yield name;
      yield* scalarsIn(item);
    }
  } else if (isScalar(value) && value !== '') yield value;
}
