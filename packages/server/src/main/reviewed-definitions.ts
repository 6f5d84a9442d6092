// Is what a server lists just now, word for word, what a person reviewed? Compared with the policy in force, which changes a moment
// after a server does: in between, nothing new may pass (rules §3.7).

import { canonicalJson, type JsonObject } from '@writ/core';
import { readListing, type ServerListing } from '../action/pins.ts';
import type { DefinitionKind } from '../gateway/mcp/lists.ts';
import type { PolicyHolder } from './policy.ts';

type Policies = {
  readonly pins: Pick<PolicyHolder['pins'], 'listing'>;
  readonly loaded: () => { readonly policy: Pick<ReturnType<PolicyHolder['loaded']>['policy'], 'definition'> };
};

export function reviewedDefinitions({ pins, loaded }: Policies) {
  return (server: string, kind: DefinitionKind, item: JsonObject): boolean => {
    const last = pins.listing(server);
    const found = last && readListing(partOf(last, kind, item)).listed[0];
    if (!found) return false;
    const definition = loaded().policy.definition({ kind: 'server', server, name: found.name });
    return definition?.reviewed === true && definition.digest === found.digest;
  };
}

/** The item alone, with the instructions it belongs to. Templates are reviewed as one set, so an item has to be among them. */
function partOf(last: ServerListing, kind: DefinitionKind, item: JsonObject): ServerListing {
  const nothing = { ...last, tools: [], prompts: [], resourceTemplates: [], resources: false };
  if (kind === 'tool') return { ...nothing, tools: [item] };
  if (kind === 'prompt') return { ...nothing, prompts: [item] };
  const text = textOf(item);
  const known = text !== null && last.resourceTemplates.some((one) => textOf(one) === text);
  return known ? { ...nothing, resourceTemplates: last.resourceTemplates, resources: last.resources } : nothing;
}

/** Null for what JSON cannot carry, which equals nothing. */
function textOf(item: JsonObject): string | null {
  try {
    return canonicalJson(item);
  } catch {
    return null;
  }
}
