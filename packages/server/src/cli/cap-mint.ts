// `writ cap mint`: an authority of one's own, signed with one's own key. No plane is asked: whoever accepts the key accepts it.

import { cap, utf8 } from '@writ/core';
import { ed25519KeyOf } from '@writ/core/node';
import { chainInMacaroon, encodingOf, linksIn, rowsOfChain, rowsOfLinks } from './cap-chain.ts';
import { capEngine, freshId, freshKey, makeKey, readInput, readKey } from './cap-keys.ts';
import { countOf, limitOptions, limitsOf, scopeName, toolName } from './cap-limits.ts';
import { refused, usage } from './stop.ts';
import type { Terminal } from './terminal.ts';
import { verb } from './verb.ts';

const ttlSecondsDefault = 15 * 60;

export const mint = verb({
  summary: 'make a capability with a key of your own',
  options: {
    encoding: {
      type: 'enum',
      options: ['aip-chained', 'aip-compact', 'aip-jwt-chain', 'macaroon'],
      default: 'aip-chained',
      description: 'form of the token',
    },
    key: {
      type: 'string',
      valueHint: 'file',
      description: 'Ed25519 private key that signs it; for a macaroon its secret',
    },
    'new-key': { type: 'string', valueHint: 'file', description: 'make such a key first and keep it here' },
    issuer: { type: 'string', valueHint: 'id', description: 'AIP id of the issuer (default: the key’s own)' },
    holder: { type: 'string', valueHint: 'id', description: 'who is to hold it: an AIP id; for a macaroon any id' },
    depth: { type: 'string', default: '3', valueHint: 'n', description: 'how often it may be handed on' },
    principal: {
      type: 'string',
      valueHint: 'name',
      description: 'the accountable party, where that is not the issuer',
    },
    task: { type: 'string', valueHint: 'id', description: 'the only task it is good for' },
    ...limitOptions,
  },
  async run({ args, terminal }) {
    if (args.tool.length === 0) throw usage('`--tool` is missing; name what may be called with it');
    if ((args.key === undefined) === (args['new-key'] === undefined))
      throw usage('give `--key`, or `--new-key` to make one');
    const nowSeconds = Math.floor(Date.now() / 1000);
    const limits = limitsOf(args, nowSeconds, args.encoding === 'macaroon' ? scopeName : toolName);
    const wish = {
      ...args,
      depth: countOf('--depth', args.depth),
      nowSeconds,
      limits: { ...limits, untilSeconds: limits.untilSeconds ?? nowSeconds + ttlSecondsDefault },
    };
    const text =
      args.encoding === 'macaroon' ? mintMacaroon(wish) : mintAip(wish, args.encoding as cap.AipEncoding, terminal);
    tellToken(text, terminal);
    return 0;
  },
});

interface Wish {
  readonly key: string | undefined;
  readonly 'new-key': string | undefined;
  readonly issuer: string | undefined;
  readonly holder: string | undefined;
  readonly depth: number;
  readonly principal: string | undefined;
  readonly task: string | undefined;
  readonly audience: string | undefined;
  readonly nowSeconds: number;
  readonly limits: ReturnType<typeof limitsOf> & { readonly untilSeconds: number };
}

function mintAip(wish: Wish, encoding: cap.AipEncoding, terminal: Terminal): string {
  const key = wish.key === undefined ? makeKey(wish['new-key']!) : readKey(wish.key);
  const issuer = wish.issuer ?? cap.aipKeyId(key.publicKey);
  if (wish['new-key'] !== undefined) terminal.note(`writ: the root is ${issuer}`);
  for (const id of [issuer, ...(wish.holder === undefined ? [] : [wish.holder])])
    if (!cap.parseAipId(id)) throw usage(`\`${id}\` is not an AIP identifier`);
  const { holder } = wish;
  const parsed = holder === undefined ? null : cap.parseAipId(holder);
  const link: cap.AipLink = {
    issuer,
    delegate: holder ?? null,
    ...wish.limits,
    context: null,
    principal: wish.principal ?? null,
    maxDepth: wish.depth,
    signedBy: null,
    delegateKey: parsed?.kind === 'key' ? parsed.key : null,
    writ: { ...wish.limits.writ, ...(wish.task === undefined ? {} : { task: wish.task }) },
  };
  const ids = { id: freshId(), issuedSeconds: wish.nowSeconds };
  if (encoding !== 'aip-chained' && holder === undefined)
    throw usage('`--holder` is missing: this form names who holds it');
  const text =
    encoding === 'aip-compact'
      ? cap.mintCompact(link, wish.nowSeconds, key)
      : encoding === 'aip-jwt-chain'
        ? cap.mintJwtChain(link, ids, key)
        : mintChained(link, key);
  return text ?? notExpressible(encoding);
}

/** The authority; and for a holder the first delegation, which the issuer signs. */
function mintChained(link: cap.AipLink, key: cap.Signer): string | null {
  const { delegate: holder, maxDepth } = link;
  const depth = holder === null ? maxDepth : (maxDepth ?? 0) + 1;
  const token = cap.mintChained({ ...link, delegate: null, maxDepth: depth }, key, freshKey());
  if (!token || holder === null) return token && cap.chainedText(token);
  const nothing = {
    tools: null,
    domains: null,
    budgetCents: null,
    untilSeconds: null,
    principal: null,
    maxDepth: null,
  };
  const given = { ...link, ...nothing, writ: {}, context: 'minted for its holder' };
  const held = cap.appendChained(token, given, ed25519KeyOf, freshKey(), key);
  return held && cap.chainedText(held);
}

function notExpressible(encoding: string): never {
  throw refused(`token.not_expressible: \`${encoding}\` has no place for one of these limits or names`);
}

/** A chain of two: whoever holds the secret, and the holder. Used inside one trust domain. */
function mintMacaroon(wish: Wish): string {
  const secret = wish.key === undefined ? secretOf(makeKey(wish['new-key']!)) : secretIn(wish.key);
  const { holder, audience, depth } = wish;
  if (holder === undefined || audience === undefined)
    throw usage('a macaroon names its `--holder` and its `--audience`');
  const { tools, untilSeconds, budgetCents, writ, domains } = wish.limits;
  if (domains || wish.principal !== undefined)
    throw usage('a macaroon has no `--domain` and no `--principal`; `--issuer` is its root');
  const link = {
    audience,
    scopes: tools ?? [],
    ...(writ.details ? { details: writ.details } : {}),
    budget: budgetCents === null ? [] : [{ unit: 'USD', max: budgetCents }],
    untilSeconds,
    ceiling: 1,
    row: freshId(),
  } as const;
  const root = { iss: 'local', sub: wish.issuer ?? 'root' };
  const chain = {
    task: wish.task ?? `cap_${freshId()}`,
    links: [
      { ...link, actor: root, depth: depth + 1 },
      { ...link, actor: principalOf(holder), depth },
    ],
  } as const;
  const made = cap.chainToMacaroon(chain, { keyId: 'local', secret, nonce: freshId(), location: null }, capEngine);
  return cap.macaroonsText([made]);
}

/** A SPIFFE ID is vouched for by its trust domain; anybody else by whoever mints. */
export function principalOf(id: string) {
  const spiffe = /^(spiffe:\/\/[^/]+)\//.exec(id);
  return { iss: spiffe?.[1] ?? 'local', sub: id };
}

function secretOf(key: cap.SeedSigner): Uint8Array {
  return utf8(`ed25519-private/${Buffer.from(key.seed).toString('hex')}`);
}

function secretIn(file: string): Uint8Array {
  const bytes = readInput(file, 'the secret of a macaroon');
  return bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes;
}

/** The bare token, or with `--json` what it is and the chain in it (contract §2). */
export function tellToken(text: string, terminal: Terminal): void {
  const encoding = encodingOf(text);
  terminal.answer({ token: text, encoding, chain: chainIn(text) }, () => text);
}

export function chainIn(text: string) {
  const macaroons = cap.parseMacaroons(text);
  if (!macaroons) return rowsOfLinks(linksIn(text) ?? []);
  const read = chainInMacaroon(macaroons[0]);
  return read && !('code' in read.chain) ? rowsOfChain(read.chain.links, read.minted) : [];
}
