// The form of an attack file (README.md tells it in words), and its reader. An unknown verb or member is an error, so that a case
// never passes because nobody understood it.

import { DENIALS, type DenialCode, isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from '@writ/core';

export interface AttackFile {
  readonly about: string;
  /** The part of writ.yaml that this file's plane is started with. */
  readonly config: JsonObject;
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
  open: ['for', 'scope', 'depth', 'budget', 'ttlSeconds'],
  /** Exchanges a kept credential for a token and keeps that under this name. */
  take: ['of', 'to', 'scope', 'form'],
  /** Makes a token from another one. */
  forge: ['from', 'header', 'claims', 'signed'],
  /** `tools/call` of `<server>/<tool>`. */
  call: ['token', 'scheme', 'arguments', 'headers', 'edit', 'body', 'path', 'method'],
  /** `SendMessage` to an agent, or another method of A2A. */
  message: ['token', 'headers', 'edit', 'body', 'method', 'params', 'path'],
  /** Any HTTP request to this path. */
  request: ['token', 'method', 'headers', 'json', 'form'],
  /** Lines of a request, written to the socket as they are. */
  text: [],
  /** Opens a connection and leaves it open under this name; with `call`, a call whose answer does not end. */
  stay: ['call', 'token'],
  /** The open connection of this name ends within so many milliseconds. */
  ends: ['millisMax'],
  /** The person withdraws a kept token, a task, an agent or a user. */
  revoke: [],
  /** The person ends the task of this name. */
  end: [],
  /** The tool server describes a tool in other words from now on. */
  describe: ['words'],
  /** What reached the tool server, last request first. */
  upstream: ['never', 'headers', 'lacks', 'calls'],
  /** What reached the callee agent. */
  callee: ['never', 'lacks', 'context'],
} as const satisfies { readonly [verb: string]: readonly string[] };

export type Verb = keyof typeof VERBS;
const COMMON = ['as', 'at', 'expect', 'withinMillis'];
const ACTORLESS = new Set<Verb>(['open', 'forge', 'ends', 'revoke', 'end', 'describe', 'upstream', 'callee']);

/** Throws with the place that nobody could understand. */
export function parseAttacks(file: string, bytes: Uint8Array): AttackFile {
  const parsed = parseStrictJson(bytes);
  if (!parsed.ok || !isJsonObject(parsed.value)) throw new Error(`${file} is not JSON: ${JSON.stringify(parsed)}`);
  const { about, config, given = [], cases, ...rest } = parsed.value;
  if (Object.keys(rest).length > 0 || !isJsonObject(config) || !Array.isArray(cases)) throw new Error(`${file}: form`);
  return {
    about: String(about),
    config,
    given: (given as JsonValue[]).map((step) => stepOf(step, `${file}, given`)),
    cases: (cases as JsonObject[]).map((one) => caseOf(one, file)),
  };
}

function caseOf({ name, story, spec, todo = null, steps, ...rest }: JsonObject, file: string): AttackCase {
  const where = `${file}, \`${String(name)}\``;
  const texts = [name, story, spec].every((one) => typeof one === 'string' && one !== '');
  if (!texts || !Array.isArray(steps) || Object.keys(rest).length > 0) throw new Error(`${where}: form`);
  const read = (steps as JsonValue[]).map((step) => stepOf(step, where));
  if (!read.some(asserts)) throw new Error(`${where}: nothing is expected of it`);
  return { name, story, spec, todo, steps: read } as AttackCase;
}

/** Is there anything in this step that an attack would fail at? */
function asserts({ verb, expect }: Step): boolean {
  if (expect.outcome !== 'allow') return true;
  const tells = verb === 'upstream' || verb === 'callee' || verb === 'ends';
  return tells || Object.keys(expect.claims).length > 0 || expect.never.length > 0;
}

function stepOf(value: JsonValue, where: string): Step {
  if (!isJsonObject(value)) throw new Error(`${where}: a step is an object`);
  const [verb, ...members] = Object.keys(value);
  if (verb === undefined || !Object.hasOwn(VERBS, verb)) throw new Error(`${where}: \`${verb}\` is no verb`);
  const known = VERBS[verb as Verb] as readonly string[];
  const unknown = members.find((member) => !known.includes(member) && !COMMON.includes(member));
  if (unknown !== undefined) throw new Error(`${where}: \`${verb}\` has no \`${unknown}\``);
  const {
    as = ACTORLESS.has(verb as Verb) ? 'nobody' : undefined,
    at = 'mtls',
    expect = 'allow',
    withinMillis = 0,
    ...rest
  } = value;
  if (typeof as !== 'string') throw new Error(`${where}: \`${verb}\` needs \`as\``);
  return {
    verb: verb as Verb,
    on: value[verb]!,
    as,
    at: at as Step['at'],
    with: Object.fromEntries(Object.entries(rest).filter(([name]) => name !== verb)),
    withinMillis: withinMillis as number,
    expect: expectationOf(expect, where),
  };
}

function expectationOf(value: JsonValue, where: string): Expectation {
  if (value === 'allow') return { outcome: 'allow', claims: {}, never: [] };
  if (value === 'hangup') return { outcome: 'hangup' };
  if (!isJsonObject(value)) throw new Error(`${where}: \`expect\` is "allow", "hangup" or what the refusal looks like`);
  const { status, code = null, rpc = null, error = null, never = [], claims, ...more } = value;
  const { reaches = false, recorded = true, ...rest } = more;
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
