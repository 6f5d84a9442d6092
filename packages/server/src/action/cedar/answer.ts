// Cedar's answer to core's: `decision` is never read alone. An error beside an allow is an error, a failure is an error, and
// what Cedar says about either is repeated only as far as the policy's own text goes, since the rest may come from arguments.
// A deny is a question to a person when each of its forbids says so (rules §3.12).

import type { AuthorizationAnswer, AuthorizationError } from '@cedar-policy/cedar-wasm/nodejs';
import type { PolicyAnswer } from '@writ/core';

export function failed(says: string): PolicyAnswer {
  return { outcome: 'error', determining: [], errors: [says] };
}

export interface Answering {
  readonly action: string;
  readonly policies: readonly { readonly id: string; readonly text: string }[];
  /** Ids of the forbids that only ask for a person. */
  readonly asking: ReadonlySet<string>;
  /** With no forbid counted, has the asker every permit it needs? Called only when each forbid that holds asks. */
  permitted(): boolean;
}

export function answerOf(
  answer: AuthorizationAnswer,
  { action, policies, asking, permitted }: Answering,
): PolicyAnswer {
  // The message of a failure can hold the whole context.
  if (answer.type !== 'success')
    return failed(`Cedar refused the request about \`${action}\` as not fitting its schema`);
  const { decision, diagnostics } = answer.response;
  const { reason, errors } = diagnostics;
  const determining = [...reason].sort();
  if (errors.length > 0) {
    return { outcome: 'error', determining, errors: errors.map((error) => errorText(error, policies)).sort() };
  }
  if (decision === 'allow' && determining.length > 0) return { outcome: 'permit', determining, errors: [] };
  if (decision === 'deny') {
    if (determining.length === 0) return { outcome: 'none', determining, errors: [] };
    const asks = determining.every((id) => asking.has(id)) && permitted();
    return { outcome: asks ? 'approval' : 'forbid', determining, errors: [] };
  }
  return failed(`Cedar gave no reason for its answer about \`${action}\``);
}

function errorText({ policyId, error }: AuthorizationError, policies: readonly { id: string; text: string }[]): string {
  const text = policies.find(({ id }) => id === policyId)?.text ?? '';
  const told = error.message.replace(/`[^`]*`|"[^"]*"/g, (quoted) =>
    text.includes(quoted.slice(1, -1)) ? quoted : '`…`',
  );
  return `policy \`${policyId}\` failed: ${told}`;
}
