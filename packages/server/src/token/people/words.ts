// Scopes and durations as a person reads them on the consent page.

import { parseScope } from '@writ/core';

/** What a scope lets its holder do. An unreadable one is shown as it is. */
export function scopeInWords(scope: string): string {
  const read = parseScope(scope);
  if (scope === 'api') return 'use Writ itself as you: open tasks, answer approvals, and what your role allows';
  if (read === null) return scope;
  const { name, action } = read;
  if (action === 'send') return `send messages to the agent ${name} for you`;
  if (action === '*') return `use everything of ${name} that has been reviewed`;
  if (action === 'resources') return `read what ${name} holds`;
  if (action.startsWith('prompts/')) return `use the prompt ${action.slice('prompts/'.length)} of ${name}`;
  if (action.startsWith('skills/')) return `use the skill ${action.slice('skills/'.length)} of the agent ${name}`;
  return `use ${action} of ${name}`;
}

export function durationInWords(seconds: number): string {
  const units: readonly (readonly [number, string])[] = [
    [86_400, 'day'],
    [3_600, 'hour'],
    [60, 'minute'],
  ];
  for (const [size, unit] of units) {
    const count = Math.floor(seconds / size);
    if (count > 0) return `${count} ${unit}${count === 1 ? '' : 's'}`;
  }
  return `${seconds} seconds`;
}
