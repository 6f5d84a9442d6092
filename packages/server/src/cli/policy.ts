// `writ policy`: the policy in force as one text, and reviewing what tool servers say they offer.

import { findPlane } from './plane.ts';
import manifest from './policy-manifest.ts';
import prove from './policy-prove.ts';
import reload from './policy-reload.ts';
import replay from './policy-replay.ts';
import review from './policy-review.ts';
import test from './policy-test.ts';
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

const group: VerbGroup = {
  summary: 'the policy: in force, under test, and the tools it is about',
  verbs: { show, reload, review, manifest, test, prove, replay },
};
export default group;
