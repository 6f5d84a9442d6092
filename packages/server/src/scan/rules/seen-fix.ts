// What rules about endpoints share: the name of the subject, and the server or agent behind Writ.

import { agentKey, fixOf, keyOfUrl, safeUrl, serverPiece, urlEntry } from '../fix.ts';
import type { Seen } from '../seen.ts';

/** Part of a finding's id: the server of the configuration, or the address. */
export function subjectOf({ endpoint }: Seen): string {
  if (endpoint.server !== null) return endpoint.server.path;
  const { origin, pathname } = new URL(endpoint.url);
  return `${origin}${pathname}`;
}

export function fixForSeen(seen: Seen, says: string): string {
  const { endpoint } = seen;
  if (seen.protocol === 'a2a') {
    const url = seen.interfaces[0]?.url ?? endpoint.url;
    const a2a = safeUrl(url) ?? 'https://agent.example.org/a2a';
    return fixOf(says, { agents: { [agentKey(String(seen.card.name))]: { attest: { launched: true }, a2a } } });
  }
  const servers =
    endpoint.server === null || endpoint.server.url === null
      ? { [keyOfUrl(endpoint.url)]: urlEntry(endpoint.url) }
      : serverPiece(endpoint.server);
  return fixOf(says, { servers });
}
