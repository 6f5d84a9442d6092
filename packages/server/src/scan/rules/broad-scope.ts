// Scopes that say everything: what the server asks of an authorization server, or what a tool set is switched on with.

import type { ConfiguredServer, Word } from '../configuration.ts';
import { leaves } from '../document.ts';
import type { Hit } from '../finding.ts';
import { agentPiece, fixOf, serverKey, serverPiece } from '../fix.ts';
import type { Rule } from '../rule.ts';
import { fixForSeen, subjectOf } from './seen-fix.ts';

const SCOPE_KEY = /(?:^|[^a-z])scopes?$|^(?:github_)?toolsets?$|^oauth[-_]?scopes?$/i;

export const broadScope: Rule = {
  id: 'broad-scope',
  severity: 'medium',
  title: 'scope that covers everything',
  why: 'A token with all rights is all rights for whoever talks the agent into using it. Writ narrows at every hop to what the call needs.',
  onServer: (server) =>
    [...scopeWords(server)].flatMap(({ key, word }): readonly Hit[] => {
      const broad = scopesIn(word.text).filter(isBroad);
      if (broad.length === 0) return [];
      return [
        {
          place: word.place,
          subject: `${server.path}:${key}`,
          says: `\`${server.name}\` asks for ${listed(broad)}`,
          evidence: `\`${key}\` has ${listed(broad)}`,
          fix: fixOf('Only what is used; one scope a tool, as in `server:tool`.', {
            agents: agentPiece(server, [`${serverKey(server.name)}:TOOL_NAME`]),
            servers: serverPiece(server),
          }),
        },
      ];
    }),
  onSeen: (seen) => {
    if (seen.protocol !== 'mcp' || seen.metadata?.state !== 'present') return [];
    const broad = seen.metadata.scopes.filter(isBroad);
    if (broad.length === 0) return [];
    return [
      {
        place: seen.endpoint.place,
        subject: `${subjectOf(seen)}:scopes`,
        severity: 'low',
        says: `the server offers tokens for ${listed(broad)}`,
        evidence: `\`scopes_supported\` of its metadata has ${listed(broad)}`,
        fix: fixForSeen(seen, 'Ask for single tools; a broad scope need not be used because it is offered.'),
      },
    ];
  },
};

function* scopeWords(server: ConfiguredServer): Generator<{ readonly key: string; readonly word: Word }> {
  for (const one of server.env) if (SCOPE_KEY.test(one.name)) yield { key: one.name, word: one };
  for (const [i, word] of server.command.entries()) {
    const joined = /^-{0,2}([A-Za-z][\w-]*)=(.+)$/.exec(word.text);
    if (joined !== null && SCOPE_KEY.test(joined[1]!)) yield { key: joined[1]!, word: { ...word, text: joined[2]! } };
    const before = server.command[i - 1]?.text.replace(/^--?/, '');
    if (before !== undefined && before !== server.command[i - 1]?.text && SCOPE_KEY.test(before))
      yield { key: before, word };
  }
  if (server.url !== null && URL.canParse(server.url.text))
    for (const [name, value] of new URL(server.url.text).searchParams)
      if (SCOPE_KEY.test(name)) yield { key: `?${name}`, word: { text: value, place: server.url.place } };
  for (const { node, path } of leaves(server.node)) {
    const key = path.findLast((name) => !/^[0-9]+$/.test(name)) ?? '';
    if (node.kind === 'text' && !READ_ABOVE.has(path[0]!) && SCOPE_KEY.test(key))
      yield { key: path.join('.'), word: { text: node.value, place: server.placeOf(node) } };
  }
}

const READ_ABOVE = new Set(['env', 'environment', 'args', 'command', 'url', 'settings']);

function scopesIn(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((one) => one !== '');
}

/** Everything, by a wildcard or by a name that means it. */
function isBroad(scope: string): boolean {
  return (
    /^(?:\*|all|any|root|admin|full|full[-_]?access|superuser|write:all|read:all|repo|delete_repo|user|workflow)$/i.test(
      scope,
    ) ||
    /^(?:\*[:.]\*|.+[:.]\*|admin:.+)$/.test(scope) ||
    /(?:^|\/)(?:[A-Z][A-Za-z]+\.(?:ReadWrite|Write|FullControl|AccessAsUser|ManageAsApp)\.All|\.default)$/.test(
      scope,
    ) ||
    /^https:\/\/(?:mail\.google\.com\/?$|www\.googleapis\.com\/auth\/(?:drive|cloud-platform|calendar|gmail\.modify|admin\..+)$)/.test(
      scope,
    )
  );
}

function listed(scopes: readonly string[]): string {
  return scopes.map((one) => `\`${one}\``).join(', ');
}
