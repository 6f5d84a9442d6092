// A capability's text to the chain in it, once its signatures are genuine: what all encodings have in common begins here.

import { utf8 } from '../../std/bytes.ts';
import { deny, pass, type Verdict } from '../../verdict.ts';
import { holderOf, keyOf } from './aip/delegators.ts';
import { isCapFault } from './aip/link.ts';
import { chainOfLinks, liveRow } from './aip/to-chain.ts';
import { judgeAip, openAip } from './aip/verify.ts';
import type { CapEngine } from './engine.ts';
import { applyConditions, dischargeFault, readIdentifier } from './macaroon/conditions.ts';
import { parseMacaroons } from './macaroon/text.ts';
import { verifyMacaroons } from './macaroon/verify.ts';
import type { CapabilityFacts, CapWorld } from './world.ts';

/** Genuine and current. Nothing is said yet about who may use it, or for what. */
export type SeenCapability = Pick<CapabilityFacts, 'encoding' | 'blockIds' | 'chain' | 'delegatorsAuthenticated'> & {
  /** Id of the last block. */
  readonly id: string;
  /** Links from here on were made with this token: they name its one audience. Those before are the plane's own account. */
  readonly ownFrom: number;
  /** Hosts the call has to be for, a list for each link that names some. */
  readonly domains: readonly (readonly string[])[];
  /** How the last delegate is known, besides its principal: its key, where one is known. */
  readonly holderKey: Uint8Array | null;
};

/** An AIP token's chain: steps V1 to V5, and what the root may say. The rest is asked of the chain. */
export function readAip(text: string, world: CapWorld, engine: CapEngine, nowSeconds: number): Verdict<SeenCapability> {
  const opened = openAip(text, world.roots, engine, nowSeconds, world.proven ?? null);
  if (isCapFault(opened)) return { outcome: 'deny', denial: opened.denial };
  const root = world.roots.find((one) => one === opened.root)!;
  const nothing = { tools: [], arguments: null, domain: null, audience: null, presenter: null };
  const rowKeyOf = (id: string) => liveRow(world.rows.get(id), nowSeconds)?.key ?? null;
  const around = {
    rowKeyOf,
    isRevoked: () => false,
    profile: world.profile,
    delegatorsMustSign: root.delegatorsMustSign,
  };
  const judged = judgeAip(opened, nothing, around, nowSeconds);
  if (isCapFault(judged)) return { outcome: 'deny', denial: judged.denial };
  const chain = chainOfLinks(opened, root, world, nowSeconds);
  if ('code' in chain) return { outcome: 'deny', denial: chain };
  const { links, blockIds } = opened;
  const last = links[links.length - 1]!;
  const known = keyOf(holderOf(last), { rowKeyOf });
  return pass({
    encoding: opened.encoding,
    id: blockIds[blockIds.length - 1]!,
    blockIds,
    chain,
    delegatorsAuthenticated: judged.delegatorsAuthenticated,
    ownFrom: chain.links.length - links.length,
    holderKey: known ?? last.delegateKey,
    domains: links.flatMap(({ domains }) => (domains ? [domains] : [])),
  });
}

/** A macaroon's chain: the one in its identifier, narrowed by each condition in order. */
export function readMacaroon(
  text: string,
  world: Pick<CapWorld, 'macaroons'>,
  engine: CapEngine,
  nowSeconds: number,
): Verdict<SeenCapability> {
  const macaroons = parseMacaroons(text);
  const root = macaroons && readIdentifier(macaroons[0].identifier);
  if (!macaroons || !root) return deny('token.malformed');
  const secret = world.macaroons?.secrets.get(root.keyId);
  if (!world.macaroons || !secret) return deny('token.issuer_unknown', { key: root.keyId.slice(0, 100) });
  const location = world.macaroons.location === null ? null : utf8(world.macaroons.location);
  const genuine = verifyMacaroons(macaroons, secret, location, engine);
  if (genuine === 'location') return deny('token.malformed', { why: 'the place it names' });
  // Nobody else has said yes yet, or said it of another capability.
  if (genuine === 'discharge_missing' || genuine === 'discharge_unused')
    return deny('token.proof_invalid', { why: genuine });
  if (genuine === 'signature_invalid') return deny('token.signature_invalid');
  const chain = applyConditions(root.chain, genuine.conditions, genuine.ids);
  if ('code' in chain) return { outcome: 'deny', denial: chain };
  const discharge = dischargeFault(genuine.dischargeConditions, nowSeconds);
  if (discharge) return { outcome: 'deny', denial: discharge };
  const handed = chain.links.length - root.chain.links.length;
  if (handed > 0 && world.macaroons.delegatorsMustSign)
    return deny('token.delegator_unauthenticated', { links: handed });
  return pass({
    encoding: 'macaroon',
    id: genuine.ids[genuine.ids.length - 1]!,
    blockIds: genuine.ids,
    chain,
    delegatorsAuthenticated: handed === 0,
    ownFrom: root.chain.links.length - 1,
    holderKey: null,
    domains: [],
  });
}
