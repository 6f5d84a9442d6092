// `writ cap verify`: is this capability genuine and does it admit this call? Offline: needs the root's key and nothing else.

import { keysOf } from '@writ/agent';
import {
  type Asked,
  type Chain,
  cap,
  chainFromClaims,
  type Denial,
  denial,
  firstRefusal,
  isJsonObject,
  type JsonObject,
  leafOf,
  type PublicKey,
  parseJws,
  parseStrictJsonText,
  readToken,
  shapeFault,
  type UnverifiedJws,
  verifyJws,
} from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { chainText, type Encoding, encodingOf, type Row, rowsOfChain, rowsOfLinks } from './cap-chain.ts';
import { capEngine, type GivenRoot, readCapability, readRoot } from './cap-keys.ts';
import { scopeName, timeOf, toolName } from './cap-limits.ts';
import { usage } from './stop.ts';
import { visible } from './terminal.ts';
import { verb } from './verb.ts';

/** Contract §2. Members that are not known are null or empty. */
interface Answer {
  readonly valid: boolean;
  readonly code: string | null;
  readonly aip: string | null;
  readonly step: string | null;
  readonly block: number | null;
  readonly encoding: Encoding | null;
  readonly rootKey: string | null;
  readonly delegatorsAuthenticated: boolean | null;
  readonly holder: string | null;
  readonly chain: readonly Row[];
  readonly scopes: readonly string[];
  readonly constraints: Row['constraints'];
  readonly expires: string | null;
  readonly budget: Row['budget'];
  readonly revocationIds: readonly string[];
}

interface Question {
  readonly tool: string;
  readonly args: JsonObject | null;
  readonly audience: string | null;
  readonly domain: string | null;
  /** What a macaroon has to name as its place. */
  readonly location: string | null;
  readonly peer: string | null;
  readonly profile: cap.Profile;
  readonly mustSign: boolean;
  readonly nowSeconds: number;
}

export const verify = verb({
  summary: 'check a capability against its root’s key, for one tool',
  options: {
    token: { type: 'positional', description: 'file with a capability, or the capability; `-` reads stdin' },
    root: {
      type: 'string',
      required: true,
      valueHint: 'key',
      description: '`ed25519:<hex>`, an `aip:key` id, or a file: identity document, public key, JWKS, macaroon secret',
    },
    tool: { type: 'string', required: true, valueHint: 'name', description: 'what is to be called' },
    args: { type: 'string', valueHint: 'json', description: 'its arguments' },
    at: { type: 'string', valueHint: 'time', description: 'when, as 2026-12-31T00:00:00Z (default: now)' },
    peer: { type: 'string', valueHint: 'id', description: 'who presents it' },
    audience: { type: 'string', valueHint: 'url', description: 'where it is presented' },
    domain: { type: 'string', valueHint: 'host', description: 'host it is presented to, for tokens that name domains' },
    location: { type: 'string', valueHint: 'url', description: 'the place a macaroon names (default: it names none)' },
    profile: { type: 'enum', options: ['simple', 'standard'], default: 'standard', description: 'AIP policy profile' },
    signed: { type: 'boolean', description: 'refuse delegations that their delegator has not signed' },
  },
  async run({ args, terminal }) {
    const nowSeconds = args.at === undefined ? Math.floor(Date.now() / 1000) : timeOf('--at', args.at);
    const text = readCapability(args.token);
    const question: Question = {
      tool: args.tool,
      args: args.args === undefined ? null : argumentsIn(args.args),
      audience: args.audience ?? null,
      domain: args.domain ?? null,
      location: args.location ?? null,
      peer: args.peer ?? null,
      profile: args.profile === 'simple' ? 'simple' : 'standard',
      mustSign: args.signed,
      nowSeconds,
    };
    const answer = answerTo(text, readRoot(args.root, nowSeconds), question);
    if (answer.valid && answer.delegatorsAuthenticated === false)
      terminal.note('writ: a delegation in this chain is not signed by its delegator; `--signed` refuses such chains');
    terminal.answer(answer, () =>
      answer.valid
        ? `valid for \`${args.tool}\`, held by ${visible(answer.holder ?? '')}\n${chainText(answer.chain, terminal.paint)}`
        : `not valid: ${answer.code}${answer.step === null ? '' : ` (${answer.aip}, step ${answer.step})`}`,
    );
    return answer.valid ? 0 : 1;
  },
});

function argumentsIn(text: string): JsonObject {
  const parsed = parseStrictJsonText(text);
  if (!parsed.ok || !isJsonObject(parsed.value)) throw usage('`--args` is not one JSON object');
  return parsed.value;
}

export function answerTo(text: string, root: GivenRoot, question: Question): Answer {
  const encoding = encodingOf(text);
  if (encoding === 'macaroon') return macaroonAnswer(text, root, question);
  if (encoding === 'jwt') return jwtAnswer(text, root, question);
  return aipAnswer(text, encoding, root, question);
}

const nothing = { rootKey: null, delegatorsAuthenticated: null, holder: null, chain: [], revocationIds: [] } as const;
const noRow = { scopes: [], constraints: [], expires: null, budget: [] } as const;

function refusal(encoding: Encoding | null, { code }: Denial, fault?: cap.CapFault): Answer {
  const told = {
    code,
    aip: cap.aipCodeOf(code),
    step: fault?.step ?? null,
    block: fault?.block ?? null,
  };
  return { valid: false, ...told, encoding, ...nothing, ...noRow };
}

function acceptance(
  more: Pick<Answer, 'encoding' | 'rootKey' | 'delegatorsAuthenticated' | 'holder' | 'chain' | 'revocationIds'>,
): Answer {
  const { scopes, constraints, expires, budget } = more.chain.at(-1) ?? noRow;
  const code = { code: null, aip: null, step: null, block: null };
  return { valid: true, ...code, ...more, scopes, constraints, expires, budget };
}

function aipAnswer(text: string, encoding: Encoding | null, { authority }: GivenRoot, question: Question): Answer {
  const world: cap.AipWorld = {
    roots: [authority],
    rowKeyOf: () => null,
    isRevoked: () => false,
    profile: question.profile,
    delegatorsMustSign: question.mustSign,
  };
  const about = {
    arguments: question.args,
    domain: question.domain,
    audience: question.audience,
    presenter: question.peer,
  };
  const judge = (tool: string) =>
    cap.verifyAip(text, { ...about, tools: [tool] }, world, capEngine, question.nowSeconds);
  // A tool without a colon is asked as it stands, for tokens that name it so, and as AIP's drafts write it.
  const named = toolName(question.tool);
  const plain = judge(question.tool);
  const verdict = named !== question.tool && cap.isCapFault(plain) && plain.step === 'V6' ? judge(named) : plain;
  if (cap.isCapFault(verdict)) return refusal(encoding, verdict.denial, verdict);
  return acceptance({
    encoding,
    rootKey: `ed25519:${Buffer.from(verdict.rootKey).toString('hex')}`,
    delegatorsAuthenticated: verdict.delegatorsAuthenticated,
    holder: verdict.holder,
    chain: rowsOfLinks(verdict.links),
    revocationIds: verdict.blockIds,
  });
}

function macaroonAnswer(text: string, { secret }: GivenRoot, question: Question): Answer {
  const root = cap.readIdentifier(cap.parseMacaroons(text)![0].identifier);
  if (!root) return refusal('macaroon', denial('token.malformed'));
  if (!secret) throw usage('the root of a macaroon is a file with its secret');
  // One secret is given, so it stands for the one that the macaroon names.
  const secrets = new Map([[root.keyId, secret]]);
  const macaroons = { secrets, location: question.location, delegatorsMustSign: question.mustSign };
  const read = cap.readMacaroon(text, { macaroons }, capEngine, question.nowSeconds);
  if (read.outcome === 'deny') return refusal('macaroon', read.denial);
  const { chain, ownFrom, delegatorsAuthenticated, blockIds } = read.facts;
  const denied = chainRefusal(chain, ownFrom, question);
  if (denied) return refusal('macaroon', denied);
  return acceptance({
    encoding: 'macaroon',
    rootKey: null,
    delegatorsAuthenticated,
    holder: leafOf(chain).actor.sub,
    chain: rowsOfChain(chain.links, root.chain.links.length),
    revocationIds: blockIds,
  });
}

/** An access token of a plane, read without the plane. */
function jwtAnswer(text: string, { authority, jwks }: GivenRoot, question: Question): Answer {
  const jws = parseJws(text)!;
  const configured = jwks && keysOf(jwks).get(jws.header.kid);
  const keys = configured ? [configured] : authority.keys.map((x) => ({ alg: 'EdDSA', x }) as const);
  const key = keys.find((one) => verifyJws(jws, one, nodeEngine));
  const read = readToken(text, worldOf(jws, key), nodeEngine, question.nowSeconds);
  if (read.outcome === 'deny') return refusal('jwt', read.denial);
  const { id, chain } = read.facts;
  const denied = chainRefusal(chain, chain.links.length - 1, question);
  if (denied) return refusal('jwt', denied);
  return acceptance({
    encoding: 'jwt',
    rootKey: null,
    delegatorsAuthenticated: true,
    holder: leafOf(chain).actor.sub,
    chain: rowsOfChain(chain.links, chain.links.length),
    revocationIds: [id, ...chain.links.map(({ row }) => row)],
  });
}

/** Only a key is given: it is that of the issuer the token names, and its agents are all of the trust domain of the first. */
function worldOf({ header, claims }: UnverifiedJws, key: PublicKey | undefined): Parameters<typeof readToken>[1] {
  const chain = chainFromClaims(claims);
  const actors = typeof chain === 'string' ? [] : chain.links.slice(1).map(({ actor }) => actor.iss);
  const home = actors.find((iss) => iss.startsWith('spiffe://')) ?? '';
  return {
    issuers: new Map([[String(claims.iss), new Map(key ? [[header.kid, key]] : [])]]),
    trustDomain: home.slice('spiffe://'.length),
  };
}

/** What core asks of a chain at a call, less what only a plane knows: rows, edges, what has been withdrawn. */
function chainRefusal(chain: Chain, ownFrom: number, question: Question): Denial | null {
  const { tool, args, audience, peer, nowSeconds } = question;
  const { actor } = leafOf(chain);
  const elsewhere = chain.links.slice(ownFrom).find((link) => audience !== null && link.audience !== audience);
  if (elsewhere) return denial('token.wrong_audience', { audience: elsewhere.audience, wanted: audience });
  if (peer !== null && actor.sub !== peer) return denial('token.bound_to_other_peer', { actor: actor.sub, peer });
  const asked: Asked = { scopes: [scopeName(tool)], anyScopeOf: null, arguments: args ?? {} };
  // Without `--args` the tool alone is asked about; the answer shows what its arguments have to be.
  const about = args === null ? chain.links.map(({ details: _of, ...rest }) => rest) : chain.links;
  return shapeFault(chain) ?? firstRefusal(about, asked, nowSeconds);
}
