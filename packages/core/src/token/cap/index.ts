// What the rest of Writ takes from here, by name.

export {
  appendChained,
  chainedText,
  mintChained,
  parseChained,
  readBlocks,
} from './aip/chained.ts';
export { type AipCode, aipCodeOf } from './aip/codes.ts';
export { mintCompact } from './aip/compact.ts';
export { holderOf } from './aip/delegators.ts';
export { type AipId, aipKeyId, parseAipId } from './aip/id.ts';
export { appendJwtChain, mintJwtChain } from './aip/jwt-chain.ts';
export { type AipLink, type CapFault, isCapFault, type Step, type WritDimensions } from './aip/link.ts';
export type { Profile } from './aip/patterns.ts';
export type { AipEncoding, GenuineLinks, RootAuthority } from './aip/roots.ts';
export { type AipAsk, type AipVerified, type AipWorld, aipEncodingOf, verifyAip } from './aip/verify.ts';
export { datalogText } from './biscuit/datalog.ts';
export type { CapEngine, SeedSigner, Signer } from './engine.ts';
