// It asks for a token and does not say whose: clients have to guess the issuer, and attackers may do the guessing for them.

import type { Rule } from '../rule.ts';
import { fixForSeen, subjectOf } from './seen-fix.ts';

export const metadataMissing: Rule = {
  id: 'metadata-missing',
  severity: 'medium',
  title: 'no protected resource metadata',
  why: 'RFC 9728 lets a server name its issuer and its own name, so that a token is asked for at the right place and for this server alone. MCP requires it.',
  onSeen: (seen) => {
    if (seen.protocol !== 'mcp' || seen.metadata?.state !== 'absent') return [];
    return [
      {
        place: seen.endpoint.place,
        subject: subjectOf(seen),
        says: 'the server refuses without a token and does not say where to get one',
        evidence: 'neither its `WWW-Authenticate` nor `/.well-known/oauth-protected-resource` leads to metadata',
        fix: fixForSeen(seen, 'Writ publishes the metadata of every server behind it.'),
      },
    ];
  },
};
