// A tool server or agent that does for anybody what it does for its owner.

import { hostKind } from '../hosts.ts';
import type { Rule } from '../rule.ts';
import type { Seen } from '../seen.ts';
import { fixForSeen, subjectOf } from './seen-fix.ts';

export const openEndpoint: Rule = {
  id: 'open-endpoint',
  severity: 'high',
  title: 'no authentication',
  why: 'Whoever can reach the port can use it: any process of this machine, and any web page where names may be rebound.',
  onSeen: (seen) => {
    if (seen.result !== 'open') return [];
    const { endpoint } = seen;
    const isReachable = endpoint.isExposed || hostKind(new URL(endpoint.url).hostname) !== 'loopback';
    const isDestructive = seen.protocol === 'mcp' && seen.listed?.tools.some((tool) => tool.isDestructive) === true;
    return [
      {
        place: endpoint.place,
        subject: subjectOf(seen),
        severity: isReachable || isDestructive ? 'high' : 'medium',
        says: `${whatOf(seen)} answers without asking who calls${isReachable ? ', beyond this machine too' : ''}`,
        evidence: seen.detail,
        fix: fixForSeen(
          seen,
          'Behind Writ, on loopback or a Unix socket only Writ can reach; callers come to the gateway with an identity.',
        ),
      },
    ];
  },
};

function whatOf(seen: Seen): string {
  if (seen.endpoint.server !== null) return `\`${seen.endpoint.server.name}\``;
  return seen.protocol === 'mcp' ? 'an MCP server' : 'an A2A agent';
}
