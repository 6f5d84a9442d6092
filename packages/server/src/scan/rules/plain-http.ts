// An address beyond this machine without TLS: token and data can be read and changed on the way.

import type { Word } from '../configuration.ts';
import type { Hit } from '../finding.ts';
import { agentKey, fixOf, safeUrl, serverPiece } from '../fix.ts';
import { hostKind, plainUrl } from '../hosts.ts';
import { bridgedUrls } from '../launch.ts';
import type { Rule } from '../rule.ts';
import { fixForSeen, subjectOf } from './seen-fix.ts';

export const plainHttp: Rule = {
  id: 'plain-http',
  severity: 'high',
  title: 'address without TLS',
  why: 'Everybody on the way reads the credential and may change what the tool answers. Writ sends no credential in the clear beyond the machine.',
  onServer: (server) =>
    [...(server.url === null ? [] : [server.url]), ...bridgedUrls(server)].flatMap((word: Word): readonly Hit[] => {
      const url = inClear(word.text);
      if (url === null) return [];
      return [
        {
          place: word.place,
          subject: `${server.path}:url`,
          severity: hostKind(new URL(url).hostname) === 'private' ? 'medium' : 'high',
          says: `\`${server.name}\` is reached without TLS`,
          evidence: `\`${new URL(url).origin}\``,
          fix: fixOf('Over https; where the server cannot, put Writ beside it and let clients reach Writ.', {
            servers: serverPiece({ ...server, command: [], url: word }),
          }),
        },
      ];
    }),
  onSeen: (seen) => {
    if (seen.endpoint.from === 'named' && seen.result !== 'unreachable' && inClear(seen.endpoint.url) !== null)
      return [
        {
          place: null,
          subject: subjectOf(seen),
          says: 'the endpoint answers without TLS',
          evidence: `\`${new URL(seen.endpoint.url).origin}\``,
          fix: fixForSeen(seen, 'Over https.'),
        },
      ];
    if (seen.protocol !== 'a2a') return [];
    return seen.interfaces.flatMap(({ url }) =>
      inClear(url) === null
        ? []
        : [
            {
              place: seen.endpoint.place,
              subject: `${subjectOf(seen)}:${new URL(url).origin}`,
              says: 'the card of the agent sends messages over plain HTTP',
              evidence: `\`supportedInterfaces\` has \`${new URL(url).origin}\``,
              fix: fixOf('Over https, or by a proxy on the same machine.', {
                agents: { [agentKey(String(seen.card.name))]: { attest: { launched: true }, a2a: safeUrl(url)! } },
              }),
            },
          ],
    );
  },
};

/** The address when it is http beyond loopback. */
function inClear(text: string): string | null {
  const url = plainUrl(text);
  return url?.startsWith('http:') && hostKind(new URL(url).hostname) !== 'loopback' ? url : null;
}
