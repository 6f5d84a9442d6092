// How a demo agent reports to the story: one JSON line for each step, on stdout. A refusal is a result like any other.

import { DeniedError } from '@writ/agent';

export interface Step {
  readonly step: string;
  readonly outcome: 'allowed' | 'refused' | 'failed';
  readonly code?: string;
  readonly decisionId?: string | null;
  readonly value?: unknown;
  readonly says?: string;
}

export async function attempt(step: string, work: () => Promise<unknown>): Promise<Step> {
  try {
    return { step, outcome: 'allowed', value: await work() };
  } catch (error) {
    if (error instanceof DeniedError) {
      const { code, decisionId, says } = error.denial;
      return { step, outcome: 'refused', code, decisionId, says };
    }
    return { step, outcome: 'failed', says: error instanceof Error ? error.message : String(error) };
  }
}

export function tell(line: Step | { readonly ready: string }): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** One JSON object for each line of stdin: what the story tells an agent to try. */
export async function* orders(): AsyncGenerator<{ readonly [member: string]: string }> {
  process.stdin.setEncoding('utf8');
  let held = '';
  for await (const text of process.stdin) {
    held += text;
    for (let end = held.indexOf('\n'); end >= 0; end = held.indexOf('\n')) {
      const line = held.slice(0, end);
      held = held.slice(end + 1);
      if (line !== '') yield JSON.parse(line);
    }
  }
}

/** Text of a tool's answer. */
export function textOf(content: readonly { readonly [member: string]: unknown }[]): string {
  return content.map((part) => (part.type === 'text' ? String(part.text) : '')).join('');
}

/** Data of an A2A answer. */
export function dataOf(result: unknown): { readonly [member: string]: unknown } {
  const { message } = result as { message: { parts: { data?: { [member: string]: unknown } }[] } };
  return message.parts[0]?.data ?? {};
}
