// `writ policy review`: a person looks at what a tool server says of itself, and pins exactly that (rules §3.7).

import { isJsonObject, type JsonObject } from '@writ/core';
import { askLine } from './ask-person.ts';
import { findPlane } from './plane.ts';
import { reviewText } from './policy-review-text.ts';
import { refused, usage } from './stop.ts';
import { visible } from './terminal.ts';
import { planeOptions, verb } from './verb.ts';

export default verb({
  summary: 'look at a server’s tools and pin what you saw (rules §3.7)',
  options: {
    server: { type: 'positional', description: 'server key' },
    yes: { type: 'boolean', description: 'pin without asking' },
    by: {
      type: 'string',
      valueHint: 'name',
      description: 'with --yes: who answers for it; refused when somebody else is signed in',
    },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    if (args.by !== undefined && !args.yes) throw usage('`--by` goes with `--yes`; without it you are asked here');
    const plane = findPlane({ ...args, env: channels.env });
    const path = `policy/review/${encodeURIComponent(args.server)}`;
    const shown = await plane.act('GET', path);
    const changed = entriesIn(shown).filter((entry) => entry.state !== 'reviewed');
    if (changed.length === 0) {
      terminal.answer({ ...shown, pinned: [] }, () =>
        [`everything ${args.server} offers is reviewed as it stands`, reviewText(shown, terminal.paint)]
          .filter((text) => text !== '')
          .join('\n'),
      );
      return 0;
    }
    if (!args.yes) {
      if (!terminal.interactive) {
        terminal.answer({ ...shown, pinned: null }, () => reviewText(shown, terminal.paint));
        terminal.note(`nothing was pinned; \`writ policy review ${args.server} --yes\` pins what is shown`);
        return 1;
      }
      terminal.note(reviewText(shown, terminal.paint));
      const answer = await askLine('type `pin` to allow calls of exactly these: ');
      if (answer !== 'pin') throw refused('nothing was pinned');
    }
    // The digest of what was shown: what changed in between is not pinned with it.
    const yes: JsonObject = { digest: shown.digest ?? null, ...(args.by === undefined ? {} : { by: args.by }) };
    const answer = await plane.act('POST', path, yes);
    const named = (gone: boolean) =>
      changed.filter(({ state }) => (state === 'gone') === gone).map(({ name }) => String(name));
    const [pinned, unpinned] = [named(false), named(true)];
    terminal.answer({ ...answer, pinned, unpinned }, () =>
      [
        ...(pinned.length > 0 ? [`pinned: ${pinned.map(visible).join(', ')}`] : []),
        ...(unpinned.length > 0 ? [`no longer pinned: ${unpinned.map(visible).join(', ')}`] : []),
      ].join('\n'),
    );
    return 0;
  },
});

function entriesIn(shown: JsonObject): readonly JsonObject[] {
  return (Array.isArray(shown.tools) ? shown.tools : []).filter(isJsonObject);
}
