// What a handler of the API says: a value, or a refusal in the form of contract §5. Sentences name the way out.

import { type Denial, type DenialCode, type JsonObject, layerOf, says } from '@writ/core';

export interface Refusal {
  readonly refused: true;
  readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 415 | 421 | 429 | 503;
  /** A word for programs. */
  readonly error: string;
  readonly description: string;
  readonly code: DenialCode | null;
  readonly headers?: { readonly [name: string]: string };
}

export type Answer = Refusal | { readonly refused?: false; readonly status: 200 | 201; readonly body: JsonObject };

export function ok(body: JsonObject): Answer {
  return { status: 200, body };
}

const challenge = { 'WWW-Authenticate': 'Bearer realm="writ"' };

export const REFUSALS = {
  signIn: (code: DenialCode): Refusal => ({
    ...refusal(401, 'unauthenticated', `${says(code)} Sign in with \`writ login\`.`, code),
    headers: challenge,
  }),
  agent: refusal(403, 'access_denied', says('action.prompt_not_from_principal'), 'action.prompt_not_from_principal'),
  notAPerson: refusal(
    403,
    'person_required',
    'This door reads status and decisions only. Sign in with `writ login` for everything else.',
    'action.policy_forbids',
  ),
  /** RFC 9470 §3. */
  reauthenticate: {
    ...refusal(
      401,
      'reauthenticate',
      'This needs a sign-in of the last five minutes. Sign in again with `writ login` or in the console.',
      null,
    ),
    headers: { 'WWW-Authenticate': 'Bearer realm="writ", error="insufficient_user_authentication", max_age="300"' },
  },
  role: (role: string): Refusal =>
    refusal(
      403,
      'role_required',
      `This needs the role \`${role}\`, which an admin gives in writ.yaml.`,
      'action.policy_forbids',
    ),
  csrf: refusal(
    403,
    'csrf',
    "This request was not sent by a page of this plane: send the session's `csrf` as `x-writ-csrf`.",
    'gateway.header_mismatch',
  ),
  misdirected: refusal(421, 'misdirected', says('gateway.misdirected'), 'gateway.misdirected'),
  notFound: (what: string): Refusal => refusal(404, 'not_found', `There is no such ${what}.`, null),
  malformed: (description: string): Refusal => refusal(400, 'invalid_request', description, 'gateway.malformed'),
  outage: refusal(503, 'temporarily_unavailable', says('gateway.outage'), 'gateway.outage'),
} as const;

export function refusal(
  status: Refusal['status'],
  error: string,
  description: string,
  code: DenialCode | null,
): Refusal {
  return { refused: true, status, error, description, code };
}

/** A denial of another room, as the API answers it. */
export function refusalOf({ code }: Denial): Refusal {
  if (code === 'gateway.too_large') return refusal(413, 'invalid_request', says(code), code);
  if (code === 'action.unknown') return refusal(404, 'not_found', says(code), code);
  if (code === 'token.malformed') return refusal(400, 'invalid_request', says(code), code);
  const outage = layerOf(code) === 'gateway' || layerOf(code) === 'audit';
  return refusal(outage ? 503 : 403, outage ? 'temporarily_unavailable' : 'access_denied', says(code), code);
}
