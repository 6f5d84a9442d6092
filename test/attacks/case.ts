// The form of an attack file (README.md tells it in words), and its reader. An unknown verb or member is an error, so that a case
// never passes because nobody understood it.

import { DENIALS, type DenialCode, isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from '@writ/core';

export interface AttackFile {
  readonly about: string;
  /** The part of writ.yaml that this file's plane is started with. */
  readonly config: JsonObject;
  readonly world: 'small' | 'house';
  /** Done before each case. */
  readonly given: readonly Step[];
  readonly cases: readonly AttackCase[];
}

export interface AttackCase {
  readonly name: string;
  readonly story: string;
  readonly spec: string;
  /** What the product does instead, so far. */
  readonly todo: string | null;
  /** The honest twin of an attack: all of it has to go through. */
  readonly benign: boolean;
  /** An attack that the gate cannot tell from honest work: what it costs and why. Its last step is allowed, and asserted to be. */
  readonly through: { readonly risk: string; readonly because: string } | null;
  readonly steps: readonly Step[];
}

/** One act. The first member is its verb; `as` names who acts: an agent's path, or `nobody` without a certificate. */
export interface Step {
  readonly verb: Verb;
  /** What stands behind the verb. */
  readonly on: JsonValue;
  readonly as: string;
  readonly at: 'mtls' | 'oauth' | 'issuer' | 'api';
  readonly with: JsonObject;
  /** Tried again and again for so many milliseconds until it is refused; 0: once. */
  readonly withinMillis: number;
  readonly expect: Expectation;
}

export type Expectation =
  | { readonly outcome: 'allow'; readonly claims: JsonObject; readonly never: readonly string[] }
  | { readonly outcome: 'hangup' }
  | {
      readonly outcome: 'refuse';
      readonly status: number;
      /** Null: refused by the protocol itself, before Writ had anything to judge. */
      readonly code: DenialCode | null;
      /** JSON-RPC error code, where the answer is one. */
      readonly rpc: number | null;
      /** OAuth error, where the answer is one. */
      readonly error: string | null;
      /** Text that must not stand anywhere in the answer. */
      readonly never: readonly string[];
      /** An approved call may have reached the other side before its answer was refused. */
      readonly reaches: boolean;
      /** The API keeps no record of a caller whose token it could not read as a person's. */
      readonly recorded: boolean;
    };

const VERBS = {
  /** Opens a task of the person for an agent and keeps its continuation under this name. */
  open: ['for', 'prompt', 'user', 'scope', 'planned', 'depth', 'budget', 'ttlSeconds', 'status', 'code'],
  /** Exchanges a kept credential for a token and keeps that under this name. */
  take: ['of', 'to', 'scope', 'form'],
  /** Makes a token from another one. */
  forge: ['from', 'header', 'claims', 'signed'],
  /** `tools/call` of `<server>/<tool>`; `says` is what the tool answers from then on, `result` the same with the protocol around it. */
  call: ['token', 'in', 'scheme', 'arguments', 'headers', 'edit', 'body', 'path', 'method', 'says', 'result', 'times'],
  /** `SendMessage` to an agent, or another method of A2A. */
  message: ['token', 'in', 'headers', 'edit', 'body', 'method', 'params', 'path', 'says'],
  /** Any HTTP request to this path. */
  request: ['token', 'method', 'headers', 'json', 'form'],
  /** Lines of a request, written to the socket as they are. */
  text: [],
  /** A handshake as this agent with a certificate of some kind, and a request that nobody answers; the refusal is counted as `code`. */
  knock: ['certificate', 'tls', 'code'],
  /** A good session of this agent is offered again, with its certificate and without. */
  resume: [],
  /** A connection of this agent, whose SVID ends in so many seconds, ends with it. */
  outlive: ['seconds'],
  /** A false gateway under this name waits for `caller`. */
  lure: ['certificate', 'caller'],
  /** Opens a connection and leaves it open under this name; with `call`, a call whose answer does not end. */
  stay: ['call', 'token'],
  /** The open connection of this name ends within so many milliseconds. */
  ends: ['millisMax'],
  /** The person withdraws a kept token, a task, an agent or a user. */
  revoke: [],
  /** The person ends the task of this name. */
  end: [],
  /** The person looks at the newest question and keeps it under this name; then answers it. */
  question: ['rules'],
  answer: ['verdict', 'hash', 'status'],
  /** All questions are older by so many seconds. */
  passes: [],
  /** These calls at once, of which so many (one number, or several that may be) go through, and the others are refused with the code. */
  race: ['through', 'code'],
  /** The tool server describes a tool in other words from now on. */
  describe: ['words', 'inputSchema', 'annotations', '_meta'],
  /** What reached the tool server, last request first. */
  upstream: ['never', 'headers', 'lacks', 'calls'],
  /** What reached the callee agent. */
  callee: ['never', 'lacks', 'context'],
} as const satisfies { readonly [verb: string]: readonly string[] };

export type Verb = keyof typeof VERBS;
const COMMON = ['as', 'at', 'expect', 'asks', 'denies', 'withinMillis'];
const PEOPLE = new Set<Verb>(['question', 'answer', 'passes', 'race']);
const DOOR = new Set<Verb>(['knock', 'resume', 'outlive', 'lure']);
const ACTORLESS = new Set<Verb>([
  ...DOOR,
  ...PEOPLE,
  'open',
  'forge',
  'ends',
  'revoke',
  'end',
  'describe',
  'upstream',
  'callee',
]);

/** Throws with the place that nobody could understand. */
export function parseAttacks(file: string, bytes: Uint8Array): AttackFile {
  const parsed = parseStrictJson(bytes);
  if (!parsed.ok || !isJsonObject(parsed.value)) throw new Error(`${file} is not JSON: ${JSON.stringify(parsed)}`);
  const { about, config = {}, world = 'small', given = [], cases, ...rest } = parsed.value;
  if (Object.keys(rest).length > 0 || !isJsonObject(config) || !Array.isArray(cases)) throw new Error(`${file}: form`);
  const actor = world === 'house' ? 'claude/orchestrator' : null;
  return {
    about: String(about),
    config,
    world: world as AttackFile['world'],
    given: (given as JsonValue[]).map((step) => stepOf(step, `${file}, given`, actor)),
    cases: (cases as JsonObject[]).map((one) => caseOf(one, file, actor)),
  };
}

function caseOf(one: JsonObject, file: string, actor: string | null): AttackCase {
  const { name, story, spec, todo = null, steps, benign = false, gets, risk, because, ...rest } = one;
  const where = `${file}, \`${String(name)}\``;
  const texts = [name, story, spec].every((one) => typeof one === 'string' && one !== '');
  if (!texts || !Array.isArray(steps) || Object.keys(rest).length > 0) throw new Error(`${where}: form`);
  const read = (steps as JsonValue[]).map((step) => stepOf(step, where, actor));
  const through = gets === 'through' ? { risk: String(risk), because: String(because) } : null;
  if ((gets !== undefined) !== (typeof risk === 'string' && typeof because === 'string'))
    throw new Error(`${where}: what gets through has \`risk\` and \`because\``);
  if (benign === true || through) {
    if (read.at(-1)!.expect.outcome !== 'allow') throw new Error(`${where}: its last step is refused`);
  } else if (!read.some(asserts)) throw new Error(`${where}: nothing is expected of it`);
  return { name, story, spec, todo, benign, through, steps: read } as AttackCase;
}

/** Is there anything in this step that an attack would fail at? */
function asserts({ verb, expect, with: how }: Step): boolean {
  if (expect.outcome !== 'allow') return true;
  const tells =
    DOOR.has(verb) ||
    verb === 'race' ||
    how.status !== undefined ||
    verb === 'upstream' ||
    verb === 'callee' ||
    verb === 'ends';
  return tells || Object.keys(expect.claims).length > 0 || expect.never.length > 0;
}

/** `actor`: who acts where a step does not say. */
function stepOf(value: JsonValue, where: string, actor: string | null): Step {
  if (!isJsonObject(value)) throw new Error(`${where}: a step is an object`);
  const [verb, ...members] = Object.keys(value);
  if (verb === undefined || !Object.hasOwn(VERBS, verb)) throw new Error(`${where}: \`${verb}\` is no verb`);
  const known = VERBS[verb as Verb] as readonly string[];
  const unknown = members.find((member) => !known.includes(member) && !COMMON.includes(member));
  if (unknown !== undefined) throw new Error(`${where}: \`${verb}\` has no \`${unknown}\``);
  const {
    as = ACTORLESS.has(verb as Verb) ? 'nobody' : (actor ?? undefined),
    at = 'mtls',
    asks,
    denies,
    expect = asks !== undefined ? { asks } : denies !== undefined ? { denies } : 'allow',
    withinMillis = 0,
    ...rest
  } = value;
  if (typeof as !== 'string') throw new Error(`${where}: \`${verb}\` needs \`as\``);
  if (verb === 'knock' && !Object.hasOwn(DENIALS, String(value.code)))
    throw new Error(`${where}: \`${String(value.code)}\` is no code`);
  return {
    verb: verb as Verb,
    on: verb === 'race' ? (value.race as JsonValue[]).map((one) => stepOf(one, where, actor) as never) : value[verb]!,
    as,
    at: at as Step['at'],
    with: Object.fromEntries(Object.entries(rest).filter(([name]) => name !== verb)),
    withinMillis: withinMillis as number,
    expect: expectationOf(expect, where),
  };
}

/** How MCP and A2A say what was judged (contract §5). */
export const RPC = { denies: -31001, asks: -31002 } as const;

function judged(code: JsonValue, rpc: number, where: string): Expectation {
  return expectationOf({ status: 200, code, rpc }, where);
}

function expectationOf(value: JsonValue, where: string): Expectation {
  if (value === 'allow') return { outcome: 'allow', claims: {}, never: [] };
  if (value === 'hangup') return { outcome: 'hangup' };
  if (!isJsonObject(value)) throw new Error(`${where}: \`expect\` is "allow", "hangup" or what the refusal looks like`);
  const { status, code = null, rpc = null, error = null, never = [], claims, ...more } = value;
  const { reaches = false, recorded = true, ...rest } = more;
  if (value.asks !== undefined) return judged(value.asks, RPC.asks, where);
  if (value.denies !== undefined) return judged(value.denies, RPC.denies, where);
  if (Object.keys(rest).length > 0) throw new Error(`${where}: \`expect\` has no \`${Object.keys(rest)[0]}\``);
  if (status === undefined) return { outcome: 'allow', claims: (claims ?? {}) as JsonObject, never: never as string[] };
  if (code !== null && !Object.hasOwn(DENIALS, String(code)))
    throw new Error(`${where}: \`${String(code)}\` is no code`);
  return {
    outcome: 'refuse',
    status: status as number,
    code: code as DenialCode | null,
    rpc: rpc as number | null,
    error: error as string | null,
    never: never as string[],
    reaches: reaches === true,
    recorded: recorded === true,
  };
}
