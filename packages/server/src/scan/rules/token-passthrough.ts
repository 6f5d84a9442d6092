// A token that was meant for somebody else is taken or sent on. Three signs: a made-up token is taken, the metadata names another
// resource, or a configuration sends an issuer's secret to a host that is not the issuer's.

import type { ConfiguredServer } from '../configuration.ts';
import type { Hit } from '../finding.ts';
import { fixOf, serverPiece } from '../fix.ts';
import { hostKind, isUnder } from '../hosts.ts';
import { bridgedUrls } from '../launch.ts';
import type { KeptSecret, Rule } from '../rule.ts';
import { redacted } from '../secrets.ts';
import type { McpSeen } from '../seen.ts';
import { fixForSeen, subjectOf } from './seen-fix.ts';

export const tokenPassthrough: Rule = {
  id: 'token-passthrough',
  severity: 'high',
  title: 'token of somebody else is passed through',
  why: 'A server that takes tokens of another service, or sends on what it got, makes every caller as strong as that token. MCP forbids it; Writ gives each hop a token of its own.',
  onSecrets: (secrets) => secrets.flatMap(sentElsewhere),
  onSeen: (seen) => (seen.protocol === 'mcp' ? [...madeUp(seen), ...otherResource(seen)] : []),
};

function sentElsewhere(one: KeptSecret): readonly Hit[] {
  const { server, secret } = one;
  const hosts = secret.issuer?.hosts ?? null;
  if (server === null || hosts === null || one.where === 'environment' || one.where === 'setting') return [];
  const host = hostOf(server);
  // A bridge on this machine is where Writ would sit; it is judged by what it answers.
  if (host === null || hostKind(host) === 'loopback' || isUnder(host, hosts)) return [];
  return [
    {
      place: one.place,
      subject: `${server.path}:${one.key}`,
      says: `a ${secret.name} is sent to \`${host}\`, which did not issue it`,
      evidence: `\`${one.key}\` sends ${redacted(secret.value)} to \`${host}\``,
      fix: fixOf('The plane holds the secret; the server gets a token that is good for it alone.', {
        servers: serverPiece(server),
      }),
    },
  ];
}

function hostOf(server: ConfiguredServer): string | null {
  const text = server.url?.text ?? bridgedUrls(server)[0]?.text;
  return text !== undefined && URL.canParse(text) ? new URL(text).hostname : null;
}

function madeUp(seen: McpSeen): readonly Hit[] {
  if (seen.acceptedMadeUp === null) return [];
  return [
    {
      place: seen.endpoint.place,
      subject: `${subjectOf(seen)}:made-up`,
      says: 'the server asks for a token and does not check it',
      evidence: `it refused a request without a token and answered one with ${seen.acceptedMadeUp}`,
      fix: fixForSeen(seen, 'Behind Writ, which checks issuer, audience and holder before the server hears anything.'),
    },
  ];
}

function otherResource(seen: McpSeen): readonly Hit[] {
  if (seen.metadata?.state !== 'present' || seen.metadata.resource === null) return [];
  const { resource } = seen.metadata;
  if (URL.canParse(resource) && new URL(resource).origin === new URL(seen.endpoint.url).origin) return [];
  const shown = URL.canParse(resource) ? new URL(resource).origin : 'something that is no address';
  return [
    {
      place: seen.endpoint.place,
      subject: `${subjectOf(seen)}:resource`,
      severity: 'medium',
      says: 'the server takes tokens that are meant for another service',
      evidence: `\`resource\` of its metadata is \`${shown}\` (RFC 9728 §3.3 wants its own address)`,
      fix: fixForSeen(
        seen,
        'Writ asks for tokens with the audience of this server and keeps what it sends upstream apart.',
      ),
    },
  ];
}
