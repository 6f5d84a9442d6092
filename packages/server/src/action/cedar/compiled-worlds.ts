// Random worlds for comparing evaluators: entities in a hierarchy, policies in Cedar's JSON format, requests with a context.
// Mostly well typed, so that evaluation gets somewhere; now and then not, so that every failure is met. One seed, one world.

import { expressionOf } from './compiled-expressions.ts';
import { probeOf } from './compiled-probes.ts';
import { IDS, type Json, type Random, recordOf, TYPES, type Uid, uidOf } from './compiled-samples.ts';

export interface Request {
  readonly principal: Uid;
  readonly action: Uid;
  readonly resource: Uid;
  readonly context: Json;
}

export interface World {
  readonly entities: readonly Json[];
  /** Cedar's JSON format, by id. */
  readonly policies: ReadonlyMap<string, Json>;
  readonly requests: readonly Request[];
}

export function worldOf(random: Random): World {
  const entities = entitiesOf(random);
  const count = 1 + random.below(8);
  const policies = Array.from({ length: count }, (_, i) => [`p${i}`, policyOf(random)] as const);
  return { entities, policies: new Map(policies), requests: Array.from({ length: 3 }, () => requestOf(random)) };
}

function requestOf(random: Random): Request {
  const action = random.chance(0.9) ? { type: 'Action', id: random.pick(IDS) } : uidOf(random);
  return { principal: uidOf(random), action, resource: uidOf(random), context: recordOf(random, 2) };
}

function entitiesOf(random: Random): Json[] {
  const uids = TYPES.flatMap((type) => IDS.map((id) => ({ type, id }))).filter(() => random.chance(0.4));
  const entities = uids.map((uid, i): { [name: string]: Json } => {
    // Parents come later in the list or are not there at all, so a cycle has to be put in by hand.
    const above = uids.slice(i + 1).filter((other) => uid.type.endsWith('Action') === other.type.endsWith('Action'));
    const parents =
      above.length === 0 ? [] : Array.from({ length: random.below(3) }, () => ({ ...random.pick(above) }));
    const attrs = recordOf(random, 2);
    return random.chance(0.5)
      ? { uid: { ...uid }, attrs, parents }
      : { uid: { __entity: { ...uid } }, attrs, parents, tags: recordOf(random, 1) };
  });
  const [first] = uids;
  if (first && random.chance(0.01)) entities.push({ uid: { ...first }, attrs: {}, parents: [] });
  if (first && random.chance(0.01))
    entities.push({ uid: { type: 'Loop', id: '' }, attrs: {}, parents: [{ type: 'Loop', id: '' }] });
  return entities;
}

function policyOf(random: Random): Json {
  const conditions = Array.from({ length: random.below(3) }, () => ({
    kind: random.chance(0.7) ? 'when' : 'unless',
    body: random.chance(0.5) ? probeOf(random) : expressionOf(random, 'bool', 4),
  }));
  return {
    effect: random.chance(0.75) ? 'permit' : 'forbid',
    principal: scopeOf(random),
    action: actionScopeOf(random),
    resource: scopeOf(random),
    conditions,
  };
}

function scopeOf(random: Random): Json {
  const entity = { ...uidOf(random) };
  switch (random.below(11)) {
    case 0:
      return { op: '==', entity };
    case 1:
    case 2:
      return { op: 'in', entity };
    case 7:
      return { op: 'is', entity_type: random.pick(TYPES) };
    case 8:
      return { op: 'is', entity_type: random.pick(TYPES), in: { entity } };
    default:
      return { op: 'All' };
  }
}

function actionScopeOf(random: Random): Json {
  const action = () => ({ type: random.chance(0.9) ? 'Action' : 'Shop::Action', id: random.pick(IDS) });
  switch (random.below(6)) {
    case 0:
      return { op: '==', entity: action() };
    case 1:
      return { op: 'in', entity: action() };
    case 2:
      return { op: 'in', entities: Array.from({ length: random.below(4) }, action) };
    default:
      return { op: 'All' };
  }
}
