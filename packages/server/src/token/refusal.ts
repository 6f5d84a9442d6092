// A denial in OAuth's words (RFC 6749 §5.2, RFC 8693 §2.2.2). The library turns the error into an answer; which denial stands
// behind it is kept beside the error, for the answer's `code` and for the record.

import { type Denial, type DenialCode, type Detail, denial, says } from '@writ/core';
import { errors } from 'oidc-provider';

const denials = new WeakMap<object, Denial>();

/** The error to throw inside the library. */
export function refusal(why: Denial): Error {
  const error = new errors.CustomOIDCProviderError(oauthError(why.code), says(why.code));
  denials.set(error, why);
  return error;
}

/** `refusal` of a denial made on the spot. */
export function refuse(code: DenialCode, detail: Detail = {}): Error {
  return refusal(denial(code, detail));
}

/** The denial behind an error of the library, where one of ours stands there. */
export function denialOf(error: unknown): Denial | null {
  return typeof error === 'object' && error !== null ? (denials.get(error) ?? null) : null;
}

/** RFC 8693 wants `invalid_request` for a subject token that is not acceptable, whatever the reason. */
function oauthError(code: DenialCode): string {
  switch (code) {
    case 'transport.edge_not_allowed':
    case 'token.wrong_audience':
      return 'invalid_target';
    case 'token.scope_widened':
    case 'token.scope_insufficient':
      return 'invalid_scope';
    case 'token.constraint_widened':
    case 'token.restriction_unknown':
      return 'invalid_authorization_details';
    case 'token.unbound':
    case 'token.no_mandate':
      return 'unauthorized_client';
    default:
      return 'invalid_request';
  }
}
