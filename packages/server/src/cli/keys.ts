// `writ keys`: the keys of the authority, and a new one by somebody's wish. A plane rotates them by itself; this is for when one may
// have leaked, or to see that it works.

import { isJsonObject, type JsonObject } from '@writ/core';
import { findPlane } from './plane.ts';
import { usage } from './stop.ts';
import { table } from './terminal.ts';
import { planeOptions, type VerbGroup, verb } from './verb.ts';

const list = verb({
  summary: 'the keys that sign identities, and their times',
  options: planeOptions,
  async run({ args, terminal, channels }) {
    const answer = await findPlane({ ...args, env: channels.env }).act('GET', 'keys');
    terminal.answer(answer, () => keysText(answer));
    return 0;
  },
});

const rotate = verb({
  summary: 'make the next key; it signs 25 minutes later, when everybody has seen it',
  options: {
    kind: { type: 'positional', description: '`root` for certificates, `jwt` for JWT-SVIDs' },
    now: { type: 'boolean', description: 'let it sign at once' },
    'revoke-former': {
      type: 'boolean',
      description: 'after a leak: all former keys and whatever they signed are over; with `root`, open connections too',
    },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    const { kind } = args;
    if (kind !== 'root' && kind !== 'jwt') throw usage(`\`${kind}\` is no kind of key; there are \`root\` and \`jwt\``);
    const ask = { kind, atOnce: args.now === true, revoke: args['revoke-former'] === true };
    const answer = await findPlane({ ...args, env: channels.env }).act('POST', 'keys', ask);
    terminal.answer(answer, () => keysText(answer));
    return 0;
  },
});

function keysText(answer: JsonObject): string {
  const rows = ['root', 'jwt'].flatMap((kind) => {
    const keys = answer[kind];
    return (Array.isArray(keys) ? keys : [])
      .filter(isJsonObject)
      .map((key) => [`${kind} ${key.number}`, String(key.state), `signs from ${key.signsFrom}`, `until ${key.until}`]);
  });
  return table(rows);
}

const group: VerbGroup = { summary: 'keys that sign identities: show, rotate', verbs: { list, rotate }, usual: 'list' };
export default group;
