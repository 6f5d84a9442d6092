// One request in several rounds (MCP 2026-07-28): a person is asked at a page of ours, or the server asks its caller. What the caller
// hands back has to be to this very request, by this very caller, in this very task (rules §4.4); a server's own state travels inside
// ours and never in clear. The caller's word is never an approval: coming back only asks again.

import {
  type Call,
  canonicalJson,
  type Decision,
  denial,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  says,
  type TokenFacts,
} from '@writ/core';
import { withoutWrit } from '../context.ts';
import { type HandedBack, UpstreamError } from '../exchange.ts';
import { digestOf } from '../http-io.ts';
import { metaOf, type Request } from './parse.ts';
import { type AskedByServer, type RequestState, type StateSeal, stateCharsMax } from './request-state.ts';
import { type Message, messageOf } from './upstream.ts';
import { META, METHODS, WRIT_META_PREFIX } from './words.ts';

export interface RoundsPorts {
  readonly seal: StateSeal;
  /** Digest of the definition in force; null where there is none. */
  readonly definitionOf: (server: string, name: string | null) => string | null;
  /** Addresses of the plane: no server may send a person there in its own name. */
  readonly ownUrls: () => readonly string[];
}

export interface Rounds {
  /** What this round continues; null for the first one. */
  handedBack(token: TokenFacts): HandedBack | null;
  /** The members that go to the server, with its own state in the place of ours. */
  outgoing(params: JsonObject): JsonObject;
  /** The result that sends a person to the page of the question; null where the caller cannot do that. */
  askPerson(decision: Decision, url: string): JsonObject | null;
  /** A server's `input_required` as the caller may have it. Throws UpstreamError for what nobody may be asked. */
  fromServer(message: Message, decision: Decision): Message;
}

/** The one key of ours among `inputRequests`. */
const APPROVAL_KEY = `${WRIT_META_PREFIX}approval`;
/** As long as a question to a person stands. */
const lifeSeconds = 900;

export function openRounds(
  { seal, definitionOf, ownUrls, nowSeconds, newId }: RoundsPorts & { nowSeconds(): number; newId(): string },
  request: Request | null,
  call: Call,
): Rounds {
  let state: RequestState | null = null;
  let answers: JsonObject | null = null;
  const bound = (token: TokenFacts) => ({
    caller: callerOf(token),
    task: token.chain.task,
    request: requestDigest(call),
    definition: definitionOf(call.target.server, call.target.name),
  });
  const sealed = (token: TokenFacts, more: Pick<RequestState, 'approval' | 'server' | 'nonce'>) =>
    seal.seal({ ...bound(token), expires: nowSeconds() + lifeSeconds, ...more });
  const isRound = request?.era === 'modern' && METHODS.get(request.method)?.optional.requestState !== undefined;

  return {
    handedBack(token) {
      if (!isRound) return null;
      const { requestState, inputResponses } = request.params;
      if (requestState === undefined) return hasMembers(inputResponses) ? refused('nobody asked') : null;
      const found = seal.open(String(requestState));
      const fault = found === null ? 'not sealed here' : faultOf(found, bound(token), nowSeconds());
      if (fault !== null) return refused(fault);
      state = found!;
      const { server, approval, nonce, expires } = state;
      answers = server && (server.answers ?? chosen(inputResponses, server.keys));
      return {
        call: hasMembers(answers) ? { ...call, answers } : call,
        resumes: approval,
        claims: server === null ? [] : [{ kind: 'state', id: nonce, untilSeconds: expires }],
      };
    },

    outgoing(params) {
      if (!isRound) return params;
      const { requestState: _, inputResponses: _r, ...plain } = params;
      if (state?.server == null) return _ === undefined && _r === undefined ? params : plain;
      const { state: own } = state.server;
      return {
        ...plain,
        ...(hasMembers(answers) ? { inputResponses: answers } : {}),
        ...(own === null ? {} : { requestState: own }),
      };
    },

    askPerson(decision, url) {
      const { opened, denial: asked, token } = decision;
      if (!isRound || opened === null || asked === null || !canOpenPages(request)) return null;
      // Using up the answer to the person's question uses up what the server had asked, too.
      const server = state?.server ? { ...state.server, answers: answers ?? {} } : null;
      const nonce = state?.server ? state.nonce : newId();
      const message = says(asked.code);
      return {
        resultType: 'input_required',
        inputRequests: { [APPROVAL_KEY]: { method: 'elicitation/create', params: { mode: 'url', message, url } } },
        requestState: sealed(token.facts!, { approval: opened.id, server, nonce }),
        _meta: {
          [APPROVAL_KEY]: { code: asked.code, decisionId: decision.id, says: message, approvalUrl: url },
        },
      };
    },

    fromServer(message, decision) {
      const { result } = message.value;
      if (!isRound || message.kind !== 'response' || !isJsonObject(result)) return message;
      if (result.resultType !== 'input_required') return message;
      const { requestState = null, inputRequests = {}, _meta, ...rest } = result;
      checkQuestions(inputRequests, request, ownUrls());
      checkState(requestState);
      const keys = Object.keys(inputRequests as JsonObject);
      if (requestState === null && keys.length === 0) throw new UpstreamError('the server asked for nothing at all');
      const server: AskedByServer = { state: requestState as string | null, keys, answers: null };
      const ours = sealed(decision.token.facts!, { approval: null, server, nonce: newId() });
      const shown: JsonObject = {
        ...rest,
        ...(isJsonObject(_meta) ? { _meta: withoutWrit(_meta) } : {}),
        ...('inputRequests' in result ? { inputRequests } : {}),
        requestState: ours,
      };
      return messageOf('response', { ...message.value, result: shown });
    },
  };
}

function refused(why: string): HandedBack {
  return { refused: denial('action.approval_invalid', { state: why }, 'Writ rules §4.4') };
}

/** Root and actors in their order: who carries the same bytes is somebody else behind another agent. */
function callerOf({ root, chain }: TokenFacts): string {
  const parties = [root, ...chain.links.slice(1).map(({ actor }) => actor)];
  return canonicalJson(parties.map(({ iss, sub }) => [iss, sub]));
}

function requestDigest({ operation, target, resource, arguments: args }: Call): string {
  return digestOf(canonicalJson({ operation, target: { ...target }, resource, arguments: args }));
}

type Bound = Pick<RequestState, 'caller' | 'task' | 'request' | 'definition'>;

/** The first thing that is not as it was when the state was sealed, for the operator; null for none. */
function faultOf(state: RequestState, bound: Bound, nowSeconds: number): string | null {
  if (nowSeconds >= state.expires) return 'expired';
  const members = ['caller', 'task', 'request', 'definition'] as const;
  return members.find((member) => state[member] !== bound[member])?.replace(/^/, 'another ') ?? null;
}

function hasMembers(value: JsonValue | undefined): value is JsonObject {
  return isJsonObject(value) && Object.keys(value).length > 0;
}

/** Answers to what was asked; keys that nobody asked for are ignored (MCP 2026-07-28). */
function chosen(given: JsonValue | undefined, keys: readonly string[]): JsonObject {
  if (!isJsonObject(given)) return {};
  return Object.fromEntries(Object.entries(given).filter(([key]) => keys.includes(key)));
}

function capabilitiesOf({ params }: Request): JsonObject {
  const declared = metaOf(params)[META.capabilities];
  return isJsonObject(declared) ? declared : {};
}

function canOpenPages(request: Request): boolean {
  const { elicitation } = capabilitiesOf(request);
  return isJsonObject(elicitation) && isJsonObject(elicitation.url);
}

/** What each question needs the caller to have declared: nobody is asked for what they did not offer. */
function offers(request: Request, method: JsonValue | undefined, mode: JsonValue | undefined): boolean {
  const { elicitation, sampling, roots } = capabilitiesOf(request);
  if (method === 'roots/list') return isJsonObject(roots);
  if (method === 'sampling/createMessage') return isJsonObject(sampling);
  if (method !== 'elicitation/create' || !isJsonObject(elicitation)) return false;
  if (mode === 'url') return isJsonObject(elicitation.url);
  // An empty object is the form alone, as before there were two kinds.
  return isJsonObject(elicitation.form) || !Object.hasOwn(elicitation, 'url');
}

function checkQuestions(questions: JsonValue, request: Request, ownUrls: readonly string[]): void {
  if (!isJsonObject(questions)) throw new UpstreamError('the server asked in a form that nobody can answer');
  for (const [key, question] of Object.entries(questions)) {
    const { method, params } = isJsonObject(question) ? question : {};
    const asked = isJsonObject(params) ? params : {};
    if (key.startsWith(WRIT_META_PREFIX)) throw new UpstreamError('the server asked in the name of the plane');
    if (!offers(request, method, asked.mode)) throw new UpstreamError('the server asked for what the caller cannot do');
    // A page of ours that a server sends a person to would be taken for a question of ours (rules §4.4).
    if (asked.mode === 'url' && !isForeignPage(asked.url, ownUrls))
      throw new UpstreamError('the server sent a person to an address where it has no pages');
  }
}

function checkState(state: JsonValue): void {
  if (state === null || (typeof state === 'string' && state.length <= stateCharsMax / 4)) return;
  throw new UpstreamError('the server gave a state that cannot be carried');
}

function isForeignPage(text: JsonValue | undefined, ownUrls: readonly string[]): boolean {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return false;
  return !ownUrls.some((own) => isSamePlace(url, new URL(own)));
}

/** Every port of a host of ours is ours, except on loopback, where others live, too. */
function isSamePlace(a: URL, b: URL): boolean {
  const [hostA, hostB] = [hostOf(a), hostOf(b)];
  if (hostA === LOOPBACK && hostB === LOOPBACK) return a.port === b.port;
  return hostA === hostB;
}

const LOOPBACK = 'loopback';

function hostOf({ hostname }: URL): string {
  const host = hostname.replace(/\.$/, '');
  const isLoopback =
    /^127\./.test(host) ||
    /(?:^|\.)localhost$/.test(host) ||
    /^\[::(?:1|ffff:7f[0-9a-f]{2}:[0-9a-f]+|)\]$/.test(host) ||
    host === '0.0.0.0';
  return isLoopback ? LOOPBACK : host;
}
