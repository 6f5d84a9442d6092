// What a configuration that is in order still leaves open: ways around the plane, shared boundaries, lines that can never
// say yes. Told, not refused: each may be what somebody wants.

import { anyScopeCovers } from '@writ/core';
import type { Config } from '../config/config.ts';
import type { Finding } from './doctor.ts';

const warn = (check: string, says: string, fix: string): Finding => ({ check, state: 'warn', says, fix });

export function configFindings(config: Config, env: NodeJS.ProcessEnv): readonly Finding[] {
  return [
    ...bypasses(config),
    ...sharedUids(config, process.getuid?.() ?? 0),
    ...memoryUnstated(config),
    ...deadAllowLines(config),
    ...secretsMissing(config, env),
    ...mandatesUnreviewed(config),
  ];
}

/** Rules §1.4: an upstream is protected only if it accepts nobody but the gateway, or is a process of the plane. */
function bypasses({ servers, agents }: Config): readonly Finding[] {
  const reachable = [...servers].flatMap(([key, { mcp, http }]) =>
    mcp?.kind === 'command' ? [] : [[key, (mcp ?? http).url] as const],
  );
  const listening = [...agents].flatMap(([key, { a2a }]) =>
    a2a === null || a2a.startsWith('unix:') ? [] : [[key, a2a] as const],
  );
  return [
    ...reachable.map(([key, url]) =>
      warn(
        'ways around',
        `whoever reaches \`${url}\` can call \`${key}\` without Writ`,
        'let it accept nobody but the gateway’s SVID, or run it as `mcp: { command: … }`',
      ),
    ),
    ...listening.map(([key, url]) =>
      warn(
        'ways around',
        `whoever reaches \`${url}\` can talk to \`${key}\` without Writ`,
        'let it listen on a Unix socket, `a2a: "unix:…"`, or verify Writ-Context',
      ),
    ),
  ];
}

/** One uid for several agents: told apart by launch alone, and the system lets them look into each other. Rules §1.1. */
function sharedUids({ agents }: Config, planeUid: number): readonly Finding[] {
  const byUid = new Map<number, string[]>();
  for (const [key, { attest }] of agents) {
    if (attest === null) continue;
    const uid = attest.uid ?? planeUid;
    byUid.set(uid, [...(byUid.get(uid) ?? []), key]);
  }
  return [...byUid].flatMap(([uid, keys]) => {
    const names = keys.map((key) => `\`${key}\``).join(', ');
    if (uid === planeUid) {
      return [
        warn(
          'boundaries',
          `${names} run as uid ${uid}, which is the plane's own: they could read its keys`,
          'give agents a uid of their own',
        ),
      ];
    }
    return keys.length < 2
      ? []
      : [
          warn(
            'boundaries',
            `${names} share uid ${uid}: told apart by launch, but one can trace another`,
            'give each a uid of its own',
          ),
        ];
  });
}

function memoryUnstated({ agents }: Config): readonly Finding[] {
  const unstated = [...agents].filter(([, { memory }]) => memory === null).map(([key]) => `\`${key}\``);
  if (unstated.length === 0) return [];
  const says = `${unstated.join(', ')} do not state their \`memory\`: it counts as persistent, and risk 3 and above stay closed`;
  return [warn('memory', says, 'write `memory: task`, `none` or `persistent`')];
}

/** An allow line decides only what edge and scopes let through first. */
function deadAllowLines({ allow, agents, clients }: Config): readonly Finding[] {
  return allow.flatMap((line, i) => {
    const entry = line.agent.startsWith('client:')
      ? clients.get(line.agent.slice('client:'.length))
      : agents.get(line.agent);
    const name = `allow line ${i + 1} (\`${line.agent}\` → \`${line.server}/${line.tool}\`)`;
    if (!entry?.calls.includes(line.server)) {
      return [
        warn(
          'allow',
          `${name} can never say yes: there is no edge`,
          `add \`${line.server}\` to \`calls\` of \`${line.agent}\``,
        ),
      ];
    }
    const scope = `${line.server}:${line.tool}`;
    // A wildcard line is alive when any scope of the server is held.
    const held = line.tool.endsWith('*')
      ? entry.scopes.some((one) => one.startsWith(`${line.server}:`))
      : anyScopeCovers(entry.scopes, scope);
    return held
      ? []
      : [
          warn(
            'allow',
            `${name} needs a scope that its agent may not have`,
            `add \`${scope}\` to \`scopes\`, or leave it to tasks that name it`,
          ),
        ];
  });
}

function secretsMissing({ servers }: Config, env: NodeJS.ProcessEnv): readonly Finding[] {
  return [...servers].flatMap(([key, { credential, mcp }]) => {
    const references = [
      ...(credential === null ? [] : [credential]),
      ...(mcp?.kind === 'command' ? mcp.env.values() : []),
    ];
    return references.flatMap((one) =>
      one.kind === 'env' && !env[one.name]
        ? [
            warn(
              'secrets',
              `\`${one.name}\`, a secret of \`${key}\`, is not set in this shell`,
              'set it where `writ up` starts',
            ),
          ]
        : [],
    );
  });
}

function mandatesUnreviewed({ mandates }: Config): readonly Finding[] {
  return [...mandates].flatMap(([key, { reviewed }]) =>
    reviewed === null
      ? [
          warn(
            'mandates',
            `\`${key}\` is reviewed by nobody and opens nothing`,
            'have a person review it: `reviewed: { by, digest }`',
          ),
        ]
      : [],
  );
}
