// Nobody is asked any more: a client that runs every tool of a server, or everything, without a person.

import type { Configuration, ConfiguredServer } from '../configuration.ts';
import { type Leaf, leaves, member } from '../document.ts';
import type { Hit } from '../finding.ts';
import { agentPiece, fixOf, serverKey, serverPiece } from '../fix.ts';
import type { Rule } from '../rule.ts';

export const confirmationOff: Rule = {
  id: 'confirmation-off',
  severity: 'medium',
  title: 'tools run without being asked about',
  why: 'One sentence in a document is then enough to make the agent act. Writ lets listed calls through and asks a person where it matters.',
  onServer: (server) => serverSwitches(server).map((key) => hitOf(server, key)),
  onFile: ({ configuration }) => (configuration === null ? [] : fileSwitches(configuration)),
};

/** Members of a server's entry that let every tool run. */
function serverSwitches({ node }: ConfiguredServer): readonly string[] {
  const found: string[] = [];
  const trust = member(node, 'trust');
  if (trust?.kind === 'plain' && trust.value === true) found.push('trust');
  for (const key of ['autoApprove', 'alwaysAllow', 'autoApproveTools', 'trustedTools']) {
    const value = member(node, key);
    const isAll =
      (value?.kind === 'plain' && value.value === true) ||
      (value?.kind === 'text' && value.value === '*') ||
      (value?.kind === 'list' && value.items.some((one) => one.kind === 'text' && /^(?:\*|all)$/.test(one.value)));
    if (isAll) found.push(key);
  }
  return found;
}

function hitOf(server: ConfiguredServer, key: string): Hit {
  const value = member(server.node, key)!;
  return {
    place: server.placeOf(value),
    subject: `${server.path}:${key}`,
    says: `${server.client} runs every tool of \`${server.name}\` without asking`,
    evidence: `\`${key}\` is ${value.kind === 'plain' ? `\`${value.value}\`` : '`*`'}`,
    fix: allowFix(server),
  };
}

function allowFix(server: ConfiguredServer): string {
  const [agent] = Object.keys(agentPiece(server));
  return fixOf('One line for each tool that may run unasked; all others are refused, or ask a person.', {
    agents: agentPiece(server),
    servers: serverPiece(server),
    allow: [{ agent: agent!, tool: `${serverKey(server.name)}/TOOL_NAME` }],
  });
}

/** Switches of whole clients, by their own names. */
const SWITCHES: readonly {
  readonly path: RegExp;
  readonly value: (value: unknown) => boolean;
  readonly says: string;
}[] = [
  {
    path: /^enableAllProjectMcpServers$/,
    value: (one) => one === true,
    says: 'every server that a project brings is started',
  },
  {
    path: /^permissions\.defaultMode$/,
    value: (one) => one === 'bypassPermissions',
    says: 'no permission is asked for at all',
  },
  {
    path: /^permissions\.allow\.\d+$/,
    value: (one) => /^(?:\*|mcp__\*|Bash(?:\(\*\))?)$/.test(String(one)),
    says: 'every call of that kind is allowed beforehand',
  },
  {
    path: /^(?:chat\.tools\.(?:global\.)?autoApprove|chat\.tools\.autoApprove)$/,
    value: (one) => one === true,
    says: 'every tool runs unasked',
  },
  {
    path: /^approval_policy$|\.approval_policy$/,
    value: (one) => one === 'never',
    says: 'nobody is asked before a command',
  },
  {
    path: /^sandbox_mode$|\.sandbox_mode$/,
    value: (one) => one === 'danger-full-access',
    says: 'commands run without a sandbox',
  },
  {
    path: /^(?:allowedTools|trustedTools)\.\d+$/,
    value: (one) => /^(?:\*|@\*)$/.test(String(one)),
    says: 'every tool is trusted',
  },
  { path: /^permission(?:\.\*)?$/, value: (one) => one === 'allow', says: 'everything is allowed beforehand' },
  { path: /^(?:agent\.)?always_allow_tool_actions$/, value: (one) => one === true, says: 'every tool runs unasked' },
  {
    path: /^(?:general\.)?(?:defaultApprovalMode|approvalMode)$/,
    value: (one) => one === 'yolo',
    says: 'every tool runs unasked',
  },
];

function fileSwitches(configuration: Configuration): readonly Hit[] {
  const inServer = ({ node }: Leaf) =>
    configuration.servers.some(({ node: one }) => one.start <= node.start && node.end <= one.end);
  return [...leaves(configuration.root)].flatMap((leaf): readonly Hit[] => {
    const path = leaf.path.join('.');
    const found = inServer(leaf)
      ? undefined
      : SWITCHES.find((one) => one.path.test(path) && one.value(leaf.node.value));
    if (found === undefined) return [];
    const server = configuration.servers[0];
    return [
      {
        place: configuration.placeOf(leaf.node),
        subject: path,
        severity: 'high',
        says: `${configuration.client}: ${found.says}`,
        evidence: `\`${path}\` is \`${leaf.node.value}\``,
        fix:
          server === undefined
            ? fixOf('Take the switch out; what may run unasked is one `allow` line each in writ.yaml.')
            : allowFix(server),
      },
    ];
  });
}
