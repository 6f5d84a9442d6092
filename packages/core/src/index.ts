// The public surface of @writ/core, by name. A new name here gets a changelog line.

export { type ApprovalAsk, type ApprovalSubject, approvalDigestOf, type GrantedApproval } from './action/approval.ts';
export type { Call, Protocol, Target } from './action/call.ts';
export * as cedar from './action/cedar/index.ts';
export { couldCall, judgeAction, policyRequestOf } from './action/judge-action.ts';
export type { Limit } from './action/limits.ts';
export { BROKER_SECRET_RULE, type Mode } from './action/observe.ts';
export type { ArgumentFault, Asker, Definition, Policy, PolicyAnswer, PolicyRequest } from './action/policy.ts';
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
export type { Decision, OpenedApproval } from './decision/decision.ts';
export { decisionRecord } from './decision/record.ts';
export { partyName, sentenceOf } from './decision/sentence.ts';
export type { World } from './decision/world.ts';
export { DENIALS, type Denial, type DenialCode, type Detail, denial, deny, layerOf, says } from './denial.ts';
export { fromBase64, fromBase64Url, toBase64, toBase64Url } from './std/base64.ts';
export { concat, equalBytes, fromHex, toHex, utf8, utf8Text } from './std/bytes.ts';
export { inCidr } from './std/cidr.ts';
export { parseDecimal } from './std/decimal.ts';
export { readDerList } from './std/der.ts';
export type { Engine, PublicKey } from './std/engine.ts';
export { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from './std/json.ts';
export { compilePattern, type Pattern, patternTextCharsMax } from './std/pattern.ts';
export { leavesAt, pointerCovers, pointerStep, pointersOf, valueAt } from './std/pointer.ts';
export {
  bytesField,
  type ProtoField,
  protoBytes,
  protoBytesList,
  protoMap,
  protoString,
  readProto,
  stringField,
  writeProto,
} from './std/protobuf.ts';
export { JSON_BOUNDS, parseStrictJson, parseStrictJsonText } from './std/strict-json.ts';
export { isoSeconds, secondsOf } from './std/time.ts';
export { type Asked, firstRefusal, refusalOfLink } from './token/admits.ts';
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
export { constraintHolds } from './token/constraints.ts';
export type { Credential } from './token/credential.ts';
// Nobody imports `judgeProof` yet, nor `cap.verifyCapability` and its world: the doors of the plane do next.
export { judgeProof, type Presented, type ProofAsk } from './token/dpop.ts';
export { type ExchangeAsk, type Exchanged, type Exchanger, judgeExchange } from './token/exchange.ts';
export type { Claim, TokenFacts } from './token/facts.ts';
export { type GenuineToken, readToken, revocationFault, withdrawnPart } from './token/judge-token.ts';
export { parseJws, TYP, type UnverifiedJws, verifyJws } from './token/jws.ts';
export {
  APPROVAL_MEMBER,
  CONTEXT_HEADER,
  CONTEXT_MEMBER,
  contextsIn,
  type Message,
  messageHash,
  withoutContext,
} from './token/message.ts';
export { widening } from './token/narrower.ts';
export type { Proven, ProvenTokens } from './token/proven.ts';
export { anyScopeCovers, parseScope, parseScopeList, scopeCovers } from './token/scope.ts';
export { type Resource, type Revocations, userKey } from './token/token-world.ts';
export { chainFault, shapeFault } from './token/verify-chain.ts';
export { chainFromClaims, chainToClaims, detailsFrom } from './token/wc.ts';
export { type Bundle, bundleDocument, readBundle } from './transport/bundle.ts';
export {
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
  judgeJwtSvid,
  jwtSvidInput,
} from './transport/jwt-svid.ts';
export type { Boundary, PeerOnWire } from './transport/peer.ts';
export {
  agentPath,
  isMemberOf,
  isTrustDomain,
  parseSpiffeId,
  pathOf,
  type SpiffeId,
  trustDomainOf,
} from './transport/spiffe-id.ts';
export { judgeSvid, type SvidFacts } from './transport/svid.ts';
export { type Deny, pass, type Verdict } from './verdict.ts';
