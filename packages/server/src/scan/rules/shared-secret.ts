// One secret held by several agents: what one of them did cannot be told from what another did, nor taken away from one alone.

import type { Hit } from '../finding.ts';
import { agentKey, environmentName, fixOf, serverKey, serverPiece } from '../fix.ts';
import type { KeptSecret, Rule } from '../rule.ts';
import { redacted } from '../secrets.ts';
import { article } from './secret-in-config.ts';

export const sharedSecret: Rule = {
  id: 'shared-secret',
  severity: 'medium',
  title: 'one secret shared by several agents',
  why: 'Nobody can say which agent used it, and revoking it for one stops them all. Behind Writ every agent has an identity of its own and the secret is held once.',
  onSecrets: (secrets) => {
    const holders = new Map<string, KeptSecret[]>();
    for (const one of secrets) holders.set(one.secret.value, [...(holders.get(one.secret.value) ?? []), one]);
    return [...holders.values()].flatMap((all) => hitsOf(all));
  },
};

function hitsOf(all: readonly KeptSecret[]): readonly Hit[] {
  // A holder is an agent with its own file; two entries of one file are one agent.
  const holders = [...new Map(all.map((one) => [one.file, one])).values()];
  const agents = holders.filter((one) => !one.isEnvFile);
  if (agents.length < 2) return [];
  const first = agents[0]!;
  const clients = [...new Set(agents.map(({ client }) => client))];
  const server = agents.find((one) => one.server !== null)?.server ?? null;
  const key = server === null ? null : serverKey(server.name);
  const calling = Object.fromEntries(
    clients.map((client) => [agentKey(client), { attest: { launched: true }, calls: [key!] }]),
  );
  return [
    {
      place: first.place,
      subject: `${first.server?.path ?? ''}:${first.key}`,
      says: `${article(first.secret.name)} is shared by ${agents.length} agents: ${agents.map((one) => `${one.client} (\`${one.key}\`)`).join(', ')}`,
      evidence: `${redacted(first.secret.value)}, in ${agents.map(({ place }) => `${place.file}:${place.line}`).join(', ')}`,
      fix: fixOf(
        `Held once, by the plane, as ${environmentName(first.key)}; each agent calls under its own identity.`,
        server === null || key === null ? {} : { agents: calling, servers: serverPiece(server) },
      ),
    },
  ];
}
