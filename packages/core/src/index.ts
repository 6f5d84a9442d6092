// The public surface of @writ/core, by name. A new name here gets a changelog line.

export {
  type ApprovalAsk,
  type ApprovalSubject,
  type ApprovalTerms,
  approvalCovers,
  approvalDigestOf,
  type GrantedApproval,
  requestKeyOf,
} from './action/approval.ts';
export type { Call, Protocol, Target } from './action/call.ts';
export * as cedar from './action/cedar/index.ts';
export {
  type ActionFacts,
  type ActionVerdict,
  type ActionWorld,
  couldCall,
  judgeAction,
  type NeedsApproval,
  policyRequestOf,
} from './action/judge-action.ts';
export type { Limit } from './action/limits.ts';
export { BROKER_SECRET_RULE, type Mode } from './action/observe.ts';
export type {
  ArgumentFault,
  Asker,
  Definition,
  Policy,
  PolicyAnswer,
  PolicyContext,
  PolicyRequest,
} from './action/policy.ts';
export { minorUnits } from './action/spend.ts';
export {
  factsOfNothing,
  type Question,
  type TaskWorld,
  type TrustAnswer,
  untrackedTasks,
} from './action/task-world.ts';
export * from './action/trust/index.ts';
export * from './audit/index.ts';
export { decide, overruled, refusal } from './decision/decide.ts';
export type { CheckVerdict, Decision, OpenedApproval, Outcome } from './decision/decision.ts';
export { type DecisionRecord, decisionRecord, type RecordFrame } from './decision/record.ts';
export { partyName, sentenceOf } from './decision/sentence.ts';
export type { World } from './decision/world.ts';
export {
  DENIALS,
  type Denial,
  type DenialCode,
  type Detail,
  denial,
  deny,
  type Layer,
  layerOf,
  says,
} from './denial.ts';
export { fromBase64, fromBase64Url, toBase64, toBase64Url } from './std/base64.ts';
export { concat, equalBytes, fromHex, toHex, utf8, utf8Text } from './std/bytes.ts';
export { inCidr } from './std/cidr.ts';
export { compareDecimal, type Decimal, parseDecimal } from './std/decimal.ts';
export {
  type Der,
  derBoolean,
  derMembers,
  derNamedBits,
  derOid,
  derTag,
  derTimeSeconds,
  derUnsigned,
  readDer,
  readDerList,
} from './std/der.ts';
export type { Engine, PublicKey } from './std/engine.ts';
export { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from './std/json.ts';
export { compilePattern, type Pattern, type PatternResult, patternTextCharsMax } from './std/pattern.ts';
export { leavesAt, pointerCovers, pointerStep, pointersOf, valueAt } from './std/pointer.ts';
export {
  bytesField,
  mapField,
  type ProtoField,
  protoBytes,
  protoBytesList,
  protoMap,
  protoString,
  protoVarint,
  readProto,
  stringField,
  varintField,
  writeProto,
} from './std/protobuf.ts';
export {
  JSON_BOUNDS,
  type JsonBounds,
  type JsonFault,
  type JsonResult,
  parseStrictJson,
  parseStrictJsonText,
} from './std/strict-json.ts';
export { type Asked, refusalOfLink } from './token/admits.ts';
export * as cap from './token/cap/index.ts';
export {
  type Budget,
  type Chain,
  type Constraint,
  DETAIL_TYPE,
  type Detail as AuthorizationDetail,
  type Level,
  type Link,
  leafOf,
  type Principal,
  rootOf,
  samePrincipal,
} from './token/chain.ts';
export { argumentFault, constraintContained, constraintHolds } from './token/constraints.ts';
export type { Credential } from './token/credential.ts';
export { judgeProof, type Presented, type ProofAsk } from './token/dpop.ts';
export {
  type ExchangeAsk,
  type Exchanged,
  type Exchanger,
  type ExchangeWorld,
  judgeExchange,
  judgeMove,
  judgeTake,
} from './token/exchange.ts';
export type { Claim, TokenFacts } from './token/facts.ts';
export {
  type GenuineToken,
  judgeToken,
  readToken,
  revocationFault,
  type TokenAsk,
  type TokenVerdict,
  withdrawnPart,
} from './token/judge-token.ts';
export { type JwsHeader, parseJws, TYP, tokenBytesMax, type UnverifiedJws, verifyJws } from './token/jws.ts';
export {
  CONTEXT_HEADER,
  CONTEXT_MEMBER,
  contextsIn,
  type Message,
  messageHash,
  withoutContext,
} from './token/message.ts';
export { detailsContained, type Limits, narrower, widening } from './token/narrower.ts';
export type { Proven, ProvenTokens } from './token/proven.ts';
export { anyScopeCovers, isWildcard, parseScope, parseScopeList, type Scope, scopeCovers } from './token/scope.ts';
export { type Resource, type Revocations, type TokenWorld, userKey } from './token/token-world.ts';
export { chainFault } from './token/verify-chain.ts';
export { type ChainClaims, chainFromClaims, chainToClaims, detailsFrom, isConstraint } from './token/wc.ts';
export { type Bundle, bundleDocument, readBundle } from './transport/bundle.ts';
export {
  type CertificateExtension,
  extensionId,
  readBasicConstraints,
  readCertificate,
  type UnverifiedCertificate,
} from './transport/certificate.ts';
export { judgePeer } from './transport/judge-peer.ts';
export {
  JWT_SVID_ALGORITHMS,
  type JwtSvidAlgorithm,
  type JwtSvidKey,
  type JwtSvidKeys,
  judgeJwtSvid,
  jwtSvidInput,
} from './transport/jwt-svid.ts';
export type { Boundary, Listener, PeerFacts, PeerOnWire } from './transport/peer.ts';
export {
  agentPath,
  isAtOrBelow,
  isMemberOf,
  isTrustDomain,
  parseSpiffeId,
  pathOf,
  type SpiffeId,
  trustDomainOf,
} from './transport/spiffe-id.ts';
export { judgeSvid, type SvidFacts } from './transport/svid.ts';
export type { TrustWorld } from './transport/trust.ts';
export { type Deny, type Pass, pass, type Verdict } from './verdict.ts';
