// What the rest of Writ uses of this folder, by name.

export { type Echo, type EchoMemory, echoesOf, noEchoes, type PlainEchoes, type SentValue, withSent } from './echo.ts';
export { endorsementKey } from './endorsed.ts';
export { observe, returnedBy, startEvidence, type TaskEvidence, withFields } from './evidence.ts';
export { floorAfterTake, type Memory, startLevel } from './floor.ts';
export { judgeFloorRule, judgeTrust, THRESHOLDS, type TrustVerdict } from './judge-trust.ts';
export { lower } from './levels.ts';
export {
  blanketRules,
  type Effect,
  errorOutputs,
  type OutputRule,
  riskOfCall,
  type ToolTrust,
  unknownTool,
} from './manifest.ts';
export { noPrompt, type Prompt, withTurn } from './prompt.ts';
export { argumentLeaves, argumentsWithoutRole } from './roles.ts';
export { fieldsFrom, type Labels, labelsOf, readLabels } from './spans.ts';
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
  type TrustFacts,
  type TrustPlaces,
  type TrustSeen,
  trustFacts,
} from './trust-facts.ts';
