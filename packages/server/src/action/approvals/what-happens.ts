// What a yes does, in one plain sentence for the person who is asked (rules §4): the effect in everyday words, where it goes and how
// much, for whom and how often. Values are quoted and short; the whole of them stands beside the sentence.

import { type ApprovalSubject, type Effect, isJsonObject, type JsonObject, partyName, valueAt } from '@writ/core';

const EFFECTS: { readonly [effect in Effect]: string } = {
  read: 'reads something',
  network: 'asks the network, which sees the address',
  write: 'changes something',
  message: 'sends a message',
  money: 'moves money',
  membership: 'changes who belongs or has access',
  publish: 'publishes something',
  account: 'changes account data',
  destroy: 'destroys something',
  unknown: 'does something that nobody has reviewed',
};

/** The arguments that decide where it goes and how much; payloads are read beside the sentence. */
const DECIDING = new Set(['target', 'value', 'date']);
const shownMax = 6;
const charsMax = 80;

export function whatHappens(
  { server, tool, arguments: args, root, actors }: ApprovalSubject,
  effect: Effect | null,
  provenance: JsonObject,
): string {
  const actor = partyName(actors.at(-1)?.sub ?? root.sub);
  const what = effect === null ? `sends this message to the agent ${server}` : EFFECTS[effect];
  const through = effect === null ? '' : ` through ${server}/${tool}`;
  const deciding = Object.entries(provenance)
    .filter(([, one]) => isJsonObject(one) && DECIDING.has(String(one.role)))
    .map(([pointer]) => [pointer, valueAt(args, pointer)] as const)
    .filter(([, value]) => value !== undefined);
  const shown = deciding.slice(0, shownMax).map(([pointer, value]) => `${pointer.slice(1)} ${quoted(value)}`);
  const more = deciding.length > shownMax ? `, and ${deciding.length - shownMax} more` : '';
  const list = shown.length === 0 ? '' : `: ${shown.join(', ')}${more}`;
  return `If you approve, ${actor} ${what}${through}, for ${partyName(root.sub)}, once${list}.`;
}

function quoted(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > charsMax ? `${text.slice(0, charsMax).toWellFormed()}…` : text;
}
