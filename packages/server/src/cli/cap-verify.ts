// `writ cap verify`: is this capability genuine and does it admit this call? Offline: needs the root's key and nothing else.

import { keysOf } from '@writ/agent';
import {
  type Asked,
  cap,
  chainFromClaims,
  type Denial,
  isJsonObject,
  type JsonObject,
  type Link,
  leafOf,
  parseJws,
  parseStrictJsonText,
  refusalOfLink,
  TYP,
  verifyJws,
  widening,
} from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { chainText, type Encoding, encodingOf, type Row, rowsOfChain, rowsOfLinks } from './cap-chain.ts';
import { capEngine, type GivenRoot, readCapability, readRoot } from './cap-keys.ts';
import { timeOf, toolName } from './cap-limits.ts';
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

function refusal(encoding: Encoding | null, denial: Denial, fault?: cap.CapFault): Answer {
  const told = {
    code: denial.code,
    aip: cap.aipCodeOf(denial.code),
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
  const macaroons = cap.parseMacaroons(text)!;
  const root = cap.readIdentifier(macaroons[0].identifier);
  if (!root) return refusal('macaroon', { code: 'token.malformed', rule: '', detail: {} });
  if (!secret) throw usage('the root of a macaroon is a file with its secret');
  const genuine = cap.verifyMacaroons(macaroons, secret, macaroons[0].location, capEngine);
  if (typeof genuine === 'string') {
    const code = genuine.startsWith('discharge') ? 'token.proof_invalid' : 'token.signature_invalid';
    return refusal('macaroon', { code, rule: '', detail: { why: genuine } });
  }
  const chain = cap.applyConditions(root.chain, genuine.conditions, genuine.ids);
  if ('code' in chain) return refusal('macaroon', chain);
  const handed = root.chain.links.length;
  const denied =
    cap.dischargeFault(genuine.dischargeConditions, question.nowSeconds) ?? chainRefusal(chain.links, question);
  if (denied) return refusal('macaroon', denied);
  const signed = chain.links.length === handed;
  if (!signed && question.mustSign)
    return refusal('macaroon', { code: 'token.delegator_unauthenticated', rule: '', detail: {} });
  return acceptance({
    encoding: 'macaroon',
    rootKey: null,
    delegatorsAuthenticated: signed,
    holder: leafOf(chain).actor.sub,
    chain: rowsOfChain(chain.links, handed),
    revocationIds: genuine.ids,
  });
}

/** An access token of a plane, read without the plane: signature, times, chain. */
function jwtAnswer(text: string, { authority, jwks }: GivenRoot, question: Question): Answer {
  const no = (code: Denial['code']) => refusal('jwt', { code, rule: '', detail: {} });
  const jws = parseJws(text)!;
  const configured = jwks && keysOf(jwks).get(jws.header.kid);
  const keys = configured ? [configured] : authority.keys.map((x) => ({ alg: 'EdDSA', x }) as const);
  if (jws.header.typ !== TYP.accessToken) return no('token.malformed');
  if (!keys.some((key) => verifyJws(jws, key, nodeEngine))) return no('token.signature_invalid');
  const chain = chainFromClaims(jws.claims);
  if (typeof chain === 'string') return no(`token.${chain}`);
  const { exp, jti } = jws.claims;
  if (typeof exp !== 'number' || question.nowSeconds >= exp) return no('token.expired');
  const denied = chainRefusal(chain.links, question);
  if (denied) return refusal('jwt', denied);
  return acceptance({
    encoding: 'jwt',
    rootKey: null,
    delegatorsAuthenticated: true,
    holder: leafOf(chain).actor.sub,
    chain: rowsOfChain(chain.links, chain.links.length),
    revocationIds: [...(typeof jti === 'string' ? [jti] : []), ...chain.links.map(({ row }) => row)],
  });
}

/** Every link admits the call, and is no wider than the one above. */
function chainRefusal(links: readonly Link[], { tool, args, audience, peer, nowSeconds }: Question): Denial | null {
  const leaf = links[links.length - 1]!;
  const no = (code: Denial['code'], wanted: string): Denial => ({ code, rule: '', detail: { wanted } });
  if (audience !== null && leaf.audience !== audience) return no('token.wrong_audience', audience);
  if (peer !== null && leaf.actor.sub !== peer) return no('token.bound_to_other_peer', peer);
  // `files/read_file` is how the other commands name what `files:read_file` allows.
  const scope = tool.includes(':') ? tool : tool.replace(/\/(?=[^/]*$)/, ':');
  const asked: Asked = { scopes: [scope], anyScopeOf: null, arguments: args ?? {} };
  // Without `--args` the tool alone is asked about; the answer shows what its arguments have to be.
  const about = ({ details, ...rest }: Link): Link => (details && args !== null ? { ...rest, details } : rest);
  for (const [i, link] of links.entries()) {
    const denied =
      (i === 0 ? null : widening(link, links[i - 1]!, 1)) ?? refusalOfLink(about(link), asked, i, nowSeconds);
    if (denied) return denied;
  }
  return null;
}
