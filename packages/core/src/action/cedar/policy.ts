// One policy: its effect, its scope as data for the index, its conditions as one closure. Read from Cedar's JSON policy
// format, as cedar-wasm's `policyToJson` and `templateToJson` write it.

import { type Compiling, compileExpression } from './expression.ts';
import { isObject, isTypeName, uidFromJson } from './json.ts';
import { both, type Node, one } from './node.ts';
import { UNARY } from './operators.ts';
import { type EntityUid, isFault } from './value.ts';

/** What one of principal, action and resource must be. `in` is met by any one of its groups. */
export type Scope =
  | { readonly op: 'any' }
  | { readonly op: '=='; readonly uid: EntityUid }
  | { readonly op: 'in'; readonly groups: readonly EntityUid[] }
  | { readonly op: 'is'; readonly type: string; readonly group: EntityUid | null };

export interface Compiled {
  /** The author's own. */
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly annotations: ReadonlyMap<string, string>;
  readonly principal: Scope;
  readonly action: Scope;
  readonly resource: Scope;
  /** All conditions, true for none. Says nothing about the scope. */
  readonly conditions: Node;
}

export interface Unsupported {
  /** What this compiler does not know. Such a policy is cedar-wasm's to judge. */
  readonly unsupported: string;
}

/** `slots` are the values of a linked template, by `?principal` and `?resource`. */
export function compilePolicy(
  id: string,
  json: unknown,
  slots: ReadonlyMap<string, EntityUid> = new Map(),
): Compiled | Unsupported {
  const missing: string[] = [];
  const compiling: Compiling = { slots, unsupported: (what) => missing.push(what) };
  if (!isObject(json)) return { unsupported: 'a policy that is not an object' };
  const { effect } = json;
  if (effect !== 'permit' && effect !== 'forbid') return { unsupported: 'an effect' };
  const compiled: Compiled = {
    id,
    effect,
    annotations: annotationsFrom(json.annotations),
    principal: scopeFrom(json.principal, compiling),
    action: scopeFrom(json.action, compiling),
    resource: scopeFrom(json.resource, compiling),
    conditions: conditionsFrom(json.conditions, compiling),
  };
  return missing[0] === undefined ? compiled : { unsupported: missing[0] };
}

function scopeFrom(json: unknown, compiling: Compiling): Scope {
  const scope = isObject(json) ? json : {};
  switch (scope.op) {
    case 'All':
      return { op: 'any' };
    case '==': {
      const uid = entityFrom(scope, compiling);
      if (uid) return { op: '==', uid };
      break;
    }
    case 'in': {
      const groups = Array.isArray(scope.entities)
        ? scope.entities.map((entity) => entityFrom({ entity }, compiling))
        : [entityFrom(scope, compiling)];
      return { op: 'in', groups: groups.filter((group) => group !== null) };
    }
    case 'is': {
      const type = scope.entity_type;
      if (typeof type !== 'string' || !isTypeName(type)) break;
      return { op: 'is', type, group: isObject(scope.in) ? entityFrom(scope.in, compiling) : null };
    }
  }
  compiling.unsupported('a scope');
  return { op: 'any' };
}

/** Written out, or a slot that has a value. */
function entityFrom({ entity, slot }: { entity?: unknown; slot?: unknown }, compiling: Compiling): EntityUid | null {
  const uid = typeof slot === 'string' ? compiling.slots.get(slot) : uidFromJson(entity);
  if (uid && !isFault(uid)) return uid;
  compiling.unsupported('the entity of a scope');
  return null;
}

function conditionsFrom(json: unknown, compiling: Compiling): Node {
  if (!Array.isArray(json)) compiling.unsupported('conditions that are not an array');
  const clauses: readonly unknown[] = Array.isArray(json) ? json : [];
  return both(clauses.map((clause) => conditionFrom(isObject(clause) ? clause : {}, compiling)));
}

function conditionFrom({ kind, body }: { kind?: unknown; body?: unknown }, compiling: Compiling): Node {
  if (kind !== 'when' && kind !== 'unless') compiling.unsupported('a condition');
  const node = compileExpression(body, compiling);
  return kind === 'unless' ? one(node, UNARY.get('!')!) : node;
}

function annotationsFrom(json: unknown): ReadonlyMap<string, string> {
  const pairs = isObject(json) ? Object.entries(json) : [];
  return new Map(pairs.map(([name, text]) => [name, typeof text === 'string' ? text : '']));
}
