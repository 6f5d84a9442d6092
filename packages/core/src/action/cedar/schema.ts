// A Cedar schema as far as deciding needs it: the action hierarchy, and requests and entities read by their declared types.
// One-sided: what is not read here, cedar-wasm may still read, and it explains what is wrong. Policies were validated against
// the same schema before. Open records and attributes of actions are not known here.

import {
  ANY_SHAPE,
  type Entity,
  type EntityMap,
  type EntityShape,
  entitiesFromJson,
  isAction,
  type ReadFields,
} from './entities.ts';
import { uidFromJson } from './json.ts';
import type { CedarRequest } from './operators.ts';
import type { Unsupported } from './policy.ts';
import { entityTypeOf, fieldsReader, isCounted, membersOf, type Names, qualified, tagsReader } from './schema-types.ts';
import { cedarRecord, type EntityUid, entityUid, type Fault, fault, isFault } from './value.ts';

export interface CedarSchema {
  /** The schema's actions as entities, each with all groups above it. They stand before any that a caller sends. */
  readonly actions: EntityMap;
  /** `{principal, action, resource, context}`, checked as Cedar validates a request. */
  request(json: { readonly [name: string]: unknown }): CedarRequest | Fault;
  entities(json: unknown): EntityMap | Fault;
}

interface EntityType extends EntityShape {
  readonly ids: ReadonlySet<string> | null;
  /** Types directly above, by full name. */
  readonly parents: readonly string[];
}

interface ActionType {
  readonly principals: ReadonlySet<string>;
  readonly resources: ReadonlySet<string>;
  readonly context: ReadFields;
}

interface Declared {
  readonly types: ReadonlyMap<string, EntityType>;
  readonly actions: ReadonlyMap<string, ActionType>;
  readonly actionEntities: EntityMap;
  /** Types that may stand anywhere above a type. */
  readonly above: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Of Cedar's JSON schema format. */
export function schemaFromJson(json: unknown): CedarSchema | Unsupported {
  const missing: string[] = [];
  const declared = declaredIn(json, (what) => missing.push(what));
  if (missing[0] !== undefined) return { unsupported: missing[0] };
  return {
    actions: declared.actionEntities,
    request: (asked) => requestOf(asked, declared),
    entities: (all) => entitiesOf(all, declared),
  };
}

function requestOf(json: { readonly [name: string]: unknown }, { types, actions }: Declared): CedarRequest | Fault {
  const [principal, action, resource] = [
    uidFromJson(json.principal),
    uidFromJson(json.action),
    uidFromJson(json.resource),
  ];
  if (isFault(principal)) return principal;
  if (isFault(action)) return action;
  if (isFault(resource)) return resource;
  const type = actions.get(action.key);
  if (!type) return unfit('the action is not declared');
  if (!type.principals.has(principal.type) || !type.resources.has(resource.type))
    return unfit('the action does not apply to the principal and the resource');
  if (!exists(principal, types) || !exists(resource, types)) return unfit('an entity is not one of those counted');
  const context = type.context(json.context);
  return 'kind' in context ? context : { principal, action, resource, context: cedarRecord(context) };
}

function entitiesOf(json: unknown, { types, actionEntities, above }: Declared): EntityMap | Fault {
  const shapeOf = (uid: EntityUid): EntityShape | Fault => {
    if (isAction(uid)) return ANY_SHAPE;
    const type = types.get(uid.type);
    return type && isCounted(uid, type.ids) ? type : unfit('an entity is not declared');
  };
  const entities = entitiesFromJson(json, shapeOf);
  if ('kind' in entities) return entities;
  for (const entity of entities.values()) {
    const isFit = isAction(entity.uid) ? isSameAction(entity, actionEntities) : isBelow(entity, types, above);
    if (!isFit) return unfit('an entity stands where it may not');
  }
  return entities;
}

/** An action that is sent along says what the schema says, or the question is not for this schema. */
function isSameAction({ uid, attrs, tags, ancestors }: Entity, actions: EntityMap): boolean {
  const groups = actions.get(uid.key)?.ancestors;
  if (!groups || attrs.size > 0 || tags.size > 0) return false;
  return groups.size === ancestors.size && groups.isSubsetOf(ancestors);
}

function isBelow({ uid, ancestors }: Entity, types: Declared['types'], above: Declared['above']): boolean {
  const allowed = above.get(uid.type);
  for (const key of ancestors) {
    const ancestor = uidOfKey(key);
    if (!allowed?.has(ancestor.type) || !exists(ancestor, types)) return false;
  }
  return true;
}

function exists(uid: EntityUid, types: ReadonlyMap<string, EntityType>): boolean {
  const type = types.get(uid.type);
  return type !== undefined && isCounted(uid, type.ids);
}

/** A key is the type, a quote, the id. */
function uidOfKey(key: string): EntityUid {
  const quote = key.indexOf('"');
  return entityUid(key.slice(0, quote), key.slice(quote + 1));
}

function declaredIn(json: unknown, unsupported: (what: string) => void): Declared {
  const namespaces = Object.entries(membersOf(json));
  const each = <T>(member: string, of: (namespace: string, name: string, body: unknown) => T): T[] =>
    namespaces.flatMap(([namespace, body]) =>
      Object.entries(membersOf(membersOf(body)[member])).map(([name, inner]) => of(namespace, name, inner)),
    );
  const commonTypes = new Map(
    each('commonTypes', (namespace, name, type) => [qualified(namespace, name), { json: type, namespace }]),
  );
  const counted = each('entityTypes', (namespace, name, type) => [qualified(namespace, name), idsOf(type)] as const);
  const entityTypes = new Map(counted);
  const names = (namespace: string): Names => ({ namespace, entityTypes, commonTypes, unsupported });

  const types = new Map(
    each('entityTypes', (namespace, name, type) => [qualified(namespace, name), entityType(type, names(namespace))]),
  );
  const actionKey = (namespace: string, id: string): string => entityUid(qualified(namespace, 'Action'), id).key;
  const actions = new Map(
    each('actions', (namespace, id, action) => [actionKey(namespace, id), actionType(action, names(namespace))]),
  );
  const groups = new Map(
    each('actions', (namespace, id, action) => [actionKey(namespace, id), groupsOf(action, names(namespace))]),
  );
  for (const all of groups.values())
    if (!all.every((group) => groups.has(group))) unsupported('a group of actions that is not declared');
  const parents = new Map([...types].map(([name, type]) => [name, type.parents]));
  return { types, actions, actionEntities: actionEntities(groups), above: closures(parents) };
}

function idsOf(type: unknown): ReadonlySet<string> | null {
  const { enum: ids } = membersOf(type);
  return Array.isArray(ids) ? new Set(ids.map(String)) : null;
}

function entityType(json: unknown, names: Names): EntityType {
  const { memberOfTypes, shape, tags } = membersOf(json);
  return {
    attrs: fieldsReader(shape, names),
    tags: tagsReader(tags, names),
    ids: idsOf(json),
    parents: listed(memberOfTypes).map((name) => entityTypeOf(name, names)),
  };
}

function actionType(json: unknown, names: Names): ActionType {
  const { appliesTo, attributes } = membersOf(json);
  if (attributes !== undefined) names.unsupported('attributes of an action');
  const { principalTypes, resourceTypes, context } = membersOf(appliesTo);
  return {
    principals: new Set(listed(principalTypes).map((name) => entityTypeOf(name, names))),
    resources: new Set(listed(resourceTypes).map((name) => entityTypeOf(name, names))),
    context: fieldsReader(context, names),
  };
}

function groupsOf(json: unknown, { namespace }: Names): readonly string[] {
  return listed(membersOf(json).memberOf).map((group) => {
    const { id, type = 'Action' } = membersOf(group);
    // Written short, an action type is its own namespace's.
    return entityUid(type === 'Action' ? qualified(namespace, type) : String(type), String(id)).key;
  });
}

function actionEntities(groups: ReadonlyMap<string, readonly string[]>): EntityMap {
  const none = new Map<string, never>();
  const entities = [...closures(groups)].map(([key, ancestors]): [string, Entity] => [
    key,
    { uid: uidOfKey(key), attrs: none, tags: none, ancestors },
  ]);
  return new Map(entities);
}

/** Everything above each, however far; itself only when it is above itself. */
function closures(above: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, ReadonlySet<string>> {
  const closure = (start: string): ReadonlySet<string> => {
    const found = new Set<string>();
    const waiting = [...(above.get(start) ?? [])];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (found.has(at)) continue;
      found.add(at);
      waiting.push(...(above.get(at) ?? []));
    }
    return found;
  };
  return new Map([...above.keys()].map((name) => [name, closure(name)]));
}

function listed(json: unknown): readonly unknown[] {
  return Array.isArray(json) ? json : [];
}

function unfit(says: string): Fault {
  return fault('unreadable', says);
}
