// What the rest of Writ takes from here, by name.

export { type Entity, type EntityMap, type EntitySource, entitiesFromJson } from './entities.ts';
export { contextFromJson, uidFromJson, valueFromJson } from './json.ts';
export type { CedarRequest } from './operators.ts';
export { type Compiled, compilePolicy, type Scope, type Unsupported } from './policy.ts';
export { type CedarAnswer, compileSet, type PolicyFailure, type PolicySet } from './policy-set.ts';
export { type CedarSchema, schemaFromJson } from './schema.ts';
export {
  type CedarRecord,
  type EntityUid,
  entityUid,
  equal,
  type Fault,
  type FaultKind,
  isFault,
  type Result,
  type Value,
} from './value.ts';
