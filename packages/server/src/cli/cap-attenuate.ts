// `writ cap attenuate`: a narrower capability, handed on. The delegator's key signs the hand-over, so that a verifier knows who made
// it (rules §2.14); `--unsigned` makes what plain AIP makes, which proves nobody.

import { type Chain, cap, type Link, leafOf } from '@writ/core';
import { ed25519KeyOf } from '@writ/core/node';
import { chainInMacaroon, linksIn } from './cap-chain.ts';
import { capEngine, freshId, freshKey, readCapability, readKey } from './cap-keys.ts';
import { type LimitArgs, limitOptions, limitsOf, scopeName } from './cap-limits.ts';
import { principalOf, tellToken } from './cap-mint.ts';
import { refused, usage } from './stop.ts';
import { verb } from './verb.ts';

export const attenuate = verb({
  summary: 'hand a part of a capability on, offline',
  options: {
    token: { type: 'positional', description: 'file with a capability, or the capability; `-` reads stdin' },
    to: { type: 'string', valueHint: 'id', description: 'who is to hold it; a macaroon may also stay where it is' },
    key: { type: 'string', valueHint: 'file', description: 'Ed25519 private key of whoever holds it now' },
    unsigned: { type: 'boolean', description: 'without the holder’s signature: proves nobody' },
    seal: { type: 'boolean', description: 'close a Biscuit: nobody can hand it on any further' },
    context: { type: 'string', valueHint: 'text', description: 'what for (default: “handed on”; of a macaroon none)' },
    ...limitOptions,
  },
  async run({ args, terminal }) {
    const nowSeconds = Math.floor(Date.now() / 1000);
    const text = readCapability(args.token);
    const macaroons = cap.parseMacaroons(text);
    const made = macaroons ? narrowMacaroon(macaroons, args, nowSeconds) : narrowAip(text, args, nowSeconds);
    tellToken(args.seal ? sealed(made) : made, terminal);
    return 0;
  },
});

interface Wish extends LimitArgs {
  readonly to: string | undefined;
  readonly key: string | undefined;
  readonly unsigned: boolean;
  readonly context: string | undefined;
}

function narrowAip(text: string, args: Wish, nowSeconds: number): string {
  const limits = limitsOf(args, nowSeconds);
  const links = linksIn(text);
  const last = links?.at(-1);
  if (!links || !last) throw refused('token.malformed: this is not a capability that can be read');
  if (cap.aipEncodingOf(text) === 'aip-compact')
    throw refused('token.not_expressible: a compact token cannot be handed on; `writ cap convert` makes a chain of it');
  if (args.to === undefined || !cap.parseAipId(args.to)) throw usage('`--to` names the AIP id of who is to hold it');
  if ((args.key === undefined) !== args.unsigned)
    throw usage('give `--key`, or `--unsigned` for a hand-over that proves nobody');
  const key = args.key === undefined ? null : readKey(args.key);
  const holder = cap.parseAipId(cap.holderOf(last));
  if (key && holder?.kind === 'key' && Buffer.compare(holder.key, key.publicKey) !== 0)
    throw refused(`token.delegator_unauthenticated: the key is not that of ${cap.holderOf(last)}`);
  const named = cap.parseAipId(args.to);
  const link: cap.AipLink = {
    issuer: cap.holderOf(last),
    delegate: args.to,
    ...limits,
    context: args.context ?? 'handed on',
    principal: null,
    maxDepth: null,
    signedBy: key?.publicKey ?? null,
    delegateKey: named?.kind === 'key' ? named.key : null,
  };
  // A token that no verifier would take is not handed out: the honest library says so first.
  const fault = cap.narrowingFault([links[0]!, ...links.slice(1), link], nowSeconds);
  if (fault) throw refused(`${fault.denial.code}: ${JSON.stringify(fault.denial.detail)}`);
  const made =
    cap.aipEncodingOf(text) === 'aip-chained' ? appended(text, link, key) : appendedJwt(text, link, key, last);
  return made ?? refusedForm();
}

function sealed(text: string): string {
  const token = cap.aipEncodingOf(text) === 'aip-chained' ? cap.parseChained(text) : null;
  if (token?.proof.kind !== 'secret') throw usage('`--seal` is for Biscuits (`aip-chained`)');
  return cap.chainedText(cap.sealBiscuit(token, ed25519KeyOf(token.proof.seed)));
}

function refusedForm(): never {
  throw refused(
    'token.not_expressible: this form has no place for one of these limits or names, or the token is sealed',
  );
}

function appended(text: string, link: cap.AipLink, key: cap.Signer | null): string | null {
  const token = cap.appendChained(cap.parseChained(text)!, link, ed25519KeyOf, freshKey(), key);
  return token && cap.chainedText(token);
}

function appendedJwt(text: string, link: cap.AipLink, key: cap.Signer | null, last: cap.AipLink): string | null {
  if (!key) throw usage('a JWT chain is signed at every link; give `--key`');
  if (Buffer.compare(key.publicKey, last.delegateKey ?? new Uint8Array()) !== 0)
    throw refused('token.delegator_unauthenticated: the key is not the one that the last link names');
  return cap.appendJwtChain(
    text,
    link,
    { id: freshId(), issuedSeconds: Math.floor(Date.now() / 1000) },
    key,
    capEngine,
  );
}

function narrowMacaroon([root, ...discharges]: cap.Macaroons, args: Wish, nowSeconds: number): string {
  // Whatever this form cannot keep is said, never dropped.
  if (args.domain.length > 0) throw usage('a macaroon has no `--domain`');
  if (args.key !== undefined || args.unsigned)
    throw usage('whoever has a macaroon narrows it, and nobody signs: it has no `--key` and no `--unsigned`');
  if (discharges.length > 0) throw refused('a macaroon is narrowed before it is discharged');
  const chain = chainOf(root);
  const leaf = leafOf(chain);
  const limits = limitsOf(args, nowSeconds, scopeName, leaf.scopes);
  const next: Link = {
    ...leaf,
    ...(args.to === undefined ? {} : { actor: principalOf(args.to), depth: leaf.depth - 1 }),
    ...(limits.tools ? { scopes: limits.tools } : {}),
    ...(limits.untilSeconds === null ? {} : { untilSeconds: limits.untilSeconds }),
    ...(limits.writ.details ? { details: limits.writ.details } : {}),
    ...(limits.writ.audience === undefined ? {} : { audience: limits.writ.audience }),
    ...(limits.budgetCents === null ? {} : { budget: [{ unit: 'USD', max: limits.budgetCents }] }),
    ...(args.context === undefined ? {} : { purpose: args.context }),
  };
  const narrowed = cap.conditionsFor(chain, next).reduce((one, added) => cap.addCondition(one, added, capEngine), root);
  chainOf(narrowed);
  return cap.macaroonsText([narrowed]);
}

/** Refuses a macaroon that no verifier would take. */
function chainOf(root: cap.Macaroon): Chain {
  const read = chainInMacaroon(root);
  if (!read) throw refused('token.malformed: this macaroon is not one of Writ’s');
  if ('code' in read.chain) throw refused(`${read.chain.code}: ${JSON.stringify(read.chain.detail)}`);
  return read.chain;
}
