// Agent cards: unsigned, bound to nobody, or asking nobody for anything. A2A 1.0 §5 and §5.1.

import { fromBase64Url, isJsonObject, type JsonObject, parseStrictJson } from '@writ/core';
import type { Hit } from '../finding.ts';
import { hostKind } from '../hosts.ts';
import type { Rule } from '../rule.ts';
import type { A2aSeen } from '../seen.ts';
import { fixForSeen, subjectOf } from './seen-fix.ts';

export const cardUnsigned: Rule = {
  id: 'card-unsigned',
  severity: 'low',
  title: 'agent card without a signature',
  why: 'Who can answer at that address can change what the agent says it is and where messages go. Writ gives every agent an identity that does not rest on the card.',
  onSeen: (seen) => {
    if (seen.protocol !== 'a2a') return [];
    const signatures = Array.isArray(seen.card.signatures) ? seen.card.signatures : [];
    const faults = signatures.map(signatureFault);
    if (signatures.length > 0 && faults.some((fault) => fault === null)) return [];
    return [
      hit(
        seen,
        'the card of the agent is not signed',
        faults[0] ?? '`signatures` is empty',
        'The gateway verifies the agent by its certificate and publishes the card.',
      ),
    ];
  },
};

/** Why a signature says nothing, whoever made it; null where it may. Keys behind `jku` are not fetched. */
function signatureFault(signature: unknown): string | null {
  const header =
    isJsonObject(signature) && typeof signature.protected === 'string' ? headerOf(signature.protected) : null;
  if (header === null) return 'its signature has no readable header';
  if (typeof header.alg !== 'string' || /^(?:none|HS\d+)$/i.test(header.alg))
    return 'its signature names an algorithm that proves nothing';
  if (typeof header.kid !== 'string' || header.kid === '') return 'its signature names no key';
  return null;
}

function headerOf(text: string): JsonObject | null {
  const bytes = fromBase64Url(text);
  const parsed = bytes === null ? null : parseStrictJson(bytes);
  return parsed?.ok && isJsonObject(parsed.value) ? parsed.value : null;
}

export const cardUnbound: Rule = {
  id: 'card-unbound',
  severity: 'medium',
  title: 'agent card that belongs to no host',
  why: 'A card that sends messages to another host than the one it came from can be handed on and served by anybody.',
  onSeen: (seen) => {
    if (seen.protocol !== 'a2a') return [];
    const home = new URL(seen.cardUrl).hostname;
    const foreign = seen.interfaces
      .map(({ url }) => (URL.canParse(url) ? new URL(url).hostname : '?'))
      .filter((host) => !isSameHost(host, home));
    if (foreign.length === 0) return [];
    const fix = 'The gateway publishes the card under its own address and knows the agent by its identity.';
    return [
      hit(
        seen,
        'the card of the agent sends messages to another host',
        `served by \`${home}\`, its interfaces are at \`${foreign[0]}\``,
        fix,
      ),
    ];
  },
};

function isSameHost(a: string, b: string): boolean {
  return a === b || (hostKind(a) === 'loopback' && hostKind(b) === 'loopback');
}

export const cardAsksNothing: Rule = {
  id: 'card-asks-nothing',
  severity: 'medium',
  title: 'agent card that requires nothing',
  why: 'A card without security requirements tells every client to come without a credential.',
  onSeen: (seen) => {
    // An open agent is the worse finding of the two and says this already.
    if (seen.protocol !== 'a2a' || seen.result === 'open') return [];
    const required = [seen.card.securityRequirements, seen.card.security].some(
      (one) => Array.isArray(one) && one.length > 0,
    );
    const leaves = seen.interfaces.some(
      ({ url }) => URL.canParse(url) && hostKind(new URL(url).hostname) !== 'loopback',
    );
    if (required || !leaves) return [];
    return [
      hit(
        seen,
        'the card of the agent requires no credential',
        '`securityRequirements` is empty',
        'The gateway asks for an identity before the agent hears anything.',
      ),
    ];
  },
};

function hit(seen: A2aSeen, says: string, evidence: string, fix: string): Hit {
  return { place: seen.endpoint.place, subject: subjectOf(seen), says, evidence, fix: fixForSeen(seen, fix) };
}
