// The entity store that policies look into. A `Map` by uid key is one; anything with `get` is. Ancestors are the whole
// transitive closure, computed once when the entities are read, so that `in` is one look.

import { isObject, uidFromJson, valueFromJson } from './json.ts';
import { type EntityUid, equal, type Fault, fault, isFault, type Value } from './value.ts';

export interface Entity {
  readonly uid: EntityUid;
  readonly attrs: Fields;
  readonly tags: Fields;
  /** Keys of everything above, however far. Never the entity itself. */
  readonly ancestors: ReadonlySet<string>;
}

export interface EntitySource {
  /** By `EntityUid.key`. */
  get(key: string): Entity | undefined;
}

export type EntityMap = ReadonlyMap<string, Entity>;

export type Fields = ReadonlyMap<string, Value>;
export type ReadFields = (json: unknown) => Fields | Fault;

/** How the attributes and tags of one entity are read. */
export interface EntityShape {
  readonly attrs: ReadFields;
  readonly tags: ReadFields;
}

/** Without a schema: any fields of any type. */
export const ANY_SHAPE: EntityShape = { attrs: fieldsFromJson, tags: fieldsFromJson };

/**
 * Cedar's entities JSON: an array of `{uid, attrs, parents, tags?}`. Refuses an entity told twice in two ways, and a cycle.
 * `shapeOf` is a schema's word on one entity.
 */
export function entitiesFromJson(
  json: unknown,
  shapeOf: (uid: EntityUid) => EntityShape | Fault = () => ANY_SHAPE,
): EntityMap | Fault {
  if (!Array.isArray(json)) return unreadable('entities are an array');
  const read = new Map<string, Unlinked>();
  for (const item of json) {
    const entity = entityFrom(item, shapeOf);
    if ('kind' in entity) return entity;
    const before = read.get(entity.uid.key);
    if (before && !isSame(before, entity)) return unreadable('an entity is there twice, and differs');
    read.set(entity.uid.key, entity);
  }
  return linked(read);
}

interface Unlinked extends Omit<Entity, 'ancestors'> {
  readonly parents: ReadonlySet<string>;
}

function entityFrom(json: unknown, shapeOf: (uid: EntityUid) => EntityShape | Fault): Unlinked | Fault {
  if (!isObject(json) || !Array.isArray(json.parents)) return unreadable('an entity has a uid, attrs and parents');
  const uid = uidFromJson(json.uid);
  if (isFault(uid)) return uid;
  const shape = shapeOf(uid);
  if ('kind' in shape) return shape;
  const attrs = shape.attrs(json.attrs);
  if ('kind' in attrs) return attrs;
  const tags = shape.tags(json.tags === undefined ? {} : json.tags);
  if ('kind' in tags) return tags;
  const parents = new Set<string>();
  for (const item of json.parents) {
    const parent = uidFromJson(item);
    if (isFault(parent)) return parent;
    if (isAction(uid) && !isAction(parent)) return unreadable('a parent of an action is an action');
    parents.add(parent.key);
  }
  return { uid, attrs, tags, parents };
}

function fieldsFromJson(json: unknown): Fields | Fault {
  if (!isObject(json)) return unreadable('attrs and tags are objects');
  const fields = new Map<string, Value>();
  for (const name of Object.keys(json)) {
    const value = valueFromJson(json[name]);
    if (isFault(value)) return value;
    fields.set(name, value);
  }
  return fields;
}

export function isAction({ type }: EntityUid): boolean {
  return type === 'Action' || type.endsWith('::Action');
}

function isSame(a: Unlinked, b: Unlinked): boolean {
  const record = (fields: Fields) => ({ kind: 'record', fields }) as const;
  return (
    equal(record(a.attrs), record(b.attrs)) &&
    equal(record(a.tags), record(b.tags)) &&
    a.parents.size === b.parents.size &&
    a.parents.isSubsetOf(b.parents)
  );
}

/** Depth first with its own stack, since a hierarchy may be deeper than the call stack. */
function linked(read: ReadonlyMap<string, Unlinked>): EntityMap | Fault {
  const done = new Map<string, Entity>();
  const open = new Set<string>();
  for (const key of read.keys()) {
    const path = [key];
    while (path.length > 0) {
      const at = path.at(-1)!;
      const entity = read.get(at)!;
      if (done.has(at)) {
        path.pop();
        continue;
      }
      const waiting = [...entity.parents].filter((parent) => read.has(parent) && !done.has(parent));
      if (waiting.length === 0) {
        done.set(at, entityWith(entity, done));
        open.delete(at);
        path.pop();
        continue;
      }
      // Its parents were all put on the path before; one still waiting now leads back here.
      if (open.has(at)) return unreadable('the hierarchy has a cycle');
      open.add(at);
      path.push(...waiting);
    }
  }
  return done;
}

function entityWith({ uid, attrs, tags, parents }: Unlinked, done: EntityMap): Entity {
  const ancestors = new Set(parents);
  for (const parent of parents) for (const above of done.get(parent)?.ancestors ?? []) ancestors.add(above);
  return { uid, attrs, tags, ancestors };
}

function unreadable(says: string): Fault {
  return fault('unreadable', says);
}
