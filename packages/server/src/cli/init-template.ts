// The text of a first writ.yaml. Comments are for the person who will change it.

import * as yaml from 'yaml';
import { DEFAULTS } from '../config/defaults.ts';
import { schemaHeader } from '../config/json-schema.ts';
import type { TakenServer } from './init-client-config.ts';

export interface FirstConfig {
  readonly trustDomain: string;
  readonly user: string;
  readonly servers: ReadonlyMap<string, TakenServer>;
}

const agent = 'my/agent';

export function firstConfig({ trustDomain, user, servers }: FirstConfig): string {
  const keys = [...servers.keys()];
  const { mtls, oauth, admin } = DEFAULTS.listen;
  return `${schemaHeader}
version: 1
trustDomain: ${scalar(trustDomain)}
data: ${DEFAULTS.dataDir}
listen: { mtls: ${mtls}, oauth: ${oauth}, admin: ${admin} }

agents:
  # Started by \`writ run --agent ${agent} -- CMD\`. It reaches what stands under \`calls\`, and nothing else.
  ${agent}:
    attest: { launched: true }
    calls: ${list(keys)}
    scopes: ${list(keys.map((key) => `${key}:*`))}

${serversText(servers)}

users:
  ${scalar(user)}: { roles: [admin] }

# What is allowed, line by line. Until a line says so, every call is refused; \`writ explain\` tells why.
allow: []
#  - { agent: ${agent}, tool: ${keys[0] ?? 'files'}/read_file }
`;
}

function serversText(servers: ReadonlyMap<string, TakenServer>): string {
  if (servers.size === 0) {
    return `servers: {}
#  files: { mcp: { command: [mcp-server-filesystem, ./docs] }, manifest: builtin:filesystem }`;
  }
  return yaml.stringify({ servers: Object.fromEntries(servers) }, { lineWidth: 0 }).trimEnd();
}

function list(items: readonly string[]): string {
  return `[${items.map(scalar).join(', ')}]`;
}

/** In quotes where YAML would read something else. */
function scalar(text: string): string {
  return /^[A-Za-z][A-Za-z0-9._/-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off)$/i.test(text)
    ? text
    : JSON.stringify(text);
}

/** For a POSIX shell: \`set -a; . ./writ.env\`. */
export function secretsText(secrets: ReadonlyMap<string, string>): string {
  const lines = [...secrets].map(([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'`);
  return `# Secrets taken out of the configuration of an MCP client. Keep this file to yourself.\n${lines.join('\n')}\n`;
}
