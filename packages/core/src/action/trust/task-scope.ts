// What a task may do at all, told from the person's words when its token is issued: tools that the prompt does not ask for are left
// out, and targets are bound to the values that the prompt names (rules §3.6, §3.12). Only ever less than the agent may have;
// a planner may take away more and add nothing. Each single call is still judged by the rest of this folder.

import { type Constraint, DETAIL_TYPE, type Detail } from '../../token/chain.ts';
import { widening } from '../../token/narrower.ts';
import { isWildcard, parseScope, scopeCovers } from '../../token/scope.ts';
import { pass, type Verdict } from '../../verdict.ts';
import { type Literals, type LiteralType, literalsOf } from './literals.ts';
import type { ArgumentRule } from './manifest.ts';
import { asksFor, type Prompt } from './prompt.ts';

/** An operation of a server, as its reviewed definition and manifest have it. */
export interface ScopedTool {
  /** As in scopes (contract §7a): `read_file`, `prompts/NAME`. */
  readonly name: string;
  /** The highest any arguments can give it. */
  readonly risk: number;
  readonly intent?: readonly string[] | undefined;
  readonly args?: { readonly [pointer: string]: ArgumentRule } | undefined;
  /** Its arguments by the reviewed definition; null: not known. */
  readonly takes: readonly { readonly name: string; readonly required: boolean }[] | null;
}

/** By server key. */
export type ScopedServers = ReadonlyMap<string, readonly ScopedTool[]>;

export interface TaskAuthority {
  readonly scopes: readonly string[];
  /** Absent: arguments are free. */
  readonly details?: readonly Detail[];
}

interface ScopeAsk {
  /** What the agent may use or delegate. */
  readonly held: readonly string[];
  /** Scopes named by whoever opens the task; null: none, so the prompt says which. */
  readonly asked: readonly string[] | null;
  readonly prompt: Prompt;
  readonly servers: ScopedServers;
  /** The root's own registered addresses, which count as said (rules §3.8). */
  readonly rootAddresses: readonly string[];
  /** Bind targets to what the prompt names, so that any other is refused and nobody is asked. */
  readonly bindArguments: boolean;
}

/** Never wider than `asked`, or than `held` without it. */
export function authorityFromPrompt(ask: ScopeAsk): TaskAuthority {
  const { prompt, servers } = ask;
  const isAsked = ({ intent }: ScopedTool) => intent === undefined || asksFor(prompt, intent);
  const scopes = ask.asked ?? [...new Set(ask.held.flatMap((scope) => only(scope, servers, isAsked)))];
  if (!ask.bindArguments) return { scopes };
  const details = detailsOf(scopes, servers, withAddresses(literalsOf(prompt), ask.rootAddresses));
  return details === null ? { scopes } : { scopes, details };
}

/** A planner's part of a task: refused where it is wider than what the task has without it. */
export function plannedAuthority(planned: Partial<TaskAuthority>, derived: TaskAuthority): Verdict<TaskAuthority> {
  const scopes = planned.scopes ?? derived.scopes;
  const details = planned.details ?? derived.details;
  const rest = { budget: [], depth: 0, untilSeconds: 0, ceiling: 0 } as const;
  const own = { ...rest, scopes, ...(details === undefined ? {} : { details }) };
  const wider = widening(own, { ...rest, ...derived }, 0);
  if (wider) return { outcome: 'deny', denial: wider };
  return pass({ scopes, ...(details === undefined ? {} : { details }) });
}

/** The scope, or what is left of it: a wildcard becomes the names below it as soon as one of them is out. */
function only(scope: string, servers: ScopedServers, keep: (tool: ScopedTool) => boolean): readonly string[] {
  const covered = toolsBelow(scope, servers);
  if (covered.every(keep)) return [scope];
  return isWild(scope) ? namesOf(scope, covered.filter(keep)) : [];
}

function toolsBelow(scope: string, servers: ScopedServers): readonly ScopedTool[] {
  const server = parseScope(scope)?.name ?? '';
  return (servers.get(server) ?? []).filter(({ name }) => scopeCovers(scope, `${server}:${name}`));
}

/** By name a scope covers risk 5, by wildcard it does not (rules §2.10): writing out a wildcard must not add it. */
function namesOf(scope: string, tools: readonly ScopedTool[]): readonly string[] {
  const { name: server } = parseScope(scope)!;
  return tools.filter(({ risk }) => risk < 5).map(({ name }) => `${server}:${name}`);
}

function isWild(scope: string): boolean {
  const parsed = parseScope(scope);
  return parsed !== null && isWildcard(parsed);
}

function withAddresses(literals: Literals, addresses: readonly string[]): Literals {
  if (literals.email.length === 0) return literals;
  return { ...literals, email: [...new Set([...literals.email, ...addresses])] };
}

/** Details that are present speak of every call, so what is not bound is listed too. Null: nothing is bound. */
function detailsOf(scopes: readonly string[], servers: ScopedServers, literals: Literals): readonly Detail[] | null {
  const bound = (tool: ScopedTool) => boundArguments(tool, literals);
  const isFree = (tool: ScopedTool) => bound(tool) === null;
  const free = [...new Set(scopes.flatMap((scope) => only(scope, servers, isFree)))];
  const entries: Detail[] = [];
  const seen = new Set<string>();
  for (const scope of scopes) {
    for (const tool of toolsBelow(scope, servers)) {
      const alternatives = bound(tool);
      const [action] = isWild(scope) ? namesOf(scope, [tool]) : [scope];
      if (alternatives === null || action === undefined || seen.has(action)) continue;
      seen.add(action);
      entries.push(...alternatives.map((args): Detail => ({ type: DETAIL_TYPE, actions: [action], arguments: args })));
    }
  }
  if (entries.length === 0) return null;
  return free.length === 0 ? entries : [{ type: DETAIL_TYPE, actions: free }, ...entries];
}

type Bindings = NonNullable<Detail['arguments']>;

/** More alternatives than this for one tool make the token longer than they are worth; optional arguments double them. */
const alternativesMax = 32;
const optionalMax = 4;

/** From here on a wrong target does something. */
const boundRisk = 2;

const FREE: Constraint = { any: true };

/** Ways in which the arguments may look, one of which a call has to have; null where the prompt binds none of them. */
function boundArguments({ args = {}, takes, risk }: ScopedTool, literals: Literals): readonly Bindings[] | null {
  if (takes === null) return null;
  const limits = new Map<string, readonly Constraint[]>();
  for (const [pointer, rule] of Object.entries(args)) {
    const argument = takes.find(({ name }) => pointer === `/${name}` || pointer === `/${name}/*`);
    const found = argument && limitsOf(argument, rule, literals, risk);
    if (found) limits.set(argument.name, found);
  }
  const optional = takes.filter(({ required }) => !required);
  // An argument that a constraint names must be there (rules §2.11), so one that may be absent needs a way without it.
  const mayMiss = optional.some(({ name }) => limits.has(name));
  if (mayMiss && optional.length > optionalMax) for (const { name } of optional) limits.delete(name);
  if (limits.size === 0) return null;
  const bound = (names: readonly string[], rest: Bindings): readonly Bindings[] =>
    names.reduce<readonly Bindings[]>(
      (all, name) =>
        all.flatMap((one) => (limits.get(name) ?? [FREE]).map((limit) => ({ ...one, [`/${name}`]: limit }))),
      [rest],
    );
  const required = takes.filter((one) => one.required).map(({ name }) => name);
  const ways =
    mayMiss && optional.length <= optionalMax
      ? subsets(optional.map(({ name }) => name)).flatMap((present) => bound([...required, ...present], {}))
      : bound([...limits.keys()], { '': FREE });
  return ways.length > alternativesMax ? null : ways;
}

function subsets(names: readonly string[]): readonly (readonly string[])[] {
  return names.reduce<readonly (readonly string[])[]>((all, name) => all.flatMap((one) => [one, [...one, name]]), [[]]);
}

/** Any of these has to hold of the argument; null where the prompt names no such value. */
function limitsOf(
  { name, required }: { readonly name: string; readonly required: boolean },
  { role, type = 'text', compose }: ArgumentRule,
  literals: Literals,
  risk: number,
): readonly Constraint[] | null {
  if (role !== 'target' || compose !== undefined) return null;
  const kind: LiteralType | null = type === 'text' && PATHS.test(name) ? 'path' : isLiteral(type) ? type : null;
  if (kind === null || literals[kind].length === 0) return null;
  // Reading goes where what was read points to; a file tree has an inside to stay in.
  if (risk < boundRisk && kind !== 'path') return null;
  if (kind === 'path') return literals.path.map((path) => ({ subpath: subtree(String(path)) }));
  // Null and empty carry nothing.
  return [{ oneOf: required ? literals[kind] : [...literals[kind], null, ''] }];
}

function isLiteral(type: string): type is Exclude<LiteralType, 'path'> {
  return type === 'iban' || type === 'email' || type === 'url' || type === 'id';
}

/** Manifests have no type for a place in a file tree: it is a text whose name says so. */
const PATHS = /(?:^|_)(?:path|paths|file|files|dir|directory|folder|source|destination)$/i;

function subtree(root: string): { readonly root: string; readonly separator: '/' | '\\' } {
  return { root, separator: root.startsWith('/') ? '/' : '\\' };
}
