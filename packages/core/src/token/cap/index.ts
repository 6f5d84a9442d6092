// What the rest of Writ takes from here, by name.

export { appendChained, chainedText, mintChained, parseChained, readBlocks } from './aip/chained.ts';
export { type AipCode, aipCodeOf } from './aip/codes.ts';
export { mintCompact } from './aip/compact.ts';
export { type ConvertMeans, convertAip } from './aip/convert-links.ts';
export { holderOf } from './aip/delegators.ts';
export {
  type DocumentKey,
  type DocumentWish,
  type IdentityDocument,
  keysAt,
  readDocument,
  rfc3339,
  secondsOf,
  signDocument,
} from './aip/document.ts';
export { type AipId, aipKeyId, parseAipId } from './aip/id.ts';
export { appendJwtChain, mintJwtChain } from './aip/jwt-chain.ts';
export { type AipLink, type CapFault, isCapFault, type Step, type WritDimensions } from './aip/link.ts';
export type { Profile } from './aip/patterns.ts';
export { linkOfBlock } from './aip/read-link.ts';
export { documentBytesMax, documentSecondsMax, documentUrlOf, mayFetchFrom } from './aip/resolution.ts';
export type { AipEncoding, GenuineLinks, RootAuthority } from './aip/roots.ts';
export {
  type AipAsk,
  type AipVerified,
  type AipWorld,
  aipEncodingOf,
  narrowingFault,
  readJsonLinks,
  verifyAip,
} from './aip/verify.ts';
export { sealBiscuit } from './biscuit/build.ts';
export { datalogText } from './biscuit/datalog.ts';
export { type ProvenBlocks, rememberBlocks } from './biscuit/proven-blocks.ts';
export { type ChainedIssuer, chainToChained, chainToMacaroon, type MacaroonIssuer } from './convert.ts';
export type { CapEngine, SeedSigner, Signer } from './engine.ts';
export { type HolderAsk, signHolderProof } from './holder-proof.ts';
export { addCondition, addThirdParty, bindDischarge, mintMacaroon, type ThirdParty } from './macaroon/build.ts';
export {
  applyConditions,
  conditionsFor,
  dischargeFault,
  readIdentifier,
  writeCondition,
} from './macaroon/conditions.ts';
export type { Macaroon } from './macaroon/form.ts';
export { type Macaroons, macaroonJson, macaroonsText, parseMacaroons } from './macaroon/text.ts';
export { verifyMacaroons } from './macaroon/verify.ts';
export { type CapabilityVerdict, verifyCapability } from './verify-capability.ts';
export type { CapAsk, Capability, CapabilityFacts, CapabilityRoot, CapWorld, KeyRow, MacaroonWorld } from './world.ts';
