// Which arguments a policy set reads. An argument that no policy mentions cannot change an answer, so it is not sent to
// Cedar: file contents stay out of it, and a number that Cedar could not hold exactly does no harm until somebody asks.

import type { Expr, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Reads } from '../schema.ts';

/**
 * Over-approximates: names are collected over all policies and actions, and a policy that handles `context` or
 * `context.input` as a whole reads everything.
 */
export function readsOf(policies: readonly PolicyJson[]): Reads {
  const names = new Set<string>();
  let all = false;
  const note = (name: string | undefined): void => {
    if (name === undefined) all = true;
    else names.add(name);
  };
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if (isContext(node) || isInput(node)) {
      all = true;
      return;
    }
    const access = accessOf(node);
    if (access && isInput(access.left)) note(access.path[0]);
    else if (access && isContext(access.left)) {
      if (access.path[0] === 'input' && access.path.length > 1) note(access.path[1]);
    } else Object.values(node).forEach(visit);
  };
  for (const policy of policies) for (const clause of policy.conditions) visit(clause.body);
  return { reads: (name) => all || names.has(name) };
}

/** `left.a`, `left has a` and `left has a.b`. */
function accessOf(node: object): { readonly left: Expr; readonly path: readonly string[] } | null {
  if ('.' in node) {
    const { left, attr } = node['.'] as { left: Expr; attr: string };
    return { left, path: [attr] };
  }
  if ('has' in node) {
    const { left, attr } = node.has as { left: Expr; attr: string | string[] };
    return { left, path: typeof attr === 'string' ? [attr] : attr };
  }
  return null;
}

function isContext(node: object): boolean {
  return 'Var' in node && node.Var === 'context';
}

function isInput(node: unknown): boolean {
  const access = typeof node === 'object' && node !== null && '.' in node ? accessOf(node) : null;
  return access !== null && access.path[0] === 'input' && isContext(access.left as object);
}
