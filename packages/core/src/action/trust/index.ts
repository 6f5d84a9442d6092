// What the rest of Writ uses of this folder, by name.

export { activeTokensIn } from './active.ts';
export { type Echo, type EchoMemory, echoesOf, noEchoes, type PlainEchoes, type SentValue, withSent } from './echo.ts';
export { endorsementKey } from './endorsed.ts';
export {
  type Field,
  heldIn,
  type Observation,
  observe,
  type Ref,
  returnedBy,
  startEvidence,
  type TaskEvidence,
  withFields,
} from './evidence.ts';
export {
  floorAfterTake,
  floorUsed,
  type Memory,
  memoryOf,
  type Remembering,
  type Residues,
  residueOf,
  startLevel,
  withForgotten,
  withReceived,
} from './floor.ts';
export { judgeFloorRule, judgeTrust, THRESHOLDS, type TrustVerdict } from './judge-trust.ts';
export { lowestPossible } from './labels.ts';
export { foreignLevel, isTainted, lower } from './levels.ts';
export {
  type ArgumentRule,
  type Effect,
  errorOutputs,
  type OutputRule,
  type Role,
  riskOfCall,
  type ToolTrust,
  unknownTool,
} from './manifest.ts';
export { noPrompt, type Prompt, type PromptOrigin, type PromptTurn, promptParts, withTurn } from './prompt.ts';
export type { Origin, Provenance } from './provenance.ts';
export { argumentLeaves, argumentsWithoutRole } from './roles.ts';
export { fieldsFrom, type Labels, labelsOf, readLabels, type Span, spansMax } from './spans.ts';
export {
  authorityFromPrompt,
  plannedAuthority,
  type ScopedServers,
  type ScopedTool,
  type TaskAuthority,
} from './task-scope.ts';
export {
  type ArgumentProvenance,
  type TaskKnowledge,
  type TrustAsk,
  type TrustFacts,
  type TrustPlaces,
  type TrustSeen,
  trustFacts,
} from './trust-facts.ts';
export type { ValueType } from './typed-value.ts';
