// `writ policy`: the policy in force as one text, and reviewing what tool servers say they offer.

import { isJsonObject, type JsonObject } from '@writ/core';
import { askLine } from './ask-person.ts';
import { findPlane } from './plane.ts';
import prove from './policy-prove.ts';
import replay from './policy-replay.ts';
import test from './policy-test.ts';
import { refused } from './stop.ts';
import { visible } from './terminal.ts';
import { planeOptions, type VerbGroup, verb } from './verb.ts';

const show = verb({
  summary: 'the policy in force, allow lines compiled',
  options: planeOptions,
  async run({ args, terminal, channels }) {
    const answer = await findPlane({ ...args, env: channels.env }).act('GET', 'policy');
    terminal.answer(answer, () => String(answer.text ?? ''));
    return 0;
  },
});

const review = verb({
  summary: 'look at a server’s tools and pin what you saw (rules §3.7)',
  options: {
    server: { type: 'positional', description: 'server key' },
    yes: { type: 'boolean', description: 'pin without asking' },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    const plane = findPlane({ ...args, env: channels.env });
    const path = `policy/review/${encodeURIComponent(args.server)}`;
    const shown = await plane.act('GET', path);
    const changed = entriesIn(shown).filter((entry) => entry.state !== 'reviewed');
    if (changed.length === 0) {
      terminal.answer({ ...shown, pinned: [] }, () => `everything ${args.server} offers is reviewed as it stands`);
      return 0;
    }
    if (!args.yes) {
      if (!terminal.interactive) {
        terminal.answer({ ...shown, pinned: null }, () => entriesText(changed));
        terminal.note(`nothing was pinned; \`writ policy review ${args.server} --yes\` pins what is shown`);
        return 1;
      }
      terminal.note(entriesText(changed));
      const answer = await askLine('type `pin` to allow calls of exactly these: ');
      if (answer !== 'pin') throw refused('nothing was pinned');
    }
    // The digest of what was shown: what changed in between is not pinned with it.
    const answer = await plane.act('POST', path, { digest: shown.digest ?? null });
    const pinned = changed.map((entry) => String(entry.name));
    terminal.answer({ ...answer, pinned }, () => `pinned: ${pinned.map(visible).join(', ')}`);
    return 0;
  },
});

function entriesIn(shown: JsonObject): readonly JsonObject[] {
  return (Array.isArray(shown.tools) ? shown.tools : []).filter(isJsonObject);
}

/** One line for each definition, and under a changed one what it was and is. */
function entriesText(entries: readonly JsonObject[]): string {
  return entries
    .flatMap(({ state, name, description, changes }) => {
      const head = `${String(state).padEnd(8)} ${name}  ${String(description ?? '').split('\n')[0]}`;
      const differences = (Array.isArray(changes) ? changes : []).filter(isJsonObject);
      return [
        head,
        ...differences.map(
          ({ pointer, was, is }) => `         ${pointer}: ${JSON.stringify(was)} became ${JSON.stringify(is)}`,
        ),
      ];
    })
    .map(visible)
    .join('\n');
}

const group: VerbGroup = {
  summary: 'the policy: in force, under test, and the tools it is about',
  verbs: { show, review, test, prove, replay },
};
export default group;
