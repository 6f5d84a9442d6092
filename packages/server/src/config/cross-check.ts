// What one key of writ.yaml says about another: names that must be known, names that are reserved, one boundary per uid.
// Where the plane listens and whom it trusts to carry its words is check-addresses.ts.

import { parseScope, parseSpiffeId } from '@writ/core';
import { checkAddresses } from './check-addresses.ts';
import { checkLives, checkSight, checkSource } from './check-attest.ts';
import { checkFederation } from './check-federation.ts';
import type { Complaint } from './problems.ts';
import type { ConfigFile } from './schema.ts';
import { durationSeconds } from './words.ts';
import { splitTool } from './work-out.ts';

export interface Surroundings {
  /** The uid the plane runs as: where `launched` entries live unless they name another. Rules §1.1. */
  readonly planeUid: number;
  /** May it look into the processes of other users? */
  readonly seesPrograms: boolean;
}

type Path = readonly (string | number)[];

export function crossCheck(written: ConfigFile, surroundings: Surroundings): readonly Complaint[] {
  const names = namesOf(written);
  return [
    ...checkTrustDomain(written),
    ...checkReserved(written),
    ...checkNotYet(written),
    ...checkReferences(written, names),
    ...checkAllow(written, names),
    ...checkMandates(written, names),
    ...checkBoundaries(written, surroundings.planeUid),
    ...checkSight(written, surroundings),
    ...checkSource(written),
    ...checkLives(written, durationSeconds),
    ...checkFederation(written),
    ...checkAddresses(written),
  ];
}

interface Names {
  readonly agents: readonly string[];
  readonly servers: readonly string[];
  readonly users: readonly string[];
  readonly clients: readonly string[];
}

function namesOf({ agents, servers, users, clients }: ConfigFile): Names {
  return {
    agents: Object.keys(agents ?? {}),
    servers: Object.keys(servers ?? {}),
    users: Object.keys(users ?? {}),
    clients: Object.keys(clients ?? {}),
  };
}

function wrong(path: Path, says: string, expected: string, at: Complaint['at'] = 'value'): Complaint {
  return { path, at, says, expected };
}

function listed(names: readonly string[], none: string): string {
  if (names.length === 0) return none;
  const shown = names.slice(0, 8).map((name) => `\`${name}\``);
  return `one of ${shown.join(', ')}${names.length > shown.length ? ', …' : ''}`;
}

function checkTrustDomain({ trustDomain }: ConfigFile): readonly Complaint[] {
  if (parseSpiffeId(`spiffe://${trustDomain}`) !== null) return [];
  return [
    wrong(['trustDomain'], `\`${trustDomain}\` is not a trust domain`, 'a SPIFFE trust domain, such as `example.org`'),
  ];
}

/** The path `writ` belongs to the plane's own identities. Contract §5. */
function checkReserved({ agents, servers }: ConfigFile): readonly Complaint[] {
  const own = (section: string, key: string): Complaint =>
    wrong([section, key], `\`${key}\` takes a name of the plane itself`, 'a name that is not `writ`', 'key');
  return [
    ...Object.keys(agents ?? {})
      .filter((key) => key.split('/')[0] === 'writ')
      .map((key) => own('agents', key)),
    ...Object.keys(servers ?? {})
      .filter((key) => key === 'writ')
      .map((key) => own('servers', key)),
  ];
}

/** Keys that are fixed in the contract and that this version does not act on. Better a word now than silence later. */
function checkNotYet({ listen, servers }: ConfigFile): readonly Complaint[] {
  const later = (path: Path): Complaint =>
    wrong(path, 'Envoy is not served by this version', 'this key left out', 'key');
  return [
    ...(listen?.envoy === undefined ? [] : [later(['listen', 'envoy'])]),
    ...Object.entries(servers ?? {})
      .filter(([, server]) => server.envoy !== undefined)
      .map(([key]) => later(['servers', key, 'envoy'])),
  ];
}

function checkReferences({ agents, clients }: ConfigFile, names: Names): readonly Complaint[] {
  const callees = [...names.agents, ...names.servers];
  const found: Complaint[] = [];
  for (const [section, entries] of [
    ['agents', agents],
    ['clients', clients],
  ] as const) {
    for (const [key, entry] of Object.entries(entries ?? {})) {
      found.push(...checkCalls([section, key, 'calls'], entry.calls, callees));
      found.push(...checkScopes([section, key, 'scopes'], entry.scopes, callees));
    }
  }
  for (const [key, { pep }] of Object.entries(agents ?? {})) {
    found.push(...checkCalls(['agents', key, 'pep'], pep, callees));
  }
  for (const [key, agent] of Object.entries(agents ?? {})) {
    const parent = agent.attest?.parent;
    if (parent !== undefined && !names.agents.includes(parent)) {
      const expected = listed(names.agents, 'an agent of this file');
      found.push(wrong(['agents', key, 'attest', 'parent'], `\`${parent}\` is not an agent of this file`, expected));
    }
  }
  return found;
}

function checkCalls(
  path: Path,
  calls: readonly string[] | undefined,
  callees: readonly string[],
): readonly Complaint[] {
  const expected = listed(callees, 'an agent or server of this file; it has none');
  return (calls ?? []).flatMap((name, i) => {
    if (!callees.includes(name))
      return [wrong([...path, i], `\`${name}\` is no agent or server of this file`, expected)];
    return calls!.indexOf(name) === i ? [] : [wrong([...path, i], `\`${name}\` stands here twice`, 'every name once')];
  });
}

function checkScopes(
  path: Path,
  scopes: readonly string[] | undefined,
  known: readonly string[],
): readonly Complaint[] {
  return (scopes ?? []).flatMap((text, i) => {
    const scope = parseScope(text);
    if (scope === null) {
      const expected = '`server:tool`, `server:*`, `server:part/*` or `type/instance:send`';
      return [wrong([...path, i], `\`${text}\` is not a scope`, expected)];
    }
    if (known.includes(scope.name)) return [];
    const expected = listed(known, 'an agent or server of this file; it has none');
    return [wrong([...path, i], `\`${text}\` speaks of \`${scope.name}\`, which this file does not have`, expected)];
  });
}

function checkAllow({ allow }: ConfigFile, names: Names): readonly Complaint[] {
  return (allow ?? []).flatMap((line, i) => {
    const found: Complaint[] = [];
    const client = line.agent.startsWith('client:') ? line.agent.slice('client:'.length) : null;
    if (client === null ? !names.agents.includes(line.agent) : !names.clients.includes(client)) {
      const expected = listed([...names.agents, ...names.clients.map((id) => `client:${id}`)], 'an agent of this file');
      found.push(wrong(['allow', i, 'agent'], `\`${line.agent}\` is no agent or client of this file`, expected));
    }
    const [server, tool] = splitTool(line.tool);
    if (!names.servers.includes(server)) {
      const expected = `\`server/tool\` with ${listed(names.servers, 'a server of this file; it has none')}`;
      found.push(wrong(['allow', i, 'tool'], `\`${server}\` is no server of this file`, expected));
    } else if (parseScope(`${server}:${tool}`) === null) {
      const expected = '`server/tool`, `server/*` or `server/part/*`';
      found.push(wrong(['allow', i, 'tool'], `\`${line.tool}\` does not name tools`, expected));
    }
    return [...found, ...checkUsers(['allow', i, 'users'], line.users ?? [], names)];
  });
}

function checkUsers(path: Path, users: readonly string[], names: Names): readonly Complaint[] {
  const expected = listed(names.users, 'a person under `users`; this file has none');
  return users.flatMap((user, i) =>
    names.users.includes(user) ? [] : [wrong([...path, i], `\`${user}\` is not a person of this file`, expected)],
  );
}

function checkMandates({ mandates }: ConfigFile, names: Names): readonly Complaint[] {
  return Object.entries(mandates ?? {}).flatMap(([key, mandate]) => {
    const at = (member: string): Path => ['mandates', key, member];
    const people = listed(names.users, 'a person under `users`; this file has none');
    const found = [...checkScopes(at('scopes'), mandate.scopes, [...names.agents, ...names.servers])];
    if (!names.users.includes(mandate.owner)) {
      found.push(wrong(at('owner'), `\`${mandate.owner}\` is not a person of this file`, people));
    }
    if (!names.agents.includes(mandate.agent)) {
      const expected = listed(names.agents, 'an agent of this file; it has none');
      found.push(wrong(at('agent'), `\`${mandate.agent}\` is not an agent of this file`, expected));
    }
    if (mandate.reviewed && !names.users.includes(mandate.reviewed.by)) {
      const by = mandate.reviewed.by;
      found.push(wrong([...at('reviewed'), 'by'], `\`${by}\` is not a person of this file`, people));
    }
    return found;
  });
}

/**
 * One uid carries a single entry, or only launched ones: what runs as that uid could otherwise be either. Rules §1.1.
 * An entry that names no uid is recognised at every uid, so it stands alone or names one.
 */
function checkBoundaries({ agents }: ConfigFile, planeUid: number): readonly Complaint[] {
  const attested = Object.entries(agents ?? {}).flatMap(([key, { attest }]) =>
    attest === undefined ? [] : [{ key, attest, launched: attest.launched === true }],
  );
  return attested.flatMap(({ key, attest, launched }, i): Complaint[] => {
    const path = ['agents', key, 'attest'];
    if (!launched && attest.uid === undefined) {
      const expected = '`uid: <number>`, or `launched: true` for what Writ starts';
      return [wrong(path, `\`${key}\` would be recognised at every uid`, expected)];
    }
    if (!launched && attest.command !== undefined) {
      return [
        wrong(
          [...path, 'command'],
          'a command is recognised only when Writ starts it',
          '`launched: true` beside it',
          'key',
        ),
      ];
    }
    const uid = attest.uid ?? planeUid;
    const other = attested.slice(0, i).find((before) => (before.attest.uid ?? planeUid) === uid);
    if (other === undefined || (other.launched && launched)) return [];
    const expected = 'another uid for one of them, or `launched: true` for both';
    return [wrong(path, `uid ${uid} carries \`${other.key}\` already, and the two could not be told apart`, expected)];
  });
}
