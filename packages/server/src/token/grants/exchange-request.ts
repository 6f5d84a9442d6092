// The parameters of a token exchange, read strictly (RFC 8693 §2.1, rules §2.5): one subject, one target, an explicit scope.
// What they add up to is judged by core.

import {
  type Budget,
  type Deny,
  deny,
  detailsFrom,
  type ExchangeAsk,
  isJsonObject,
  type JsonValue,
  type Level,
  parseScopeList,
  parseStrictJsonText,
  pass,
  type Verdict,
} from '@writ/core';
import { TOKEN_TYPE } from '../ports.ts';

export interface ExchangeRequest {
  readonly subjectToken: string;
  readonly isContinuation: boolean;
  readonly actorToken: string | null;
  /** A task the client believes this to be; refused when it is another. */
  readonly task: string | null;
  readonly ask: ExchangeAsk;
}

/** Every parameter the grant knows. The last ones are Writ's own and can only narrow. */
export const EXCHANGE_PARAMETERS = [
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
  'audience',
  'resource',
  'scope',
  'authorization_details',
  'task',
  'estimated_seconds',
  'requested_seconds',
  'until',
  'depth',
  'ceiling',
  'budget',
  'purpose',
] as const;

type Parameters = { readonly [name: string]: unknown };

export function readExchangeRequest(parameters: Parameters): Verdict<ExchangeRequest> {
  const subject = readSubject(parameters);
  if (subject.outcome === 'deny') return subject;
  const ask = readAsk(parameters);
  if (ask.outcome === 'deny') return ask;
  return pass({ ...subject.facts, task: text(parameters.task), ask: ask.facts });
}

function readSubject(
  parameters: Parameters,
): Verdict<Pick<ExchangeRequest, 'subjectToken' | 'isContinuation' | 'actorToken'>> {
  const subjectToken = text(parameters.subject_token);
  if (subjectToken === null) return missing('subject_token');
  const type = parameters.subject_token_type;
  if (type !== TOKEN_TYPE.accessToken && type !== TOKEN_TYPE.continuation) return unreadable('subject_token_type');
  const wanted = parameters.requested_token_type ?? TOKEN_TYPE.accessToken;
  if (wanted !== TOKEN_TYPE.accessToken) return unreadable('requested_token_type');
  const actorToken = text(parameters.actor_token);
  // RFC 8693 §2.1: the type comes with the token and never without.
  if ((actorToken === null) !== (parameters.actor_token_type === undefined)) return unreadable('actor_token_type');
  if (actorToken !== null && parameters.actor_token_type !== TOKEN_TYPE.accessToken)
    return unreadable('actor_token_type');
  return pass({ subjectToken, isContinuation: type === TOKEN_TYPE.continuation, actorToken });
}

function readAsk(parameters: Parameters): Verdict<ExchangeAsk> {
  const targets = [parameters.audience, parameters.resource].flat().filter((one) => one !== undefined);
  if (targets.length !== 1 || typeof targets[0] !== 'string') {
    return deny('transport.edge_not_allowed', { why: 'name exactly one audience or resource', named: targets.length });
  }
  const scopes = parseScopeList(text(parameters.scope) ?? '');
  if (scopes === null) return deny('token.scope_insufficient', { why: 'a scope is not readable' });
  const details = readDetails(text(parameters.authorization_details));
  const budget = readBudget(text(parameters.budget));
  if (details === null) return deny('token.restriction_unknown', { parameter: 'authorization_details' });
  if (budget === null) return unreadable('budget');
  const numbers = readNumbers(parameters);
  if (typeof numbers === 'string') return unreadable(numbers);
  const purpose = text(parameters.purpose);
  if (purpose !== null && purpose.length > 200) return unreadable('purpose');
  return pass({
    audience: targets[0],
    scopes,
    ...(details === undefined ? {} : { details }),
    ...(budget === undefined ? {} : { budget }),
    ...numbers,
    ...(purpose === null ? {} : { purpose }),
  });
}

const NUMBERS = {
  estimated_seconds: ['estimatedSeconds', 1, 86_400],
  requested_seconds: ['requestedSeconds', 1, 86_400],
  until: ['untilSeconds', 0, Number.MAX_SAFE_INTEGER],
  depth: ['depth', 0, 16],
  ceiling: ['ceiling', 0, 4],
} as const;

type Numbers = Pick<ExchangeAsk, 'estimatedSeconds' | 'requestedSeconds' | 'untilSeconds' | 'depth' | 'ceiling'>;

/** The numbers that were sent, or the name of the first that is none. */
function readNumbers(parameters: Parameters): Numbers | string {
  const read: { [name: string]: number } = {};
  for (const [name, [member, least, most]] of Object.entries(NUMBERS)) {
    const sent = text(parameters[name]);
    if (sent === null) continue;
    const value = /^\d{1,16}$/.test(sent) ? Number(sent) : Number.NaN;
    if (!(value >= least && value <= most)) return name;
    read[member] = value;
  }
  return read as Numbers & { readonly ceiling?: Level };
}

function readDetails(sent: string | null) {
  const value = sent === null ? undefined : json(sent);
  if (value === undefined) return sent === null ? undefined : null;
  return detailsFrom(value);
}

function readBudget(sent: string | null): readonly Budget[] | null | undefined {
  if (sent === null) return undefined;
  const value = json(sent);
  if (!Array.isArray(value)) return null;
  const budgets: Budget[] = [];
  for (const entry of value as readonly JsonValue[]) {
    if (!isJsonObject(entry) || Object.keys(entry).length !== 2) return null;
    const { unit, max } = entry;
    if (typeof unit !== 'string' || !/^[A-Za-z]{1,16}$/.test(unit)) return null;
    if (typeof max !== 'number' || !Number.isSafeInteger(max) || max < 0) return null;
    if (budgets.some((other) => other.unit === unit)) return null;
    budgets.push({ unit, max });
  }
  return budgets;
}

function json(sent: string): JsonValue | undefined {
  const parsed = parseStrictJsonText(sent, 8);
  return parsed.ok ? parsed.value : undefined;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function missing(parameter: string): Deny {
  return deny('token.missing', { parameter });
}

function unreadable(parameter: string): Deny {
  return deny('token.malformed', { parameter });
}
