// What the rest of Writ takes from here, by name.

export { appendChained, chainedText, mintChained, parseChained, readBlocks } from './aip/chained.ts';
export { aipCodeOf } from './aip/codes.ts';
export { mintCompact } from './aip/compact.ts';
export { convertAip } from './aip/convert-links.ts';
export { holderOf } from './aip/delegators.ts';
export { keysAt, readDocument, signDocument } from './aip/document.ts';
export { aipKeyId, parseAipId } from './aip/id.ts';
export { appendJwtChain, mintJwtChain } from './aip/jwt-chain.ts';
export { type AipLink, type CapFault, isCapFault, type WritDimensions } from './aip/link.ts';
export type { Profile } from './aip/patterns.ts';
export { linkOfBlock } from './aip/read-link.ts';
export { documentUrlOf } from './aip/resolution.ts';
export type { AipEncoding, RootAuthority } from './aip/roots.ts';
export { type AipWorld, aipEncodingOf, narrowingFault, readJsonLinks, verifyAip } from './aip/verify.ts';
export { sealBiscuit } from './biscuit/build.ts';
export { datalogText } from './biscuit/datalog.ts';
export { type ProvenBlocks, rememberBlocks } from './biscuit/proven-blocks.ts';
export { chainToMacaroon } from './convert.ts';
export type { CapEngine, SeedSigner, Signer } from './engine.ts';
export { addCondition, addThirdParty, bindDischarge, mintMacaroon } from './macaroon/build.ts';
export { applyConditions, conditionsFor, readIdentifier } from './macaroon/conditions.ts';
export type { Macaroon } from './macaroon/form.ts';
export { type Macaroons, macaroonJson, macaroonsText, parseMacaroons } from './macaroon/text.ts';
export { verifyMacaroons } from './macaroon/verify.ts';
export { readMacaroon } from './read-capability.ts';
export { type CapabilityVerdict, verifyCapability } from './verify-capability.ts';
export type { CapAsk, Capability, CapabilityFacts, CapabilityRoot, CapWorld, KeyRow, MacaroonWorld } from './world.ts';
