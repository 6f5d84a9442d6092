// `writ policy reload`: what the files say now, compared with what is in force; taken on once a person has seen it (rules §7.2).

import { isJsonObject, type JsonObject } from '@writ/core';
import { askLine } from './ask-person.ts';
import { findPlane } from './plane.ts';
import { refused } from './stop.ts';
import { table, visible } from './terminal.ts';
import { planeOptions, verb } from './verb.ts';

export default verb({
  summary: 'take on what writ.yaml, policies and manifests say now',
  options: { yes: { type: 'boolean', description: 'without asking, also what widens' }, ...planeOptions },
  async run({ args, terminal, channels }) {
    const plane = findPlane({ ...args, env: channels.env });
    const draft = await plane.act('GET', 'policy/draft');
    if (!changesAnything(draft)) {
      terminal.answer({ ...draft, applied: false }, () => draftText(draft));
      return 0;
    }
    if (!args.yes) {
      if (!terminal.interactive) {
        terminal.answer({ ...draft, applied: false }, () => draftText(draft));
        terminal.note('nothing was changed; `writ policy reload --yes` takes on what is shown');
        return 1;
      }
      terminal.note(draftText(draft));
      if ((await askLine('type `reload` to take this on: ')) !== 'reload') throw refused('nothing was changed');
    }
    await plane.act('POST', 'policy/reload', { digest: draft.digest! });
    terminal.answer({ ...draft, applied: true }, () => [draftText(draft), 'taken on'].join('\n'));
    return 0;
  },
});

function changesAnything({ was, is, untold }: JsonObject): boolean {
  return was !== is || listOf(untold).length > 0;
}

function draftText(draft: JsonObject): string {
  const rows = listOf(draft.changes)
    .filter(isJsonObject)
    .map(({ holder, action, actor, wider }) => [
      listOf(wider).length > 0 ? 'wider' : '',
      visible(String(holder)),
      visible(String(action)),
      `by ${visible(String(actor))}`,
      listOf(wider).join(', '),
    ]);
  const untold = listOf(draft.untold).join(' and ');
  const restart = listOf(draft.restart).join(', ');
  return [
    ...(rows.length > 0 ? [table(rows)] : []),
    ...(untold === '' ? [] : [`${untold} changed, and what that means for anybody’s reach is for you to tell`]),
    changesAnything(draft) ? (draft.widens ? 'it widens' : 'it widens nothing') : 'the policy is as it was',
    ...(restart === '' ? [] : [`read at the next start: ${restart}`]),
  ].join('\n');
}

function listOf(value: JsonObject[string] | undefined): readonly JsonObject[string][] {
  return Array.isArray(value) ? (value as readonly JsonObject[string][]) : [];
}
