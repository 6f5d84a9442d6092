// A server on this machine that answers under a stranger's name: a web page can then talk to it through the person's browser.

import { hostKind } from '../hosts.ts';
import type { Rule } from '../rule.ts';
import { fixForSeen, subjectOf } from './seen-fix.ts';

export const dnsRebinding: Rule = {
  id: 'dns-rebinding',
  severity: 'high',
  title: 'answers under any host name',
  why: 'A page whose name is pointed at 127.0.0.1 reaches the server from inside the browser, past every firewall. Host and Origin tell; they have to be looked at.',
  onSeen: (seen) => {
    if (seen.protocol !== 'mcp' || seen.answersForeignHost !== true) return [];
    if (hostKind(new URL(seen.endpoint.url).hostname) === 'beyond') return [];
    return [
      {
        place: seen.endpoint.place,
        subject: subjectOf(seen),
        says: `${seen.endpoint.server === null ? 'a server on this machine' : `\`${seen.endpoint.server.name}\``} can be reached by any web page that is open`,
        evidence: 'a request with `Host` and `Origin` of another site was answered like any other',
        fix: fixForSeen(
          seen,
          'Behind Writ, which answers under its own names only; bind the server to a port or socket that only Writ uses.',
        ),
      },
    ];
  },
};
