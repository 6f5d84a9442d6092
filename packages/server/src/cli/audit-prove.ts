// `writ audit prove SEQ|ID`: the receipt of one record, a `.tlog-proof` file (C2SP) that anybody can check against the
// log's key, for good and without the log.

import { writeFileSync } from 'node:fs';
import { utf8Text } from '@writ/core';
import { logStop, openIndexOf, openLogOf, sourceOf, sourceOption, vkeyOption, vkeysOf } from './audit-source.ts';
import { refused, usage } from './stop.ts';
import { planeOptions, verb } from './verb.ts';

export const prove = verb({
  summary: 'print the proof that a record stands in the log (.tlog-proof)',
  options: {
    record: { type: 'positional', description: 'sequence of the record, or the id of a decision or a refusal' },
    ...sourceOption,
    ...vkeyOption,
    entry: {
      type: 'string',
      valueHint: 'file',
      description: 'write the record itself there: what is proven are its bytes',
    },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    const sequence = /^[0-9]{1,15}$/.test(args.record) ? Number(args.record) : await sequenceOf(args, channels.env);
    const source = sourceOf(args, channels.env);
    const log = await openLogOf(source, vkeysOf(args), terminal);
    const { size, origin } = log.checkpoint;
    if (sequence >= size)
      throw refused(`record ${sequence} is not under the checkpoint of \`${origin}\`, which has ${size} records`);
    const { proof, bytes, record } = await log.prove(sequence).catch((error: unknown) => {
      throw logStop(source, error);
    });
    if (args.entry !== undefined) writeFileSync(args.entry, bytes);
    const text = utf8Text(proof)!;
    terminal.answer({ origin, index: sequence, size, record, proof: text }, () => text);
    return 0;

    async function sequenceOf(asked: typeof args, env: NodeJS.ProcessEnv): Promise<number> {
      const { index } = await openIndexOf(asked, env, { ...terminal, note: () => {} });
      using rows = index;
      const found = rows.decision(asked.record) ?? rows.event(asked.record);
      if (!found) throw usage(`\`${asked.record}\` is not a sequence, and no record of the log has this id`);
      return found.sequence;
    }
  },
});
