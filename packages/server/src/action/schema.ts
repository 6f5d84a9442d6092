// The Cedar schema of this plane: who may ask, what may be asked, and what policy may look at. One action per reviewed
// operation, so that a policy naming a tool or an argument that does not exist is found before it decides anything.

import type { ActionType, EntityType, SchemaJson, TypeOfAttribute } from '@cedar-policy/cedar-wasm/nodejs';
import { type Omission, type RecordType, recordTypeOf } from './cedar/types.ts';
import type { Operation } from './operation.ts';

export const NAMESPACE = 'Writ';
/** The group of every person that writ.yaml lists. */
export const CONFIGURED_USERS = 'configured';

export const GROUPS = { server: 'tool.call', upstream: 'tool.call', agent: 'agent.call' } as const;

/** Which arguments policies read, by the name of the first member. What nobody reads is not sent to Cedar. */
export interface Reads {
  reads(name: string): boolean;
}

export const READS_ALL: Reads = { reads: () => true };

export interface ActionSchema {
  readonly input: RecordType;
  /** Names of constraints judged outside Cedar, each a Bool in `context.holds`. */
  readonly holds: RecordType;
  /**
   * Requests carry `context.trust`. Where they do not, a policy that reads it does not load: it would be one that never
   * speaks.
   */
  readonly trust: boolean;
}

/** What Cedar may know of one operation's arguments; `omit` hears what it may not. */
export function inputTypeOf(
  operation: Operation,
  reads: Reads,
  omit: (omission: Omission) => void = () => {},
): RecordType {
  const { attributes } = recordTypeOf(operation.shape, omit);
  const read = Object.entries(attributes).filter(([name]) => reads.reads(name));
  return { type: 'Record', attributes: Object.fromEntries(read) };
}

export function holdsTypeOf(names: Iterable<string>): RecordType {
  return { type: 'Record', attributes: Object.fromEntries([...names].map((name) => [name, { type: 'Boolean' }])) };
}

/** The whole schema. `actions` has an entry for every operation given. */
export function cedarSchema(
  operations: readonly Operation[],
  actions: ReadonlyMap<string, ActionSchema>,
): SchemaJson<string> {
  const byOperation = operations.map((operation) => [operation.action, actionType(operation, actions)] as const);
  return {
    [NAMESPACE]: {
      entityTypes: ENTITIES,
      actions: { [GROUPS.server]: {}, [GROUPS.agent]: {}, ...Object.fromEntries(byOperation) },
    },
  };
}

const record = (attributes: Record<string, TypeOfAttribute<string>>): RecordType => ({ type: 'Record', attributes });

const ENTITIES: Record<string, EntityType<string>> = {
  UserGroup: {},
  User: { memberOfTypes: ['UserGroup'], shape: record({ iss: { type: 'String' }, sub: { type: 'String' } }) },
  Agent: { shape: record({ path: { type: 'String' } }) },
  Client: {},
  Server: {},
  Tool: { memberOfTypes: ['Server'], shape: record({ risk: { type: 'Long' }, manifest: { type: 'Boolean' } }) },
};

/** `actor` is a SPIFFE ID or a client id, `via` all actors of the chain; a set has no order, so `depth` stands beside it. */
const CONTEXT: Record<string, TypeOfAttribute<string>> = {
  actor: { type: 'String' },
  root: { type: 'Entity', name: 'User' },
  via: { type: 'Set', element: { type: 'String' } },
  depth: { type: 'Long' },
  task: { type: 'String' },
  scopes: { type: 'Set', element: { type: 'String' } },
  protocol: { type: 'String' },
  operation: { type: 'String' },
  now: { type: 'Extension', name: 'datetime' },
  risk: { type: 'Long' },
};

/** Core's `TrustFacts`; a fact that is null there is absent here. */
const TRUST: TypeOfAttribute<string> = record({
  risk: { type: 'Long' },
  baseRisk: { type: 'Long' },
  effect: { type: 'String' },
  manifest: { type: 'Boolean' },
  prompt: { type: 'String' },
  floor: { type: 'Long' },
  tainted: { type: 'Boolean' },
  inTask: { type: 'Boolean' },
  target: { type: 'Long', required: false },
  value: { type: 'Long', required: false },
  datesGiven: { type: 'Boolean' },
  activeToken: { type: 'Long', required: false },
  secret: { type: 'String' },
});

export const CONTEXT_NAMES: readonly string[] = [...Object.keys(CONTEXT), 'trust', 'input', 'holds'];

function actionType(operation: Operation, actions: ReadonlyMap<string, ActionSchema>): ActionType<string> {
  const { input, holds, trust } = actions.get(operation.action)!;
  return {
    memberOf: [{ id: GROUPS[operation.target.kind] }],
    appliesTo: {
      principalTypes: ['User', 'Agent', 'Client'],
      resourceTypes: [operation.target.kind === 'agent' ? 'Agent' : 'Tool'],
      context: record({ ...CONTEXT, ...(trust ? { trust: TRUST } : {}), input, holds }),
    },
  };
}
