// The nine error codes of AIP, for those who speak it (contract §5).

import type { DenialCode } from '../../../denial.ts';

export type AipCode =
  | 'aip_token_missing'
  | 'aip_token_malformed'
  | 'aip_signature_invalid'
  | 'aip_identity_unresolvable'
  | 'aip_token_expired'
  | 'aip_scope_insufficient'
  | 'aip_budget_exceeded'
  | 'aip_depth_exceeded'
  | 'aip_key_revoked';

const CODES: { readonly [code in DenialCode]?: AipCode } = {
  'token.missing': 'aip_token_missing',
  'token.malformed': 'aip_token_malformed',
  'token.signature_invalid': 'aip_signature_invalid',
  'token.issuer_unknown': 'aip_identity_unresolvable',
  'token.expired': 'aip_token_expired',
  // The draft's V4 answers a delegation that outlives its parent with the code of expiry.
  'token.expiry_widened': 'aip_token_expired',
  'token.scope_insufficient': 'aip_scope_insufficient',
  'token.scope_widened': 'aip_scope_insufficient',
  'token.constraint_widened': 'aip_scope_insufficient',
  'token.constraint_violated': 'aip_scope_insufficient',
  'token.budget_exceeded': 'aip_budget_exceeded',
  'token.depth_exceeded': 'aip_depth_exceeded',
  'token.revoked': 'aip_key_revoked',
};

export function aipCodeOf(code: DenialCode): AipCode {
  return CODES[code] ?? 'aip_token_malformed';
}
