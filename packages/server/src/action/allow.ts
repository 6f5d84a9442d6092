// The afternoon's allow list: each `allow:` line of writ.yaml becomes two permits, `allow.<n>.agent` and `allow.<n>.user`
// (contract §3), because an agent may do no more than the person it acts for. A line about what no server offers permits
// nothing and is a notice; a line about an agent, a server or a person that does not exist is a problem.

import { type Constraint, scopeCovers } from '@writ/core';
import { agentPrincipal, configuredUsers, type Directory, someUsers, subjectOf } from './cedar/parties.ts';
import { attribute, cedarString, entity, type PolicyText, permitText } from './cedar/text.ts';
import type { Operation } from './operation.ts';
import type { Locate, Problem } from './problem.ts';
import { inputTypeOf, READS_ALL } from './schema.ts';
import { type Held, heldName, whereInCedar } from './where.ts';

export interface AllowLine {
  /** Agent key or `client:<id>`. */
  readonly agent: string;
  readonly server: string;
  /** Tool name, or a wildcard as rules §2.10. */
  readonly tool: string;
  /** JSON pointer → constraint, all of which hold; arguments it does not name are free. */
  readonly where: ReadonlyMap<string, Constraint>;
  /** Null: every configured person. */
  readonly users: readonly string[] | null;
  /** The operator's own review of a tool without manifest, 0–3. Rules §3.7. */
  readonly risk: number | null;
}

export interface Compiled {
  readonly policies: readonly PolicyText[];
  /** Action → name in `context.holds` → what is judged there. */
  readonly held: ReadonlyMap<string, ReadonlyMap<string, Held>>;
  readonly problems: readonly Problem[];
  readonly notices: readonly Problem[];
}

export function compileAllow(
  lines: readonly AllowLine[],
  operations: readonly Operation[],
  directory: Directory,
  servers: ReadonlySet<string>,
  locate: Locate,
): Compiled {
  const policies: PolicyText[] = [];
  const problems: Problem[] = [];
  const notices: Problem[] = [];
  const held = new Map<string, Map<string, Held>>();
  for (const [i, line] of lines.entries()) {
    const complain = (to: Problem[], key: string, says: string, expected: string): void => {
      const path = ['allow', i, key];
      to.push({ ...locate(path), path: path.join('.'), says, expected });
    };
    const faults = faultsOf(line, directory, servers);
    for (const { key, says, expected } of faults) complain(problems, key, says, expected);
    if (faults.length > 0) continue;
    const covered = coveredBy(line, operations);
    if (covered.length === 0) {
      const says = `\`${line.server}/${line.tool}\` is no reviewed tool, so this line permits nothing`;
      complain(notices, 'tool', says, `a tool that \`writ policy review ${line.server}\` lists`);
      continue;
    }
    policies.push(...permitsOf(line, i + 1, covered, directory, held));
  }
  return { policies, held, problems, notices };
}

/** The highest risk that lines give a tool which has no manifest; null where no line says one. */
export function riskReviewedIn(lines: readonly AllowLine[], server: string, tool: string): number | null {
  const risks = lines.filter((line) => line.risk !== null && line.server === server && covers(line, tool));
  return risks.length === 0 ? null : Math.max(...risks.map(({ risk }) => risk!));
}

function faultsOf(
  line: AllowLine,
  directory: Directory,
  servers: ReadonlySet<string>,
): readonly { key: string; says: string; expected: string }[] {
  const faults: { key: string; says: string; expected: string }[] = [];
  if (subjectOf(line.agent, directory) === null) {
    faults.push({
      key: 'agent',
      says: `\`${line.agent}\` is not configured`,
      expected: 'an agent key, or `client:<client id>`',
    });
  }
  if (!servers.has(line.server)) {
    faults.push({ key: 'tool', says: `there is no server \`${line.server}\``, expected: 'the key of a server' });
  }
  for (const user of line.users ?? []) {
    if (!directory.users.has(user)) {
      faults.push({ key: 'users', says: `there is no user \`${user}\``, expected: 'names under `users`' });
    }
  }
  if (line.users?.length === 0)
    faults.push({ key: 'users', says: '`users` is empty', expected: 'at least one name, or no `users`' });
  return faults;
}

function isWildcard({ tool }: AllowLine): boolean {
  return tool.endsWith('*');
}

function covers(line: AllowLine, tool: string): boolean {
  if (!isWildcard(line)) return line.tool === tool;
  return scopeCovers(`${line.server}:${line.tool}`, `${line.server}:${tool}`);
}

/** A wildcard covers reviewed tools only and never risk 5 (rules §2.10); a name covers exactly itself. */
function coveredBy(line: AllowLine, operations: readonly Operation[]): readonly Operation[] {
  return operations.filter(
    ({ target, pinned, risk }) =>
      target.kind !== 'agent' &&
      target.server === line.server &&
      pinned &&
      covers(line, target.name) &&
      (!isWildcard(line) || risk < 5),
  );
}

function permitsOf(
  line: AllowLine,
  n: number,
  covered: readonly Operation[],
  directory: Directory,
  held: Map<string, Map<string, Held>>,
): readonly PolicyText[] {
  const actions = covered.map(({ action }) => entity('Action', action));
  const action = isWildcard(line) ? `action in [${actions.join(', ')}]` : `action == ${actions[0]}`;
  const resource = isWildcard(line)
    ? `resource in ${entity('Server', line.server)}`
    : `resource == ${entity('Tool', covered[0]!.action)}`;
  const where = [...line.where].flatMap(([pointer, constraint]) =>
    conditionsOf({ pointer, constraint }, covered, held),
  );
  const byActor = `context.actor == ${cedarString(subjectOf(line.agent, directory)!)}`;
  const users = line.users === null ? configuredUsers() : someUsers(line.users, directory.issuer);
  return [
    permitText({
      id: `allow.${n}.agent`,
      principal: agentPrincipal(line.agent, directory),
      action,
      resource,
      when: where,
    }),
    permitText({
      id: `allow.${n}.user`,
      principal: users.principal,
      action,
      resource,
      when: [...users.when, byActor, ...where],
    }),
  ];
}

/** Said in Cedar where one tool is meant and Cedar can say it; else judged outside and named in `context.holds`. */
function conditionsOf(
  constraint: Held,
  covered: readonly Operation[],
  held: Map<string, Map<string, Held>>,
): readonly string[] {
  const inCedar = covered.length === 1 ? whereInCedar(constraint, inputTypeOf(covered[0]!, READS_ALL)) : null;
  if (inCedar !== null) return inCedar;
  const name = nameFor(constraint, covered, held);
  for (const { action } of covered) {
    const names = held.get(action) ?? new Map<string, Held>();
    held.set(action, names.set(name, constraint));
  }
  return [attribute('context.holds', name)];
}

/** The readable name, with a number behind it in the rare case that another constraint reads the same. */
function nameFor(
  constraint: Held,
  covered: readonly Operation[],
  held: ReadonlyMap<string, ReadonlyMap<string, Held>>,
): string {
  const isFree = (name: string): boolean =>
    covered.every(({ action }) => {
      const other = held.get(action)?.get(name);
      return other === undefined || JSON.stringify(other) === JSON.stringify(constraint);
    });
  const name = heldName(constraint);
  for (let i = 1; ; i++) {
    const candidate = i === 1 ? name : `${name} (${i})`;
    if (isFree(candidate)) return candidate;
  }
}
