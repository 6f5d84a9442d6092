// The entity store that policies look into. A `Map` by uid key is one; anything with `get` is. Ancestors are the whole
// transitive closure, computed once when the entities are read, so that `in` is one look.

import { isObject, uidFromJson, valueFromJson } from './json.ts';
import { type EntityUid, equal, type Fault, fault, isFault, type Value } from './value.ts';

export interface Entity {
  readonly uid: EntityUid;
  readonly attrs: ReadonlyMap<string, Value>;
  readonly tags: ReadonlyMap<string, Value>;
  /** Keys of everything above, however far. Never the entity itself. */
  readonly ancestors: ReadonlySet<string>;
}

export interface EntitySource {
  /** By `EntityUid.key`. */
  get(key: string): Entity | undefined;
}

export type EntityMap = ReadonlyMap<string, Entity>;

/** Cedar's entities JSON: an array of `{uid, attrs, parents, tags?}`. Refuses a second entity of one uid and a cycle. */
export function entitiesFromJson(json: unknown): EntityMap | Fault {
  if (!Array.isArray(json)) return unreadable('entities are an array');
  const read = new Map<string, Unlinked>();
  for (const item of json) {
    const entity = entityFrom(item);
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

function entityFrom(json: unknown): Unlinked | Fault {
  if (!isObject(json) || !Array.isArray(json.parents)) return unreadable('an entity has a uid, attrs and parents');
  const uid = uidFromJson(json.uid);
  if (isFault(uid)) return uid;
  const attrs = fieldsFrom(json.attrs);
  if ('kind' in attrs) return attrs;
  const tags = fieldsFrom(json.tags === undefined ? {} : json.tags);
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

function fieldsFrom(json: unknown): ReadonlyMap<string, Value> | Fault {
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
  const record = (fields: ReadonlyMap<string, Value>) => ({ kind: 'record', fields }) as const;
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
