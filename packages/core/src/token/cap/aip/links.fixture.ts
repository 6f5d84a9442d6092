// Links for tests, made of what differs.

import { ed25519KeyOf } from '../../../node/engine.ts';
import type { SeedSigner } from '../engine.ts';
import { capEngine, keyNamed } from '../keys.fixture.ts';
import { appendChained, chainedText, mintChained, parseChained } from './chained.ts';
import { aipKeyId } from './id.ts';
import type { AipLink } from './link.ts';
import type { AipAsk, AipWorld } from './verify.ts';

export const nowSeconds = 1_790_000_000;
/** 2099, the far end that other implementations can check too. */
export const untilSeconds = 4_070_908_800;
export const idOf = (name: string) => aipKeyId(keyNamed(name).publicKey);

const nothing: AipLink = {
  issuer: '',
  delegate: null,
  tools: null,
  domains: null,
  budgetCents: null,
  untilSeconds: null,
  context: null,
  principal: null,
  maxDepth: null,
  signedBy: null,
  delegateKey: null,
  writ: {},
};

export function authority(over: Partial<AipLink> = {}): AipLink {
  return { ...nothing, issuer: idOf('root'), tools: ['tool:search', 'tool:mail'], maxDepth: 3, untilSeconds, ...over };
}

export function delegation(from: string, to: string, over: Partial<AipLink> = {}): AipLink {
  return {
    ...nothing,
    issuer: idOf(from),
    delegate: idOf(to),
    context: 'find a flight',
    tools: ['tool:search'],
    ...over,
  };
}

let fresh = 0;
const next = (): SeedSigner => keyNamed(`next ${fresh++}`);

export function mint(over: Partial<AipLink> = {}): string {
  const token = mintChained(authority(over), keyNamed('root'), next());
  if (!token) throw new Error('this authority cannot be written');
  return chainedText(token);
}

/** Narrowed without any of the checks that an honest library makes. `signer`: null leaves the delegator unproven. */
export function append(text: string, link: AipLink, signer: SeedSigner | null): string {
  const token = appendChained(parseChained(text)!, link, ed25519KeyOf, next(), signer);
  if (!token) throw new Error('this delegation cannot be written');
  return chainedText(token);
}

/** A chain of so many delegations, each signed by its delegator: root → a1 → a2 … */
export function chainOf(depth: number, over: Partial<AipLink> = {}): string {
  let text = mint(over);
  for (let i = 1; i <= depth; i++) {
    const from = i === 1 ? 'root' : `a${i - 1}`;
    text = append(text, delegation(from, `a${i}`), keyNamed(from));
  }
  return text;
}

export const ask = (over: Partial<AipAsk> = {}): AipAsk => ({
  tools: ['tool:search'],
  arguments: null,
  domain: null,
  audience: null,
  presenter: null,
  ...over,
});

export const world = (over: Partial<AipWorld> = {}): AipWorld => ({
  roots: [{ id: idOf('root'), keys: [keyNamed('root').publicKey] }],
  rowKeyOf: () => null,
  isRevoked: () => false,
  profile: 'standard',
  delegatorsMustSign: true,
  ...over,
});

export { capEngine };
