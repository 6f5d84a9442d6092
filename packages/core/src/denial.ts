// Every way Writ says no, in one table. The part before the dot is the layer that spoke.
// HTTP status, OAuth error, JSON-RPC and gRPC codes are chosen at the edge (contract §5): core has not heard of them.

import type { Deny } from './verdict.ts';

interface DenialText {
  /** What the caller reads: one calm sentence that helps an honest developer and teaches a prober nothing. */
  readonly says: string;
  /** The rule behind it: a section of a standard or of Writ's own rules. */
  readonly spec: string;
}

export const DENIALS = {
  'transport.certificate_missing': { says: 'A client certificate is required here.', spec: 'Writ rules §1.2' },
  'transport.certificate_invalid': { says: 'The certificate is not acceptable.', spec: 'X509-SVID §4–5' },
  'transport.certificate_expired': { says: 'The certificate is not valid at this time.', spec: 'RFC 5280 §4.1.2.5' },
  'transport.identity_invalid': { says: 'The certificate does not name one workload.', spec: 'SPIFFE-ID §2' },
  'transport.trust_domain_unknown': { says: 'This trust domain is not accepted here.', spec: 'SPIFFE Federation §4' },
  'transport.identity_revoked': { says: 'This identity has been withdrawn.', spec: 'Writ rules §2.15' },
  'transport.ambiguous_attestation': { says: 'No identity is given to this process.', spec: 'Writ rules §1.1' },
  'transport.peer_not_attested': { says: 'This process could not be identified.', spec: 'Writ rules §1.1' },
  'transport.edge_not_allowed': { says: 'This caller may not reach this target.', spec: 'Writ rules §1.3' },
  'transport.session_resumed': { says: 'Resumed sessions are not accepted.', spec: 'Writ design D5' },
  'transport.proxy_not_trusted': { says: 'This proxy may not speak for that caller.', spec: 'Writ rules §1.5' },

  'token.missing': { says: 'A token is required.', spec: 'RFC 6750 §3' },
  'token.malformed': { says: 'The token could not be read.', spec: 'RFC 7515 §5.2' },
  'token.signature_invalid': { says: 'The token is not genuine.', spec: 'RFC 7515 §5.2' },
  'token.issuer_unknown': { says: 'The token comes from an issuer that is not accepted here.', spec: 'RFC 9068 §4' },
  'token.expired': { says: 'The token is no longer valid.', spec: 'RFC 7519 §4.1.4' },
  'token.not_yet_valid': { says: 'The token is not valid yet.', spec: 'RFC 7519 §4.1.5' },
  'token.wrong_audience': { says: 'The token is meant for another recipient.', spec: 'RFC 9068 §4' },
  'token.wrong_task': { says: 'The token belongs to another task.', spec: 'Writ rules §3.1' },
  'token.bound_to_other_peer': { says: 'The token belongs to another caller.', spec: 'Writ rules §2.9' },
  'token.bound_to_other_key': { says: 'The token belongs to another caller.', spec: 'RFC 8705 §3' },
  'token.unbound': { says: 'A token bound to its holder is required.', spec: 'Writ rules §1.2' },
  'token.ambiguous': { says: 'Send exactly one credential.', spec: 'Writ rules §2.8' },
  'token.not_expressible': {
    says: 'This authority cannot be written in the requested form.',
    spec: 'Writ rules §2.13',
  },
  'token.no_mandate': { says: 'No person stands behind this request.', spec: 'Writ rules §2.3' },
  'token.proof_invalid': { says: 'The proof of possession is not acceptable.', spec: 'RFC 9449 §4.3' },
  'token.replayed': { says: 'This credential has been used already.', spec: 'RFC 7523 §3' },
  'token.revoked': { says: 'The token has been withdrawn.', spec: 'Writ rules §2.15' },
  'token.scope_insufficient': { says: 'The token does not carry the scope this needs.', spec: 'RFC 6750 §3.1' },
  'token.scope_widened': { says: 'A delegation may only narrow the scope.', spec: 'Writ rules §2.1' },
  'token.constraint_widened': { says: 'A delegation may only narrow the constraints.', spec: 'Writ rules §2.11' },
  'token.constraint_violated': { says: 'An argument is outside what the token allows.', spec: 'Writ rules §2.11' },
  'token.expiry_widened': { says: 'A delegation may not outlive the one it came from.', spec: 'Writ rules §2.7' },
  'token.depth_exceeded': { says: 'This authority may not be delegated further.', spec: 'Writ rules §2.1' },
  'token.cycle': { says: 'This agent is already part of the chain.', spec: 'Writ rules §2.5' },
  'token.delegator_mismatch': { says: 'The delegation was not made for this agent.', spec: 'Writ rules §2.5' },
  'token.delegator_unauthenticated': { says: 'The delegation is not signed by its maker.', spec: 'Writ rules §2.14' },
  'token.may_act_forbids': { says: 'The token names another party that may act.', spec: 'RFC 8693 §4.4' },
  'token.budget_exceeded': { says: 'The budget of this authority is used up.', spec: 'Writ rules §2.12' },
  'token.restriction_unknown': {
    says: 'The token carries a restriction this service does not know.',
    spec: 'Writ rules §2.1',
  },
  'token.chain_ambiguous': { says: 'The token tells two different stories.', spec: 'Writ contract §7' },

  'action.unknown': { says: 'This operation is not known here.', spec: 'Writ rules §3.7' },
  'action.argument_unknown': { says: 'An argument is not known here.', spec: 'Writ rules §3.6' },
  'action.argument_invalid': { says: 'An argument does not have the expected form.', spec: 'Writ rules §5' },
  'action.policy_forbids': { says: 'Policy does not allow this action.', spec: 'Writ rules §3.13' },
  'action.user_not_permitted': { says: 'The person behind this request may not do this.', spec: 'Writ rules §3.13' },
  'action.policy_error': { says: 'The request could not be decided and is refused.', spec: 'Writ design D6' },
  'action.policy_unreachable': { says: 'The request could not be decided and is refused.', spec: 'Writ design D7' },
  'action.out_of_task': { says: 'This action is outside the task that was given.', spec: 'Writ rules §3.12' },
  'action.target_untrusted': { says: 'A target of this action needs confirmation.', spec: 'Writ rules §3.10' },
  'action.value_untrusted': { says: 'A value of this action needs confirmation.', spec: 'Writ rules §3.10' },
  'action.date_untrusted': { says: 'A date of this action needs confirmation.', spec: 'Writ rules §3.10' },
  'action.payload_active': { says: 'The content of this action needs confirmation.', spec: 'Writ rules §3.10' },
  'action.secret_in_arguments': { says: 'A secret may not leave in an argument.', spec: 'Writ rules §3.11' },
  'action.manifest_changed': {
    says: 'The definition of this operation has not been reviewed.',
    spec: 'Writ rules §3.7',
  },
  'action.limit_exceeded': { says: 'A limit has been reached.', spec: 'Writ rules §2.12' },
  'action.approval_required': { says: 'A person has to approve this action first.', spec: 'Writ rules §4' },
  'action.approval_invalid': { says: 'The approval does not cover this action.', spec: 'Writ rules §4.1' },
  'action.credential_missing': { says: 'The target has no credential for this request.', spec: 'Writ rules §7.6' },
  'action.secret_in_result': { says: 'The result was withheld.', spec: 'Writ rules §7.6' },
  'action.prompt_not_from_principal': { says: 'Only the person behind a task may open it.', spec: 'Writ rules §3.1' },

  'audit.unavailable': { says: 'The request cannot be recorded and is refused.', spec: 'Writ design D10' },

  'gateway.malformed': { says: 'The request could not be read.', spec: 'Writ rules §5' },
  'gateway.too_large': { says: 'The request is too large.', spec: 'RFC 9110 §15.5.14' },
  'gateway.header_mismatch': { says: 'Headers and body do not agree.', spec: 'MCP 2026-07-28 transports' },
  'gateway.misdirected': { says: 'This service does not answer for that host.', spec: 'RFC 9110 §15.5.20' },
  'gateway.body_unseen': { says: 'The whole request has to be seen to be allowed.', spec: 'Writ rules §1.6' },
  'gateway.overloaded': { says: 'Too many requests at once.', spec: 'RFC 6585 §4' },
  'gateway.draining': { says: 'The service is stopping.', spec: 'RFC 9110 §15.6.4' },
  'gateway.store_unreachable': { says: 'The service cannot answer safely at the moment.', spec: 'Writ rules §2.15' },
  'gateway.upstream_unreachable': { says: 'The target does not answer.', spec: 'RFC 9110 §15.6.3' },
  'gateway.outage': { says: 'Something failed on our side; the request was refused.', spec: 'Writ style §4' },
} as const satisfies Record<string, DenialText>;

export type DenialCode = keyof typeof DENIALS;

export type Layer = 'transport' | 'token' | 'action' | 'audit' | 'gateway';

/** What only the operator and the record see. Never a token, never a secret. */
export type Detail = { readonly [name: string]: string | number | boolean | null | readonly string[] };

export interface Denial {
  /** Stable and public; the part before the dot is the layer. */
  readonly code: DenialCode;
  /** What spoke: a section of a standard, or a policy id. */
  readonly rule: string;
  /** For the operator and the record; stays on this side of the wire. */
  readonly detail: Detail;
}

export function denial(code: DenialCode, detail: Detail = {}, rule: string = DENIALS[code].spec): Denial {
  return { code, rule, detail };
}

export function deny(code: DenialCode, detail: Detail = {}, rule: string = DENIALS[code].spec): Deny {
  return { outcome: 'deny', denial: denial(code, detail, rule) };
}

/** The layer that spoke. */
export function layerOf(code: DenialCode): Layer {
  return code.slice(0, code.indexOf('.')) as Layer;
}

/** What a caller may read of a denial. */
export function says(code: DenialCode): string {
  return DENIALS[code].says;
}
