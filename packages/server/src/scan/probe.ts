// Asks the endpoints that may be asked, a few at a time, and says which were left alone. Loopback and private addresses may; others
// only where somebody named them.

import type { Ask } from './ask.ts';
import { hostKind, plainUrl } from './hosts.ts';
import { type A2aWords, probeA2a } from './probe-a2a.ts';
import { type McpWords, probeMcp } from './probe-mcp.ts';
import type { Endpoint, McpSeen, Seen } from './seen.ts';

export interface Words {
  readonly mcp: McpWords;
  readonly a2a: A2aWords;
}

const atOnceMax = 16;

/** May be asked: on this machine or network, or named. */
export function mayProbe({ from, url }: Endpoint): boolean {
  return from !== 'configuration' || hostKind(new URL(url).hostname) !== 'beyond';
}

/** Once for each address and kind: servers of several clients lead to one endpoint. */
export function distinct(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  return [
    ...new Map(endpoints.toReversed().map((one) => [`${one.kind} ${plainUrl(one.url)}`, one])).values(),
  ].toReversed();
}

export async function probeAll(endpoints: readonly Endpoint[], ask: Ask, words: Words): Promise<readonly Seen[]> {
  const results: (readonly Seen[])[] = [];
  const queue = endpoints.entries();
  const worker = async () => {
    for (const [i, endpoint] of queue) results[i] = await probeOne(endpoint, ask, words);
  };
  await Promise.all(Array.from({ length: atOnceMax }, worker));
  return results.flat();
}

async function probeOne(endpoint: Endpoint, ask: Ask, words: Words): Promise<readonly Seen[]> {
  const url = askedUrl(endpoint.url);
  if (endpoint.kind === 'a2a') {
    const seen = await probeA2a({ ...endpoint, url }, ask, words.a2a);
    return [seen ?? unreachable({ ...endpoint, url }, 'has no agent card')];
  }
  if (endpoint.kind === 'mcp') return [(await probeMcp(endpoint, url, ask, words.mcp, true))!];
  return probeAny({ ...endpoint, url }, ask, words);
}

/** A port, or a host: an agent, a server, both or neither. */
async function probeAny(endpoint: Endpoint, ask: Ask, words: Words): Promise<readonly Seen[]> {
  const { origin, pathname } = new URL(endpoint.url);
  const found: Seen[] = [];
  const agent = await probeA2a(endpoint, ask, words.a2a);
  if (agent !== null) found.push(agent);
  // A path that was written down is meant; of a bare host the usual places are tried.
  const paths = pathname === '/' ? ['/mcp', '/', '/sse'] : [pathname];
  for (const path of paths) {
    const seen = await probeMcp(endpoint, `${origin}${path}`, ask, words.mcp, pathname !== '/' && agent === null);
    if (seen?.result === 'unreachable') {
      if (found.length === 0 && endpoint.from === 'named') found.push(seen);
      break;
    }
    if (seen !== null) {
      found.push(seen);
      break;
    }
  }
  if (found.length === 0 && endpoint.from === 'named')
    found.push(unreachable(endpoint, 'answers, and neither as an MCP server nor as an agent'));
  return found;
}

/** The query may hold a secret that opens the door; the question is whether the door is open without. */
function askedUrl(text: string): string {
  return plainUrl(text) ?? text;
}

function unreachable(endpoint: Endpoint, detail: string): McpSeen {
  return {
    protocol: 'mcp',
    endpoint,
    result: 'unreachable',
    detail,
    listed: null,
    answersForeignHost: null,
    metadata: null,
    acceptedMadeUp: null,
  };
}
