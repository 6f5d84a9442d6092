// `writ explain ID`: why a call was allowed or refused.

import { explainRefusal, explainText } from './explain-text.ts';
import { findPlane } from './plane.ts';
import { planeOptions, verb } from './verb.ts';

export default verb({
  summary: 'why a call was allowed or a call or token refused, and through whom it came',
  options: { id: { type: 'positional', description: 'decision id, as in the header Writ-Decision' }, ...planeOptions },
  async run({ args, terminal, channels }) {
    const plane = findPlane({ ...args, env: channels.env });
    const decision = await plane.read(`decisions/${encodeURIComponent(args.id)}`);
    const textOf = 'event' in decision ? explainRefusal : explainText;
    terminal.answer(decision, () => textOf(decision, terminal.paint));
    return 0;
  },
});
