// What manifests and reviewed definitions say of the tools, in the form in which a task's scopes are told from its prompt (rules §3.6,
// §3.12). A tool that a manifest names and nobody has reviewed yet counts too, so that a review later does not open it to a task that
// did not ask for it.

import type { ScopedServers, ScopedTool, ToolTrust } from '@writ/core';
import type { Shape } from './arguments/shape.ts';
import { operationsOf, type ReviewedRisk, type ServerInput } from './definitions.ts';
import type { Operation } from './operation.ts';

export function scopedServersOf(servers: readonly ServerInput[], reviewedRisk: ReviewedRisk): ScopedServers {
  return new Map(servers.map((server) => [server.key, scopedToolsOf(server, reviewedRisk)]));
}

function scopedToolsOf(server: ServerInput, reviewedRisk: ReviewedRisk): readonly ScopedTool[] {
  const { operations } = operationsOf([], [server], reviewedRisk);
  const known = operations.filter(({ pinned }) => pinned).map(scopedTool);
  const names = new Set(known.map(({ name }) => name));
  const told = Object.entries(server.manifest?.tools ?? {}).filter(([name]) => !names.has(name));
  return [...known, ...told.map(([name, tool]) => ({ name, ...wordsOf(tool as ToolTrust), takes: null }))];
}

function scopedTool({ target, risk, trust, shape }: Operation): ScopedTool {
  return { name: target.name, ...wordsOf(trust), risk, takes: takesOf(shape) };
}

function wordsOf({ risk, riskWhen = [], intent, args }: ToolTrust): Omit<ScopedTool, 'name' | 'takes'> {
  return { risk: Math.max(risk, ...riskWhen.map((when) => when.risk)), intent, args };
}

/** Null where other parts of the schema may ask for further arguments. */
function takesOf({ properties, required, allOf, anyOf, oneOf, ref }: Shape): ScopedTool['takes'] {
  if (properties === null) return null;
  if (ref !== null || [allOf, anyOf, oneOf].some((parts) => parts.length > 0)) return null;
  return [...properties.keys()].map((name) => ({ name, required: required.includes(name) }));
}
