// Texts that were kept back and what stands for them (quarantine; rules §5): `writ:ref:<id>`, good in the task it was issued to, as a
// whole value of a payload and nowhere else. The call is judged as what the reference stands for; that is put in after the decision,
// at the places that were looked at before it, and never read again. Kept in memory, at most so much of it; a forgotten reference is
// an unknown one.

import { randomBytes } from 'node:crypto';
import {
  argumentLeaves,
  type Definition,
  type Denial,
  denial,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Level,
  pointerStep,
} from '@writ/core';

export interface HeldText {
  readonly task: string;
  readonly server: string;
  /** Decision of the call that it is an answer to. */
  readonly decision: string;
  readonly text: string;
  readonly level: Level;
  readonly secret: boolean;
}

export interface References {
  issue(held: HeldText): string;
  find(reference: string): HeldText | null;
  /** The task is over: nothing stands for anything of it any more. */
  endTask(task: string): void;
}

export interface QuarantinePorts {
  readonly references: References;
  /** Are texts of this tool, prompt or resource kept back? */
  readonly keepsBack: (server: string, name: string | null) => boolean;
  readonly definitionOf: (server: string, name: string | null) => Definition | undefined;
}

const PREFIX = 'writ:ref:';
const idChars = 22;
const WHOLE = new RegExp(`^${PREFIX}[A-Za-z0-9_-]{${idChars}}$`);
const ANYWHERE = new RegExp(`${PREFIX}[A-Za-z0-9_-]{${idChars}}`);

/** `charsMax`: UTF-16 units kept for all tasks together. */
export function createReferences(charsMax = 32 * 1024 * 1024): References {
  const kept = new Map<string, HeldText>();
  let chars = 0;
  const forget = (reference: string, { text }: HeldText) => {
    kept.delete(reference);
    chars -= text.length;
  };
  return {
    issue(held) {
      // Unguessable: whoever names one has been given it.
      const reference = `${PREFIX}${randomBytes(16).toString('base64url')}`;
      kept.set(reference, held);
      chars += held.text.length;
      for (const [oldest, one] of kept) {
        if (chars <= charsMax || oldest === reference) break;
        forget(oldest, one);
      }
      return reference;
    },
    find: (reference) => kept.get(reference) ?? null,
    endTask(task) {
      for (const [reference, held] of kept) if (held.task === task) forget(reference, held);
    },
  };
}

export interface Resolved {
  /** What the call is judged as. */
  readonly arguments: JsonObject;
  readonly held: readonly HeldText[];
  /** The references, by pointer. */
  readonly places: ReadonlyMap<string, string>;
}

/** Null: there is none in it. A reference that may not stand where it stands, or is not this task's, is a no without a reason. */
export function resolveReferences(
  args: JsonObject,
  {
    references,
    task,
    definition,
  }: {
    readonly references: References;
    readonly task: string;
    readonly definition: Definition | undefined;
  },
): Resolved | { readonly refused: Denial } | null {
  if (!ANYWHERE.test(JSON.stringify(args))) return null;
  const payloads = new Set(
    argumentLeaves(args, definition?.trust.args).flatMap(({ pointer, role }) => (role === 'payload' ? [pointer] : [])),
  );
  const places = new Map<string, string>();
  const held: HeldText[] = [];
  const refused = (argument: string) => ({
    refused: denial('action.argument_invalid', { argument, expected: 'a reference of this task as a whole payload' }),
  });
  let fault: string | null = null;
  const visit = (value: JsonValue, pointer: string): JsonValue => {
    if (Array.isArray(value)) return value.map((item, i) => visit(item as JsonValue, `${pointer}/${i}`));
    if (isJsonObject(value)) {
      const entries = Object.entries(value).map(([name, below]): [string, JsonValue] => {
        if (ANYWHERE.test(name)) fault ??= pointer;
        return [name, visit(below, `${pointer}/${pointerStep(name)}`)];
      });
      return Object.fromEntries(entries);
    }
    if (typeof value !== 'string' || !ANYWHERE.test(value)) return value;
    const found = WHOLE.test(value) && payloads.has(pointer) ? references.find(value) : null;
    if (found === null || found.task !== task) {
      fault ??= pointer;
      return value;
    }
    places.set(pointer, found.text);
    held.push(found);
    return found.text;
  };
  const resolved = visit(args, '') as JsonObject;
  return fault === null ? { arguments: resolved, held, places } : refused(fault);
}

/** Puts the texts where their references stood, in what goes out; nothing of them is looked at again. */
export function withTexts(args: JsonObject, { places }: Resolved): JsonObject {
  const visit = (value: JsonValue, pointer: string): JsonValue => {
    const text = places.get(pointer);
    if (text !== undefined) return text;
    if (Array.isArray(value)) return value.map((item, i) => visit(item as JsonValue, `${pointer}/${i}`));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, below]) => [name, visit(below, `${pointer}/${pointerStep(name)}`)]),
    );
  };
  return visit(args, '') as JsonObject;
}

/** Does a text that is no argument hold one? */
export function holdsReference(value: JsonValue): boolean {
  return ANYWHERE.test(JSON.stringify(value));
}
